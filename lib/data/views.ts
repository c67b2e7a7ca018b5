/**
 * Views of a picture: flipped, turned, both. A number of three bits says which: 1 left and right change places, 2 top and bottom, 4 rows
 * and columns (before the others). 0 is the picture as it is; the eight together are the symmetries of the square.
 */

import { type Epoch, randomFor } from '../core/random.js';
import type { Turn } from '../raster/tiff/orientation.js';
import type { Sample, Samples } from './sample.js';
import { SampleList } from './sample-list.js';
import { inSlices } from './slices.js';

const [FLIP_X, FLIP_Y, TRANSPOSE] = [1, 2, 4];

/** Returns the view of a stored picture that is the upright one. */
export function viewOfTurn({ swaps, againstX, againstY }: Turn): number {
  // Rows and columns change places first: what runs against the stored columns then runs against rows.
  const [flipsX, flipsY] = swaps ? [againstY, againstX] : [againstX, againstY];
  return (flipsX ? FLIP_X : 0) + (flipsY ? FLIP_Y : 0) + (swaps ? TRANSPOSE : 0);
}

/** Views by what `--augment` offers. */
const VIEWS = { flips: [0, 1, 2, 3], dihedral: [0, 1, 2, 3, 4, 5, 6, 7] } as const;
export type Augment = keyof typeof VIEWS;

/** Returns each sample once for each view. */
export function allViews(samples: Samples, augment: Augment | undefined): Samples {
  if (augment === undefined) return samples;
  const views = VIEWS[augment];
  return new SampleList(samples.length * views.length, (index) => ({
    ...samples.at(Math.floor(index / views.length))!,
    view: views[index % views.length]!,
  }));
}

/** Draws the view of a sample in an epoch, which depends on the seed, the epoch and the sample's name, and on nothing else. */
export function drawnView(sample: Sample, augment: Augment | undefined, seed: number, epoch: Epoch): Sample {
  if (augment === undefined) return sample;
  const views = VIEWS[augment];
  // A stream of its own: the prompt's is not touched.
  return { ...sample, view: views[randomFor(seed, epoch, `\0view\0${sample.name}`, 0).integer(views.length)]! };
}

/** Returns a view's size from the picture's, and the other way round. */
export function viewedSize<Size extends { readonly width: number; readonly height: number }>(
  size: Size,
  view: number,
): { width: number; height: number } {
  return view & TRANSPOSE ? { width: size.height, height: size.width } : { width: size.width, height: size.height };
}

/**
 * Returns the pixels of a view.
 *
 * @param values pixels of the picture as it is, width * height * channels.
 * @param size size of the picture as it is.
 */
export async function viewedPixels(
  values: Uint8Array,
  size: { readonly width: number; readonly height: number },
  channels: number,
  view: number,
): Promise<Uint8Array> {
  if (view === 0) return values;
  const { width, height } = viewedSize(size, view);
  const turned = new Uint8Array(values.length);
  await inSlices(width * height, (start, end) => {
    for (let pixel = start; pixel < end; pixel++) {
      const [column, row] = [pixel % width, Math.floor(pixel / width)];
      const x = view & FLIP_X ? width - 1 - column : column;
      const y = view & FLIP_Y ? height - 1 - row : row;
      const from = (view & TRANSPOSE ? x * size.width + y : y * size.width + x) * channels;
      for (let channel = 0; channel < channels; channel++) turned[pixel * channels + channel] = values[from + channel]!;
    }
  });
  return turned;
}

/**
 * Returns where a point of the picture as it is lies in its view, pixels.
 *
 * @param size size of the picture as it is.
 */
export function viewedPoint(
  [px, py]: readonly [number, number],
  size: { readonly width: number; readonly height: number },
  view: number,
): readonly [number, number] {
  const { width, height } = viewedSize(size, view);
  const [x, y] = view & TRANSPOSE ? [py, px] : [px, py];
  return [view & FLIP_X ? width - 1 - x : x, view & FLIP_Y ? height - 1 - y : y];
}
