/** The folder layout: `ROOT/<split>/{images,masks}/`, image and mask matched by stem. */
import { basename, join } from 'node:path';
import { SamError } from '../../core/errors.js';
import { isFolder } from '../../core/files.js';
import { compare } from '../../core/order.js';
import { counted } from '../../core/words.js';
import { entriesOf, hasExtension, IMAGE_EXTENSIONS, listPaths, stemOf } from '../listing.js';
import { PackedTexts } from '../packed-texts.js';
import type { DataSource, Samples, SplitReading } from '../sample.js';
import { SampleList } from '../sample-list.js';
import { noSplit } from '../splits.js';
import { hintOf, notRead, unreadPictures, warnOfUnread } from '../unread-files.js';
import { onePerFile, type Pairs } from './linked-pairs.js';

export function folderSource(root: string): DataSource {
  return {
    root,
    splits: () => splitsOf(root),
    hasSplit: (split) => hasSplit(root, split),
    nameOf: (split) => join(root, split),
    readSplit: (split, options) => readFolderSplit(root, split, options),
  };
}

/** Tells whether any split has a folder of masks: the images alone may be those of a COCO file. */
export async function hasMasks(root: string): Promise<boolean> {
  for (const split of await splitsOf(root)) if (await isFolder(join(root, split, 'masks'))) return true;
  return false;
}

/**
 * Reads the samples of one split, ordered by name.
 *
 * @throws SamError `SAM_BAD_DATA`: no such folder or split, no image, two images or two masks of one name, images without masks, or
 * masks without images, all of which it names.
 */
export async function readFolderSplit(root: string, split: string, options: SplitReading): Promise<Samples> {
  const folder = join(root, split);
  await requireSplit(root, split);
  const images = await listByStem(join(folder, 'images'));
  const masks = await listByStem(join(folder, 'masks'));
  const required = options.masks === 'required';
  const { pairs, unlabelled, orphans } = pairUp(images, masks, required);
  const problems = [
    ...counted('image', 'is named twice', 'are named twice', images.doubled),
    ...counted('mask', 'is named twice', 'are named twice', masks.doubled),
  ];
  if (required) {
    const beside = (partners: Listing) => (path: string) =>
      `${path}${hintOf(stemOf(path.slice(path.indexOf('/') + 1)), partners.others, `${partners.folder}/`)}`;
    problems.push(
      ...counted('image', 'has no mask', 'have no mask', unlabelled.map(beside(masks))),
      ...counted('mask', 'has no image', 'have no image', orphans.map(beside(images))),
    );
  }
  if (problems.length > 0) {
    const message = `in ${folder} ${problems.join('; ')}`;
    if (!options.skipBad) throw new SamError('SAM_BAD_DATA', message, { fix: FIX_PAIRS });
    options.onWarning?.(`${message}; left out`);
  }
  if (pairs.images.length === 0) throw nothingIn(folder, required, problems.length > 0, images);
  warnOfUnread(folder, [...images.unread, ...(options.masks === 'ignored' ? [] : masks.unread)], options.onWarning);
  return samplesOf(folder, await onePerFile(folder, pairs, options));
}

/** Makes samples of pairs. Of all that was listed, only the paths below the split's folders stay in memory. */
function samplesOf(folder: string, pairs: Pairs): Samples {
  const [names, masks] = [new PackedTexts(pairs.images), new PackedTexts(pairs.masks)];
  const images = pairs.files === pairs.images ? names : new PackedTexts(pairs.files);
  return new SampleList(names.length, (index) => {
    const mask = masks.at(index);
    return {
      name: stemOf(names.at(index)),
      image: { path: join(folder, 'images', images.at(index)) },
      ...(mask !== '' && { mask: { path: join(folder, 'masks', mask) } }),
    };
  });
}

/** Tells whether a split is there, without reading it. */
export async function hasSplit(root: string, split: string): Promise<boolean> {
  return isFolder(join(root, split, 'images'));
}

/** Returns the names of the folders in `root` that are laid out as a split, ordered. */
export async function splitsOf(root: string): Promise<string[]> {
  const splits: string[] = [];
  for await (const { name } of entriesOf(root)) if (await hasSplit(root, name)) splits.push(name);
  return splits.sort(compare);
}

const FIX_PAIRS = 'give each image one mask of the same name, or go on without these with `skipBad`';
const LAYOUT = 'data lies in SRC/<split>/images and SRC/<split>/masks, an image and its mask under the same name';

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
  /** Name of the folder: `images` or `masks`. */
  readonly folder: string;
  /** Paths below the folder, ordered by stem. */
  readonly files: readonly string[];
  /** Paths that share a stem, which are not in `files`: which of them is meant can't be told. `doubledNames` are their stems. */
  readonly doubled: string[];
  readonly doubledNames: Set<string>;
  /** Paths of files that are no images, or of kinds that are not read. */
  readonly others: readonly string[];
  /** Pictures among these, `folder/` before them, that stand for no image. */
  readonly unread: readonly string[];
}

async function listByStem(folder: string): Promise<Listing> {
  const all = await listPaths(folder);
  const isImage = (path: string) => hasExtension(path, IMAGE_EXTENSIONS);
  const paths = all.filter(isImage);
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
  const unread = unreadPictures(all).map((path) => `${basename(folder)}/${path}`);
  const others = all.filter((path) => !isImage(path));
  return { folder: basename(folder), files, doubled, doubledNames, others, unread };
}

/** Pairs images with masks, going through both lists at once, in their order. With `requireMasks` images without a mask are in no pair. */
function pairUp(
  images: Listing,
  masks: Listing,
  requireMasks: boolean,
): { pairs: Pairs; unlabelled: string[]; orphans: string[] } {
  const [paired, theirs]: [string[], string[]] = [[], []];
  const take = (image: string, mask: string) => {
    paired.push(image);
    theirs.push(mask);
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
  return { pairs: { images: paired, files: paired, masks: theirs }, unlabelled, orphans };
}

function nothingIn(folder: string, requireMasks: boolean, skipped: boolean, images: Listing): SamError {
  const what = requireMasks ? 'image with a mask' : 'image';
  const [other] = images.unread;
  const hint = other === undefined ? '' : ` (${notRead('', other)})`;
  return new SamError('SAM_BAD_DATA', `${folder} holds no ${what}${skipped ? ' that can be used' : ''}${hint}`, {
    fix: `${LAYOUT} Extensions: ${IMAGE_EXTENSIONS.join(' ')}`,
  });
}
