/** The files below a folder. */
import type { Dirent } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { systemCode } from '../core/errors.js';
import { isFolder } from '../core/files.js';
import { compare } from '../core/order.js';

export const IMAGE_EXTENSIONS: readonly string[] = ['.jpg', '.jpeg', '.png', '.webp', '.tif', '.tiff'];
/** Of a folder. */
const ENTRIES_AT_ONCE = 256;

export interface FoundFile {
  /** Path below the folder, `/` between folders. */
  readonly relative: string;
  readonly path: string;
}

/** Files below `folder` that are images by their extension, ordered by path. None where there is no folder. */
export function listImages(folder: string): Promise<FoundFile[]> {
  return listFiles(folder, IMAGE_EXTENSIONS);
}

/** Files below `folder` by their extension in lower case, ordered by path; names that begin with a dot are passed over. */
export async function listFiles(folder: string, extensions: readonly string[]): Promise<FoundFile[]> {
  return (await listPaths(folder, extensions)).map((relative) => ({ relative, path: join(folder, relative) }));
}

/** The paths below the folder of what {@link listFiles} finds. */
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

/** A path without its extension: the name of a sample. */
export function stemOf(relative: string): string {
  return relative.slice(0, relative.length - extname(relative).length);
}

/** The entries of a folder, one after the other, since there may be any number of them. */
export async function* entriesOf(folder: string): AsyncGenerator<Dirent, void> {
  try {
    yield* await opendir(folder, { bufferSize: ENTRIES_AT_ONCE });
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' && systemCode(error) !== 'ENOTDIR') throw error;
  }
}

/** Links to folders count as folders. */
async function isDirectory(entry: Dirent, parent: string): Promise<boolean> {
  return entry.isDirectory() || (entry.isSymbolicLink() && (await isFolder(join(parent, entry.name))));
}
