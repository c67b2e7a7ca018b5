/** The folder layout: `ROOT/<split>/{images,masks}/`, image and mask matched by stem. */
import type { Dirent } from 'node:fs';
import { opendir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { SamError, systemCode } from '../../core/errors.js';
import { PackedTexts } from '../packed-texts.js';
import type { DataSource, Samples, SplitReading } from '../sample.js';
import { SampleList } from '../sample-list.js';

export const IMAGE_EXTENSIONS: readonly string[] = ['.jpg', '.jpeg', '.png', '.webp', '.tif', '.tiff'];
/** Longer lists of names are cut, with a count of the rest. */
const MOST_NAMED = 200;
/** Of a folder. */
const ENTRIES_AT_ONCE = 256;

export function folderSource(root: string): DataSource {
  return {
    root,
    splits: () => splitsOf(root),
    hasSplit: (split) => hasSplit(root, split),
    nameOf: (split) => join(root, split),
    readSplit: (split, options) => readFolderSplit(root, split, options),
  };
}

/**
 * The samples of one split, ordered by name.
 *
 * @throws {SamError} `SAM_BAD_DATA`: no such folder or split, no image, two images or two masks of one name, images without
 * masks, masks without images; all of them named.
 */
export async function readFolderSplit(root: string, split: string, options: SplitReading): Promise<Samples> {
  const folder = join(root, split);
  await requireSplit(root, split);
  const images = await listByStem(join(folder, 'images'));
  const masks = await listByStem(join(folder, 'masks'));
  const { pairs, unlabelled, orphans } = pairUp(images, masks, options.masks === 'required');
  const problems = [
    ...describe('image', 'is named twice', 'are named twice', images.doubled),
    ...describe('mask', 'is named twice', 'are named twice', masks.doubled),
  ];
  if (options.masks === 'required') {
    problems.push(
      ...describe('image', 'has no mask', 'have no mask', unlabelled),
      ...describe('mask', 'has no image', 'have no image', orphans),
    );
  }
  if (problems.length > 0) {
    const message = `in ${folder} ${problems.join('; ')}`;
    if (!options.skipBad) throw new SamError('SAM_BAD_DATA', message, { fix: FIX_PAIRS });
    options.onWarning?.(`${message}; left out`);
  }
  if (pairs.images.length === 0) throw nothingIn(folder, options.masks === 'required', problems.length > 0);
  return samplesOf(folder, pairs);
}

/** Of all that was listed, the paths below the split's folders stay in memory. */
function samplesOf(folder: string, pairs: Pairs): Samples {
  const [images, masks] = [new PackedTexts(pairs.images), new PackedTexts(pairs.masks)];
  return new SampleList(images.length, (index) => {
    const [image, mask] = [images.at(index), masks.at(index)];
    return {
      name: stemOf(image),
      image: { path: join(folder, 'images', image) },
      ...(mask !== '' && { mask: { path: join(folder, 'masks', mask) } }),
    };
  });
}

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

/** Their paths below the folder. */
async function listPaths(folder: string, extensions: readonly string[]): Promise<string[]> {
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

/** By code units, so that the order is the same whatever the language of the machine. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether a split is there, without reading it. */
export async function hasSplit(root: string, split: string): Promise<boolean> {
  return isFolder(join(root, split, 'images'));
}

export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

export async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** Folders of `root` that are laid out as a split. */
export async function splitsOf(root: string): Promise<string[]> {
  const splits: string[] = [];
  for await (const { name } of entriesOf(root)) if (await hasSplit(root, name)) splits.push(name);
  return splits.sort(compare);
}

/** What is said where a split is asked for that is not there. `fix`: where there are no splits at all. */
export function noSplit(split: string, root: string, there: readonly string[], fix?: string): SamError {
  const named = there.length > 0 ? `The splits there are: ${nameAll(there)}.` : fix;
  return new SamError('SAM_BAD_DATA', `there is no split '${split}' in ${root}`, { fix: named });
}

/** Names as they stand in a message: at most so many, then a count. */
export function nameAll(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMED).join(', ');
  return names.length > MOST_NAMED ? `${shown} and ${names.length - MOST_NAMED} more` : shown;
}

const FIX_PAIRS = 'Give each image one mask of the same name, or go on without these with --skip-bad.';
const LAYOUT = 'Data lies in SRC/<split>/images and SRC/<split>/masks, an image and its mask under the same name.';

async function requireSplit(root: string, split: string): Promise<void> {
  if (!(await isFolder(root))) {
    throw new SamError('SAM_BAD_DATA', `there is no data folder ${root}`, { fix: LAYOUT });
  }
  if (await hasSplit(root, split)) return;
  if (await isFolder(join(root, split))) {
    throw new SamError('SAM_BAD_DATA', `the split ${join(root, split)} has no folder images`, { fix: LAYOUT });
  }
  throw noSplit(split, root, await splitsOf(root), LAYOUT);
}

interface Listing {
  /** `images` or `masks`. */
  readonly folder: string;
  /** Paths below it, ordered by stem. */
  readonly files: readonly string[];
  /** Those that share a stem, which are not in `files`: which of them is meant can't be told. And those stems. */
  readonly doubled: string[];
  readonly doubledNames: Set<string>;
}

async function listByStem(folder: string): Promise<Listing> {
  const paths = await listPaths(folder, IMAGE_EXTENSIONS);
  // Ordered by path they nearly are already.
  paths.sort((a, b) => compare(stemOf(a), stemOf(b)));
  const files: string[] = [];
  const doubled: string[] = [];
  const doubledNames = new Set<string>();
  const isStem = (stem: string, path: string | undefined) => path !== undefined && stemOf(path) === stem;
  paths.forEach((path, index) => {
    const stem = stemOf(path);
    if (!isStem(stem, paths[index - 1]) && !isStem(stem, paths[index + 1])) files.push(path);
    else {
      doubledNames.add(stem);
      doubled.push(`${basename(folder)}/${path}`);
    }
  });
  return { folder: basename(folder), files, doubled, doubledNames };
}

/** Images and, at the same places, their masks: '' for those that have none. */
interface Pairs {
  readonly images: string[];
  readonly masks: string[];
}

/** Goes through both lists, in their order, at once. With `requireMasks` images without a mask are in no pair. */
function pairUp(
  images: Listing,
  masks: Listing,
  requireMasks: boolean,
): { pairs: Pairs; unlabelled: string[]; orphans: string[] } {
  const pairs: Pairs = { images: [], masks: [] };
  const take = (image: string, mask: string) => {
    pairs.images.push(image);
    pairs.masks.push(mask);
  };
  const [unlabelled, orphans]: [string[], string[]] = [[], []];
  let at = 0;
  const passOrphans = (until: string | undefined) => {
    for (; at < masks.files.length; at++) {
      const mask = masks.files[at]!;
      if (until !== undefined && compare(stemOf(mask), until) >= 0) break;
      if (!images.doubledNames.has(stemOf(mask))) orphans.push(`${masks.folder}/${mask}`);
    }
  };
  for (const image of images.files) {
    const stem = stemOf(image);
    passOrphans(stem);
    const mask = masks.files[at];
    if (mask !== undefined && stemOf(mask) === stem) {
      take(image, mask);
      at++;
    } else {
      if (!requireMasks) take(image, '');
      if (!masks.doubledNames.has(stem)) unlabelled.push(`${images.folder}/${image}`);
    }
  }
  passOrphans(undefined);
  return { pairs, unlabelled, orphans };
}

/** `3 images have no mask: a, b, c`, or nothing where there is none. */
export function describe(noun: string, one: string, many: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const count = names.length === 1 ? `1 ${noun} ${one}` : `${names.length} ${noun}s ${many}`;
  return [`${count}: ${nameAll(names)}`];
}

function nothingIn(folder: string, requireMasks: boolean, skipped: boolean): SamError {
  const what = requireMasks ? 'image with a mask' : 'image';
  return new SamError('SAM_BAD_DATA', `${folder} holds no ${what}${skipped ? ' that can be used' : ''}`, {
    fix: `${LAYOUT} Extensions: ${IMAGE_EXTENSIONS.join(' ')}.`,
  });
}

/** One after the other, since there may be any number of them. */
async function* entriesOf(folder: string): AsyncGenerator<Dirent, void> {
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
