/** Brings labels at their own size to the decoder's grid. */
import { fitted, type Size } from '../frame.js';
import { cropped } from '../raster/windows.js';
import type { Mask } from './sample.js';
import { inRows } from './slices.js';

/** A label brought to the decoder's grid: nearest neighbour, the long side `size`, padded at right and bottom with 0. */
export interface LowResMask {
  /** Pixels of the grid: size*size, 0 or 1. */
  readonly values: Uint8Array;
  /**
   * Value a pixel of the grid: 1 where its middle has a label, 2 where only another of its pixels has, 0 where none, which counts as
   * little as the padding. Undefined: 1 everywhere.
   */
  readonly labelled?: Uint8Array;
  /** Side of the grid. */
  readonly size: number;
  /** Columns of the grid inside the picture; `validHeight`: rows. */
  readonly validWidth: number;
  /** Rows of the grid that the picture fills. */
  readonly validHeight: number;
  /** Width of the original image, in whose pixels prompts are told; `imageHeight`: its height. */
  readonly imageWidth: number;
  /** Height of the original image, pixels. */
  readonly imageHeight: number;
}

/**
 * Brings a label to the grid by nearest neighbour: a pixel of the grid takes the label's pixel in which its centre lies; where that has
 * no label, the nearest of its own pixels that has one.
 *
 * @param size side of the grid. The picture's long side fills it; the rest, at right and bottom, is 0.
 * @param imageSize side of the square that the picture is squashed to before the encoder sees it, so that it fills the whole grid;
 * undefined where it is not squashed.
 */
export function toLowRes(mask: Mask, size: number, imageSize?: number): LowResMask {
  const frame = gridFrame(mask, size, imageSize);
  const values = new Uint8Array(size * size);
  sampleGrid(mask.values, frame, values);
  for (let at = 0; at < values.length; at++) if (values[at] !== 0) values[at] = 1;
  const { validWidth, validHeight } = frame;
  const labelled = labelledGrid(mask, frame, values);
  const grid = { size, validWidth, validHeight, imageWidth: mask.width, imageHeight: mask.height };
  return { values, ...(labelled !== undefined && { labelled }), ...grid };
}

/**
 * Tells which pixels of the grid have a label, and gives those whose middle has none the value of the rest of them.
 *
 * @returns undefined where all middles have one.
 */
function labelledGrid({ values, labelled }: Mask, frame: GridFrame, grid: Uint8Array): Uint8Array | undefined {
  if (labelled === undefined) return undefined;
  const found = sampleGrid(labelled, frame, new Uint8Array(grid.length));
  for (let y = 0; y < frame.validHeight; y++) {
    for (let x = 0; x < frame.validWidth; x++) {
      const at = y * frame.size + x;
      if (found[at] !== 0) continue;
      const pixel = nearestLabelled(labelled, frame, x, y);
      if (pixel === undefined) continue;
      found[at] = 2;
      grid[at] = values[pixel] === 0 ? 0 : 1;
    }
  }
  return withoutPadding(found, frame).some((value) => value !== 1) ? found : undefined;
}

/** Finds, of the picture's pixels that lie in one of the grid, the nearest to its centre that has a label. */
function nearestLabelled(labelled: Uint8Array, frame: GridFrame, x: number, y: number): number | undefined {
  const { imageWidth: width, columns, rows } = frame;
  const [left, right] = span(x, width, frame.validWidth);
  const [top, bottom] = span(y, labelled.length / width, frame.validHeight);
  let [nearest, least]: [number | undefined, number] = [undefined, Number.POSITIVE_INFINITY];
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const distance = (column - columns[x]!) ** 2 + (row - rows[y]!) ** 2;
      if (labelled[row * width + column] === 0 || distance >= least) continue;
      [nearest, least] = [row * width + column, distance];
    }
  }
  return nearest;
}

/** Returns the first pixel of the picture that lies in pixel `index` of the grid, and that behind the last. */
function span(index: number, from: number, to: number): readonly [number, number] {
  return [Math.floor((index * from) / to), Math.ceil(((index + 1) * from) / to)];
}

/** The grid of the decoder, as options say it. */
export interface GridOptions {
  /** Side of the grid. */
  readonly maskSize: number;
  /** Side of the square that pictures are first squashed to, where they are. */
  readonly imageSize?: number | undefined;
}

/** Counts the pixels of the grid that a label has any pixel in: more than the grid keeps of thin objects. */
export async function touchedCells({ values, width, height }: Mask, grid: LowResMask): Promise<number> {
  const { validWidth, validHeight } = grid;
  const touched = new Uint8Array(validWidth * validHeight);
  const columns = Int32Array.from({ length: width }, (_, x) => Math.floor((x * validWidth) / width));
  await inRows(width, height, (y) => {
    const to = Math.floor((y * validHeight) / height) * validWidth;
    for (let x = 0; x < width; x++) if (values[y * width + x] !== 0) touched[to + columns[x]!] = 1;
  });
  return touched.reduce((sum, value) => sum + value, 0);
}

/** A picture's place on the grid: which of its columns and rows each pixel of the grid takes. */
export interface GridFrame {
  readonly size: number;
  readonly validWidth: number;
  readonly validHeight: number;
  readonly imageWidth: number;
  readonly columns: Int32Array;
  readonly rows: Int32Array;
}

/** Lays the grid over a picture, as {@link toLowRes} does. */
export function gridFrame(picture: Size, size: number, imageSize?: number): GridFrame {
  const { width: validWidth, height: validHeight } = fitted(picture, size, imageSize !== undefined);
  const [columns, rows] = [nearest(picture.width, validWidth), nearest(picture.height, validHeight)];
  return { size, validWidth, validHeight, imageWidth: picture.width, columns, rows };
}

/** Brings one value a pixel of the picture onto the grid, size*size. */
export function sampleGrid<Values extends Uint8Array | Uint16Array>(
  values: Values,
  frame: GridFrame,
  grid: Values,
): Values {
  for (let y = 0; y < frame.validHeight; y++) {
    const from = frame.rows[y]! * frame.imageWidth;
    const to = y * frame.size;
    for (let x = 0; x < frame.validWidth; x++) grid[to + x] = values[from + frame.columns[x]!]!;
  }
  return grid;
}

/** Cuts the padding off a grid: what stays are the validWidth * validHeight values that the picture fills. */
export function withoutPadding<Values extends Uint8Array | Uint16Array | Float32Array>(
  grid: Values,
  { size, validWidth: width, validHeight: height }: Pick<GridFrame, 'size' | 'validWidth' | 'validHeight'>,
): Values {
  return cropped(grid, size, { x: 0, y: 0, width, height });
}

/** Counts the set pixels of the grid: 0 for a label that is empty, or too small for one pixel of the grid to meet it. */
export function maskArea(mask: LowResMask): number {
  let area = 0;
  for (const value of mask.values) area += value;
  return area;
}

function nearest(from: number, to: number): Int32Array {
  return Int32Array.from({ length: to }, (_, index) => Math.min(from - 1, Math.floor(((index + 0.5) * from) / to)));
}
