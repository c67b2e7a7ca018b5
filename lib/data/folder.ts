/** The folder layout: `ROOT/<split>/{images,masks}/`, image and mask matched by stem. */
import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { SamError, systemCode } from '../errors.js';
import type { DataSource, Sample, SplitReading } from './sample.js';

export const IMAGE_EXTENSIONS: readonly string[] = ['.jpg', '.jpeg', '.png', '.webp', '.tif', '.tiff'];
/** Longer lists of names are cut, with a count of the rest. */
const MOST_NAMED = 200;

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
export async function readFolderSplit(root: string, split: string, options: SplitReading): Promise<Sample[]> {
  const folder = join(root, split);
  await requireSplit(root, split);
  const images = await listByStem(join(folder, 'images'));
  const masks = await listByStem(join(folder, 'masks'));
  const problems = [
    ...describe('image', 'is named twice', 'are named twice', images.doubled),
    ...describe('mask', 'is named twice', 'are named twice', masks.doubled),
  ];
  if (options.requireMasks) {
    const unlabelled = [...images.files].filter(([name]) => !masks.files.has(name) && !masks.doubledNames.has(name));
    const orphans = [...masks.files].filter(([name]) => !images.files.has(name) && !images.doubledNames.has(name));
    problems.push(
      ...describe('image', 'has no mask', 'have no mask', unlabelled.map(relativeTo(folder))),
      ...describe('mask', 'has no image', 'have no image', orphans.map(relativeTo(folder))),
    );
  }
  if (problems.length > 0) {
    const message = `in ${folder} ${problems.join('; ')}`;
    if (!options.skipBad) throw new SamError('SAM_BAD_DATA', message, { fix: FIX_PAIRS });
    options.onWarning?.(`${message}; left out`);
  }
  const samples: Sample[] = [];
  for (const [name, path] of images.files) {
    const mask = masks.files.get(name);
    if (mask !== undefined) samples.push({ name, image: { path }, mask: { path: mask } });
    else if (!options.requireMasks) samples.push({ name, image: { path } });
  }
  if (samples.length === 0) throw nothingIn(folder, options.requireMasks, problems.length > 0);
  return samples;
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
  const found: FoundFile[] = [];
  const walk = async (directory: string, prefix: string): Promise<void> => {
    for (const entry of await entriesOf(directory)) {
      if (entry.name.startsWith('.')) continue;
      const path = join(directory, entry.name);
      const relative = `${prefix}${entry.name}`;
      if (await isDirectory(entry, path)) await walk(path, `${relative}/`);
      else if (extensions.includes(extname(entry.name).toLowerCase())) found.push({ relative, path });
    }
  };
  await walk(folder, '');
  return found.sort((a, b) => compare(a.relative, b.relative));
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
  const entries = await entriesOf(root);
  const names = await Promise.all(entries.map(async ({ name }) => ((await hasSplit(root, name)) ? [name] : [])));
  return names.flat().sort(compare);
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
  readonly files: Map<string, string>;
  /** Paths that share a stem, and those stems. They are not in `files`: which of them is meant can't be told. */
  readonly doubled: string[];
  readonly doubledNames: Set<string>;
}

async function listByStem(folder: string): Promise<Listing> {
  const groups = new Map<string, FoundFile[]>();
  for (const file of await listImages(folder)) {
    const name = stemOf(file.relative);
    groups.set(name, [...(groups.get(name) ?? []), file]);
  }
  const files = new Map<string, string>();
  const doubled: string[] = [];
  const doubledNames = new Set<string>();
  for (const [name, group] of [...groups].sort(([a], [b]) => compare(a, b))) {
    if (group.length === 1) files.set(name, group[0]!.path);
    else {
      doubledNames.add(name);
      doubled.push(...group.map(({ relative }) => `${basename(folder)}/${relative}`));
    }
  }
  return { files, doubled, doubledNames };
}

/** `3 images have no mask: a, b, c`, or nothing where there is none. */
export function describe(noun: string, one: string, many: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const count = names.length === 1 ? `1 ${noun} ${one}` : `${names.length} ${noun}s ${many}`;
  return [`${count}: ${nameAll(names)}`];
}

function relativeTo(folder: string): (entry: readonly [string, string]) => string {
  return ([, path]) => path.slice(folder.length + 1);
}

function nothingIn(folder: string, requireMasks: boolean, skipped: boolean): SamError {
  const what = requireMasks ? 'image with a mask' : 'image';
  return new SamError('SAM_BAD_DATA', `${folder} holds no ${what}${skipped ? ' that can be used' : ''}`, {
    fix: `${LAYOUT} Extensions: ${IMAGE_EXTENSIONS.join(' ')}.`,
  });
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return [];
    throw error;
  }
}

/** Links to folders count as folders. */
async function isDirectory(entry: Dirent, path: string): Promise<boolean> {
  return entry.isDirectory() || (entry.isSymbolicLink() && (await isFolder(path)));
}
