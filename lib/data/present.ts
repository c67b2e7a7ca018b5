/** Which of many files are there, under which spelling, and which of them are one file. */
import { stat } from 'node:fs/promises';
import { systemCode } from '../core/errors.js';
import { eachOf } from '../core/parallel.js';

/** Number of files asked about at a time. */
const PARALLEL = 16;

export interface FoundFiles {
  /** Names that lead to no file, however they are read. */
  readonly missing: ReadonlySet<string>;
  /** Names as they are spelled on disk, where that is another spelling. */
  readonly spelled: ReadonlyMap<string, string>;
  /** Names that lead to the file of an earlier name, with that earlier one as it is spelled on disk. */
  readonly twins: ReadonlyMap<string, string>;
}

/**
 * Looks for many files.
 *
 * @param names as a list has them; each counts once.
 * @param at returns the path of a name.
 */
export async function findFiles(names: Iterable<string>, at: (name: string) => string): Promise<FoundFiles> {
  const each = [...new Set(names)];
  const files = new Array<string | undefined>(each.length);
  const missing = new Set<string>();
  const spelled = new Map<string, string>();
  await eachOf(each.keys(), PARALLEL, async (index) => {
    const name = each[index]!;
    const found = await findFile(name, at);
    files[index] = found?.file;
    if (found === undefined) missing.add(name);
    else if (found.spelling !== name) spelled.set(name, found.spelling);
  });
  const firsts = new Map<string, string>();
  const twins = new Map<string, string>();
  each.forEach((name, index) => {
    const file = files[index];
    if (file === undefined) return;
    const first = firsts.get(file);
    if (first === undefined) firsts.set(file, spelled.get(name) ?? name);
    else twins.set(name, first);
  });
  return { missing, spelled, twins };
}

/** Returns the first spelling of a name that leads to a file, and what tells the file from all others; undefined where none does. */
export async function findFile(
  name: string,
  at: (name: string) => string,
): Promise<{ spelling: string; file: string } | undefined> {
  for (const spelling of spellings(name)) {
    const file = await fileAt(at(spelling));
    if (file !== undefined) return { spelling, file };
  }
  return undefined;
}

/**
 * Yields what a name may mean, the likeliest first: itself, with Windows' backslashes as slashes, with the percent-escapes of
 * addresses read, each in Unicode's composed and decomposed form too.
 */
function* spellings(name: string): Generator<string, void> {
  const slashed = name.replaceAll('\\', '/');
  for (const spelling of [name, slashed, decoded(slashed)]) {
    yield spelling;
    yield spelling.normalize('NFC');
    yield spelling.normalize('NFD');
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text).replaceAll('\\', '/');
  } catch {
    return text; // a percent sign that is one
  }
}

/** Returns what tells a file from all others, however it is reached; undefined where there is none. */
async function fileAt(path: string): Promise<string | undefined> {
  if (path.includes('\0')) return undefined; // no name of a file, which stat would say in other words
  try {
    const found = await stat(path, { bigint: true });
    return found.isFile() ? `${found.dev}:${found.ino}` : undefined;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(systemCode(error) ?? '')) return undefined;
    throw error;
  }
}
