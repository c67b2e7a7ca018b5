/**
 * A raster in overlapping tiles, and how they become one picture again: in the overlap each tile's weight falls towards its edge,
 * and at every pixel the weights of its tiles sum to 1.
 */
import type { Window } from './windows.js';

/** Share of a tile's side that it has in common with the next one. */
export const OVERLAP = 0.25;

/** A tile along one side. */
export interface Span {
  readonly start: number;
  readonly size: number;
}

export interface Tile extends Window {
  /** Its number, row by row. */
  readonly index: number;
  /** Its place in `columns` and `rows` of the plan. */
  readonly column: number;
  readonly row: number;
}

export interface TilePlan {
  readonly width: number;
  readonly height: number;
  readonly columns: readonly Span[];
  readonly rows: readonly Span[];
  /** For each column, the weight at each of its pixels; likewise the rows. A pixel's weight is the product of the two. */
  readonly columnWeights: readonly Float32Array[];
  readonly rowWeights: readonly Float32Array[];
}

/** @param side Of a tile, pixels. All tiles have it but where the raster itself is smaller; the last ones overlap by more. */
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

/** The tiles of one row of them. */
export function tilesOfRow({ columns, rows }: TilePlan, row: number): Tile[] {
  const { start: y, size: height } = rows[row]!;
  return columns.map(({ start: x, size: width }, column) => {
    return { x, y, width, height, column, row, index: row * columns.length + column };
  });
}

export function spans(length: number, side: number, overlap: number): Span[] {
  if (length <= side) return [{ start: 0, size: length }];
  const found: Span[] = [];
  for (let start = 0; start + side < length; start += side - overlap) found.push({ start, size: side });
  return [...found, { start: length - side, size: side }];
}

/** Rises from each end of a span over `overlap` pixels (but not from the ends of the whole), divided by the sum of all spans'. */
export function weights(all: readonly Span[], length: number, overlap: number): Float32Array[] {
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
