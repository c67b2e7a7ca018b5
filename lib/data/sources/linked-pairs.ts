/** Images of a folder that are one file under several names: hard links, symbolic links, linked folders. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { counted } from '../../core/words.js';
import { findFiles } from '../present.js';
import type { SplitReading } from '../sample.js';

/** Images and, at the same places, the files that hold them and their masks: '' for those that have none. */
export interface Pairs {
  /** Paths of the images, which are their names. */
  readonly images: readonly string[];
  /** Paths of the same images: of those that are one file the first. The same array as `images` where no two are one file. */
  readonly files: readonly string[];
  readonly masks: readonly string[];
}

/**
 * Takes each image once, whatever links to it: with the same mask, or a copy of it, the first name stays. With another mask it is
 * another object of the image, which they then share, so that it is encoded once and a cut leaves them together.
 */
export async function onePerFile(folder: string, pairs: Pairs, { masks, onWarning }: SplitReading): Promise<Pairs> {
  const { twins } = await findFiles(pairs.images, (path) => join(folder, 'images', path));
  if (twins.size === 0) return pairs;
  const maskOf = (place: number) => (masks === 'ignored' ? '' : pairs.masks[place]!);
  const kept = new Map<string, string[]>(); // masks of an image by its file
  const [once, apart]: [string[], string[]] = [[], []];
  const places: number[] = [];
  for (const [place, image] of pairs.images.entries()) {
    const [first, mask] = [twins.get(image) ?? image, maskOf(place)];
    const others = kept.get(first) ?? [];
    kept.set(first, [...others, mask]);
    const isTwin = first !== image;
    const same = isTwin && (mask === '' || (await isAny(join(folder, 'masks'), mask, others)));
    if (!same) places.push(place);
    if (isTwin) (same ? once : apart).push(`images/${image} (images/${first})`);
  }
  warn(folder, once, 'taken once', onWarning);
  warn(folder, apart, 'with a mask of its own each is a sample of its own', onWarning);
  return {
    images: places.map((place) => pairs.images[place]!),
    files: places.map((place) => twins.get(pairs.images[place]!) ?? pairs.images[place]!),
    masks: places.map((place) => pairs.masks[place]!),
  };
}

function warn(folder: string, names: readonly string[], then: string, onWarning: SplitReading['onWarning']): void {
  for (const line of counted('image', 'is a link to another', 'are links to others', names)) {
    onWarning?.(`in ${folder} ${line}; ${then}`);
  }
}

/** Tells whether a mask is one of the others, or has the content of one. */
async function isAny(folder: string, mask: string, others: readonly string[]): Promise<boolean> {
  const content = await readFile(join(folder, mask));
  for (const other of others) {
    if (other !== '' && content.equals(await readFile(join(folder, other)))) return true;
  }
  return false;
}
