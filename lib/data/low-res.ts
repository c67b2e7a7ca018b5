/** A label at its own size -> the grid of the decoder. */
import type { LowResMask } from '../prompts/prompt.js';
import type { Mask } from './sample.js';

/**
 * Nearest neighbour at pixel centres: a pixel of the grid takes the label's pixel in which its centre lies.
 *
 * @param size Side of the grid. The picture's long side fills it; the rest, at right and bottom, is 0.
 * @param imageSize Given: the picture is squashed to a square before the encoder sees it, so it fills the whole grid.
 */
export function toLowRes(mask: Mask, size: number, imageSize?: number): LowResMask {
  const longSide = Math.max(mask.width, mask.height);
  const fitted = (side: number) => Math.max(1, Math.floor((side * size) / longSide + 0.5));
  const validWidth = imageSize === undefined ? fitted(mask.width) : size;
  const validHeight = imageSize === undefined ? fitted(mask.height) : size;
  const columns = nearest(mask.width, validWidth);
  const rows = nearest(mask.height, validHeight);
  const values = new Uint8Array(size * size);
  for (let y = 0; y < validHeight; y++) {
    const from = rows[y]! * mask.width;
    const to = y * size;
    for (let x = 0; x < validWidth; x++) values[to + x] = mask.values[from + columns[x]!] === 0 ? 0 : 1;
  }
  return { values, size, validWidth, validHeight, imageWidth: mask.width, imageHeight: mask.height };
}

/** Set pixels of the grid: 0 for a label that is empty or too small for one pixel of the grid to meet it. */
export function maskArea(mask: LowResMask): number {
  let area = 0;
  for (const value of mask.values) area += value;
  return area;
}

function nearest(from: number, to: number): Int32Array {
  return Int32Array.from({ length: to }, (_, index) => Math.min(from - 1, Math.floor(((index + 0.5) * from) / to)));
}
