/** Where an export goes: a folder, or one file; whole or not at all. */
import { readFile, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, extname, join, resolve, sep } from 'node:path';
import { z } from 'zod';
import { SamError } from '../../core/errors.js';
import { makeFolder, moveWhole, requireWritable } from '../../core/files.js';
import { sha256File } from '../../core/hash.js';
import type { Format } from './format.js';
import type { ExportFormat, Part } from './options.js';

/** Name of the record of an export in its folder. */
export const RECORD = 'export.json';

const FILES = ['.pt', '.pth'];

/** Place of an export. */
export interface Place {
  readonly path: string;
  /** Whether it is one file. */
  readonly isFile: boolean;
}

/** Returns the place that `out` names, or makes one up. A name that ends in `.pt` or `.pth` is a file, where one is the whole export. */
export function placeOf(
  { out, to, part, name }: { out: string | undefined; to: ExportFormat; part: Part; name: string },
  { ending }: Format,
): Place {
  const oneFile = ending !== undefined && (to !== 'torchscript' || part !== 'both');
  if (out !== undefined) return { path: resolve(out), isFile: oneFile && FILES.includes(extname(out)) };
  if (to === 'torchscript' && oneFile) return { path: resolve(`${name}-${part}${ending}`), isFile: true };
  return { path: resolve(`${name}-${to}`), isFile: false };
}

/**
 * Refuses, before any work, a place that is taken or can't be written.
 *
 * @throws SamError `SAM_RUN_EXISTS`: it is taken; `SAM_BAD_OPTION`: it is a file where a folder is needed, or the other way round, or it
 * can't be written.
 */
export async function requirePlace({ path, isFile }: Place, overwrite: boolean): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined && !overwrite) {
    throw new SamError('SAM_RUN_EXISTS', `${path} is there already`, {
      fix: 'replace it (`overwrite`), or name another place with `out`',
    });
  }
  if (found !== undefined && found.isDirectory() === isFile) {
    throw new SamError(
      'SAM_BAD_OPTION',
      `${path} is a ${isFile ? 'folder, and the export one file' : 'file, and the export a folder'}`,
      {
        fix: 'name another place with `out`',
      },
    );
  }
  await requireWritable(isFile ? path : join(path, RECORD), '`out`');
}

const recordSchema = z.object({
  format: z.string(),
  files: z.array(z.object({ name: z.string(), sha256: z.string() })),
});

/**
 * Removes what an earlier export of the format wrote into the folder, by its record, and the new one doesn't write: it would pass for a
 * part of the new one. A file that was changed since is somebody's, and stays; so do those of `names` and the paths of `sources`.
 */
export async function removeEarlier(
  { path }: Place,
  format: ExportFormat,
  { names, sources }: { names: readonly string[]; sources: readonly (string | undefined)[] },
): Promise<void> {
  const text = await readFile(join(path, RECORD), 'utf8').catch(() => '');
  for (const { name, sha256 } of recordedFiles(text, format)) {
    const file = resolve(path, name);
    if (names.includes(name) || sources.includes(file) || !file.startsWith(path + sep)) continue;
    if ((await sha256File(file).catch(() => undefined)) !== sha256) continue;
    await rm(file);
    if (dirname(file) !== path) await rmdir(dirname(file)).catch(() => {}); // where it was the last
  }
}

function recordedFiles(text: string, format: ExportFormat): z.infer<typeof recordSchema>['files'] {
  try {
    const record = recordSchema.parse(JSON.parse(text));
    return record.format === format ? record.files : [];
  } catch {
    return []; // no record of an export
  }
}

/** Moves what was made to its place: of a folder that is there, files of the same names are replaced, others stay. Returns the paths. */
export async function moveToPlace({ path, isFile }: Place, from: string, names: readonly string[]): Promise<string[]> {
  if (isFile) {
    await moveWhole(join(from, names[0]!), path);
    return [path];
  }
  await makeFolder(path);
  for (const name of names) {
    await makeFolder(dirname(join(path, name)));
    await moveWhole(join(from, name), join(path, name));
  }
  return names.map((name) => join(path, name));
}
