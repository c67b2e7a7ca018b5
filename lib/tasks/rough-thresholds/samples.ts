/** Samples of a search over thresholds: labelled images on a small grid, so that a thousand tries take seconds. */
import { gridFrame } from '../../data/low-res.js';
import type { Mask } from '../../data/sample.js';
import { type Cleaning, cleanMask } from '../../prompts/rough/clean.js';
import { rgbToHsv } from '../../prompts/rough/hsv.js';

/** Long side of the grid that colours and values are searched on. */
export const SEARCH_SIDE = 128;

/** Image on the grid of the search; all its arrays are width*height, without padding. */
export interface SearchImage {
  readonly width: number;
  readonly height: number;
  /** Channels: hue in degrees, saturation and value; or the index alone. */
  readonly channels: readonly Float32Array[];
  /** Label, 1 inside. */
  readonly label: Uint8Array;
  /** Value a pixel: 0 where there is no label, and nothing is scored; undefined: labels everywhere. */
  readonly labelled?: Uint8Array | undefined;
  /** Cleaning of the mask, its areas in pixels of the grid. */
  readonly cleaning: Cleaning;
}

/** Finds the pixels of the picture that the grid takes, row by row. */
function pixelsOf(size: { width: number; height: number }): { width: number; height: number; pixels: Int32Array } {
  const { columns, rows, validWidth: width, validHeight: height } = gridFrame(size, SEARCH_SIDE);
  const pixels = new Int32Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) pixels[y * width + x] = rows[y]! * size.width + columns[x]!;
  }
  return { width, height, pixels };
}

/**
 * Brings the colours of a picture to the grid.
 *
 * @param pixels interleaved 8-bit RGB of the label's size.
 */
export function colourImage(pixels: Uint8Array, label: Mask, cleaning: Cleaning): SearchImage {
  const grid = pixelsOf(label);
  const channels = [0, 1, 2].map(() => new Float32Array(grid.pixels.length));
  grid.pixels.forEach((pixel, index) => {
    const hsv = rgbToHsv(pixels[pixel * 3]!, pixels[pixel * 3 + 1]!, pixels[pixel * 3 + 2]!);
    hsv.forEach((value, channel) => {
      channels[channel]![index] = value;
    });
  });
  return { ...onGrid(grid, label, cleaning), channels };
}

/**
 * Brings the index of a picture to the grid.
 *
 * @param values the index at each pixel of the label.
 */
export function indexImage(values: Float32Array, label: Mask, cleaning: Cleaning): SearchImage {
  const grid = pixelsOf(label);
  return { ...onGrid(grid, label, cleaning), channels: [Float32Array.from(grid.pixels, (pixel) => values[pixel]!)] };
}

function onGrid(grid: ReturnType<typeof pixelsOf>, label: Mask, cleaning: Cleaning): Omit<SearchImage, 'channels'> {
  const { width, height, pixels } = grid;
  const share = pixels.length / (label.width * label.height);
  return {
    width,
    height,
    label: Uint8Array.from(pixels, (pixel) => (label.values[pixel] === 0 ? 0 : 1)),
    labelled: label.labelled && Uint8Array.from(pixels, (pixel) => label.labelled![pixel]!),
    cleaning: { ...cleaning, minArea: Math.round(cleaning.minArea * share) },
  };
}

/** Measures the mean IoU of the cleaned masks that `inside` makes, one for each image. */
export async function meanIou(
  images: readonly SearchImage[],
  inside: (image: SearchImage) => Uint8Array,
  signal?: AbortSignal,
): Promise<number> {
  let sum = 0;
  for (const image of images) {
    const mask = cleanMask(inside(image), image.width, image.height, image.cleaning);
    let [both, either] = [0, 0];
    for (let index = 0; index < mask.length; index++) {
      if (image.labelled?.[index] === 0) continue;
      both += mask[index]! & image.label[index]!;
      either += mask[index]! | image.label[index]!;
    }
    sum += either === 0 ? 1 : both / either;
  }
  // A Ctrl-C must find its way in.
  await new Promise(setImmediate);
  signal?.throwIfAborted();
  return sum / images.length;
}
