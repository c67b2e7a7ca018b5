/**
 * A raster in overlapping tiles, and how they become one picture again: in the overlap each tile's weight falls towards its edge,
 * and at every pixel the weights of its tiles sum to 1.
 */
import type { Window } from './windows.js';

/** Share of a tile's side that it has in common with the next one. */
export const OVERLAP = 0.25;

/** A tile along one side. */
export interface TileSpan {
  readonly start: number;
  readonly size: number;
}

/** A tile of a plan: a window of the raster. */
export interface Tile extends Window {
  /** Number of the tile, row by row, from 0. */
  readonly index: number;
  /** Place of the tile in `columns` of the plan. */
  readonly column: number;
  /** Place of the tile in `rows` of the plan. */
  readonly row: number;
}

/** How a raster is cut into tiles, and how they are weighted. */
export interface TilePlan {
  readonly width: number;
  readonly height: number;
  readonly columns: readonly TileSpan[];
  readonly rows: readonly TileSpan[];
  /** Weights of each column at each of its pixels. A pixel's weight is the product of its column's and its row's. */
  readonly columnWeights: readonly Float32Array[];
  /** Weights of each row at each of its pixels. */
  readonly rowWeights: readonly Float32Array[];
}

/**
 * Plans the tiles of a raster; the last ones overlap by more than the others.
 *
 * @param side side of a tile, pixels; a raster that is smaller has smaller tiles.
 */
export function planTiles(width: number, height: number, side: number): TilePlan {
  const overlap = Math.floor(side * OVERLAP);
  const columns = spans(width, side, overlap);
  const rows = spans(height, side, overlap);
  return {
    width,
    height,
    columns,
    rows,
    columnWeights: weights(columns, width, overlap),
    rowWeights: weights(rows, height, overlap),
  };
}

/** Returns the tiles of one row of the plan. */
export function tilesOfRow({ columns, rows }: TilePlan, row: number): Tile[] {
  const { start: y, size: height } = rows[row]!;
  return columns.map(({ start: x, size: width }, column) => {
    return { x, y, width, height, column, row, index: row * columns.length + column };
  });
}

/** Returns the part of a tile that no later tile has: these parts of all tiles are the raster, each pixel once. */
export function ownPart({ columns, rows, width, height }: TilePlan, { x, y, column, row }: Tile): Window {
  const [right, bottom] = [columns[column + 1]?.start ?? width, rows[row + 1]?.start ?? height];
  return { x, y, width: right - x, height: bottom - y };
}

/** Cuts a side of `length` pixels into tiles; the last one ends where the side does, and overlaps by more. */
export function spans(length: number, side: number, overlap: number): TileSpan[] {
  if (length <= side) return [{ start: 0, size: length }];
  const found: TileSpan[] = [];
  for (let start = 0; start + side < length; start += side - overlap) found.push({ start, size: side });
  return [...found, { start: length - side, size: side }];
}

/**
 * Weighs the pixels of each span: rising from its ends over `overlap` pixels (but not from the ends of the whole), and divided by the
 * sum of all spans' weights.
 */
export function weights(all: readonly TileSpan[], length: number, overlap: number): Float32Array[] {
  const sums = new Float64Array(length);
  const raw = all.map(({ start, size }) => {
    const isFirst = start === 0;
    const isLast = start + size === length;
    return Float64Array.from({ length: size }, (_, at) => {
      const fromStart = isFirst ? 1 : (at + 0.5) / overlap;
      const fromEnd = isLast ? 1 : (size - at - 0.5) / overlap;
      const weight = Math.min(1, fromStart, fromEnd);
      sums[start + at]! += weight;
      return weight;
    });
  });
  return raw.map((values, index) => Float32Array.from(values, (value, at) => value / sums[all[index]!.start + at]!));
}
