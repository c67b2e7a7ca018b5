/** Places of a COCO data set's parts: the JSON files of its splits, and the folder of the images. */
import { readdir } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { beginningOf, isFile, isFolder } from '../../../core/files.js';
import { compare } from '../../../core/order.js';
import type { FoundFile } from '../../listing.js';
import { findFile } from '../../present.js';
import { wideEncodingOf } from '../text.js';

const EXTENSION = '.json';
/** Names of COCO's own files of other tasks, which lie beside the outlines. */
const OTHER_TASKS = /^(captions|person_keypoints|panoptic|image_info|stuff)_/;
/** Beginning of a COCO file, whoever wrote it. */
const FIRST_LIST = /^\ufeff?\s*\{\s*"(images|annotations|categories|licenses|info|type)"\s*:/;
const SNIFFED_BYTES = 256;

/**
 * Lists the COCO files that `path` is or holds: in the folder itself, in `annotations`, and in the folders one below (where
 * `_annotations.coco.json` lies beside the images of each split).
 */
export async function listCoco(path: string): Promise<FoundFile[]> {
  if (!(await isFolder(path))) {
    const isJson = extname(path).toLowerCase() === EXTENSION && (await isFile(path));
    return isJson ? [{ relative: basename(path), path }] : [];
  }
  const entries = await readdir(path, { withFileTypes: true });
  const found: FoundFile[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const names = (await isFolder(join(path, entry.name)))
      ? (await readdir(join(path, entry.name))).map((name) => `${entry.name}/${name}`)
      : [entry.name];
    for (const relative of names) {
      const file = join(path, relative);
      if (await isCoco(file)) found.push({ relative, path: file });
    }
  }
  return found.sort((a, b) => compare(a.relative, b.relative));
}

async function isCoco(path: string): Promise<boolean> {
  const name = basename(path);
  if (extname(name).toLowerCase() !== EXTENSION || name.startsWith('.') || OTHER_TASKS.test(name)) return false;
  if (!(await isFile(path))) return false;
  const head = Buffer.from(await beginningOf(path, SNIFFED_BYTES));
  // One of UTF-16 is taken too, so that reading it says what is wrong.
  const text =
    wideEncodingOf(head) === undefined ? head.toString('utf8') : head.toString('latin1').replace(/[\0ÿþ]/g, '');
  return FIRST_LIST.test(text);
}

/** Returns the folders where the images may be, the likeliest first. */
export function imageFolders(root: string, file: FoundFile, split: string): string[] {
  const own = dirname(file.path);
  const base = file.path === root ? own : root;
  const above = basename(own) === 'annotations' ? dirname(own) : own;
  // `instances_train2017.json` has its images in `train2017`.
  const named = basename(file.path, extname(file.path)).replace(/^instances_/, '');
  const folders = [base, above].flatMap((folder) => [
    join(folder, named),
    join(folder, split),
    join(folder, split, 'images'),
    join(folder, 'images', named),
    join(folder, 'images', split),
    join(folder, 'images'),
  ]);
  return [...new Set([own, ...folders, above, base])];
}

/** Returns the first of the folders that holds the file, however its name is spelled. */
export async function folderWith(folders: readonly string[], name: string): Promise<string | undefined> {
  for (const folder of folders)
    if ((await findFile(name, (spelling) => join(folder, spelling))) !== undefined) return folder;
  return undefined;
}
