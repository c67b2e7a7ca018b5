/** The files below a folder. */
import type { Dirent } from 'node:fs';
import { opendir, realpath } from 'node:fs/promises';
import { extname, join, posix } from 'node:path';
import { systemCode } from '../core/errors.js';
import { isFolder } from '../core/files.js';
import { compare } from '../core/order.js';

export const IMAGE_EXTENSIONS: readonly string[] = ['.jpg', '.jpeg', '.png', '.webp', '.gif', '.tif', '.tiff'];
/** Names of the formats that are read, as messages list them. */
export const IMAGE_FORMATS = 'JPEG, PNG, WebP, GIF and TIFF';
/** Entries of a folder that are read at once. */
const ENTRIES_AT_ONCE = 256;

export interface FoundFile {
  /** Path below the folder, `/` between folders. */
  readonly relative: string;
  readonly path: string;
}

/**
 * Lists the files below `folder` of these extensions, ordered by path. Names that begin with a dot are passed over.
 *
 * @param extensions in lower case; files may have them in either case.
 */
export async function listFiles(folder: string, extensions: readonly string[]): Promise<FoundFile[]> {
  const paths = (await listPaths(folder)).filter((path) => hasExtension(path, extensions));
  return paths.map((relative) => ({ relative, path: join(folder, relative) }));
}

/** Lists all files below a folder, by their paths below it, ordered. A linked folder that leads back to one above it is passed over. */
export async function listPaths(folder: string): Promise<string[]> {
  const found: string[] = [];
  const walk = async (directory: string, prefix: string, above: readonly string[]): Promise<void> => {
    for await (const entry of entriesOf(directory)) {
      if (entry.name.startsWith('.')) continue;
      const [path, relative] = [join(directory, entry.name), `${prefix}${entry.name}`];
      if (!(await isDirectory(entry, directory))) found.push(relative);
      else {
        const real = await realpath(path);
        if (!above.includes(real)) await walk(path, `${relative}/`, [...above, real]);
      }
    }
  };
  await walk(folder, '', [await realpath(folder).catch(() => folder)]);
  return found.sort(compare);
}

/** Tells whether a file has one of these extensions (in lower case), in either case. */
export function hasExtension(path: string, extensions: readonly string[]): boolean {
  return extensions.includes(extname(path).toLowerCase());
}

/**
 * Returns a path without its extension, which is the name of a sample. It is in Unicode's composed form: programs write an accented
 * letter as one character or as two, so that one name may come in two forms.
 */
export function stemOf(relative: string): string {
  return relative.slice(0, relative.length - extname(relative).length).normalize('NFC');
}

/** Returns the name of a sample from the path that a list has for it: slashes between folders, none that leads up before it. */
export function nameOf(path: string): string {
  return stemOf(within(path));
}

/** Returns a path, or a name, that stays within the folder that it is joined to; in Unicode's composed form. */
export function within(path: string): string {
  return posix
    .normalize(path.replaceAll('\\', '/'))
    .replace(/^(\.\.\/)+/, '')
    .normalize('NFC');
}

/** Yields the entries of a folder one after the other, since there may be any number of them; none where there is no folder. */
export async function* entriesOf(folder: string): AsyncGenerator<Dirent, void> {
  try {
    yield* await opendir(folder, { bufferSize: ENTRIES_AT_ONCE });
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' && systemCode(error) !== 'ENOTDIR') throw error;
  }
}

/** Tells whether an entry is a folder, or a link to one. */
async function isDirectory(entry: Dirent, parent: string): Promise<boolean> {
  return entry.isDirectory() || (entry.isSymbolicLink() && (await isFolder(join(parent, entry.name))));
}
