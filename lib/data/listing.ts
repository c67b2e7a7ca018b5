/** The files below a folder. */
import type { Dirent } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { systemCode } from '../core/errors.js';
import { isFolder } from '../core/files.js';
import { compare } from '../core/order.js';

export const IMAGE_EXTENSIONS: readonly string[] = ['.jpg', '.jpeg', '.png', '.webp', '.tif', '.tiff'];
/** Entries of a folder that are read at once. */
const ENTRIES_AT_ONCE = 256;

export interface FoundFile {
  /** Path below the folder, `/` between folders. */
  readonly relative: string;
  readonly path: string;
}

/** Lists the files below `folder` that are images by their extension, ordered by path. None where there is no folder. */
export function listImages(folder: string): Promise<FoundFile[]> {
  return listFiles(folder, IMAGE_EXTENSIONS);
}

/**
 * Lists the files below `folder` of these extensions, ordered by path. Names that begin with a dot are passed over.
 *
 * @param extensions in lower case; files may have them in either case.
 */
export async function listFiles(folder: string, extensions: readonly string[]): Promise<FoundFile[]> {
  return (await listPaths(folder, extensions)).map((relative) => ({ relative, path: join(folder, relative) }));
}

/** Lists the same files as {@link listFiles}, by their paths below the folder. */
export async function listPaths(folder: string, extensions: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  const walk = async (directory: string, prefix: string): Promise<void> => {
    for await (const entry of entriesOf(directory)) {
      if (entry.name.startsWith('.')) continue;
      const relative = `${prefix}${entry.name}`;
      if (await isDirectory(entry, directory)) await walk(join(directory, entry.name), `${relative}/`);
      else if (extensions.includes(extname(entry.name).toLowerCase())) found.push(relative);
    }
  };
  await walk(folder, '');
  return found.sort(compare);
}

/** Returns a path without its extension, which is the name of a sample. */
export function stemOf(relative: string): string {
  return relative.slice(0, relative.length - extname(relative).length);
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
