/**
 * Exact Euclidean distances to the nearest of a set of pixels, in time linear in the picture: Felzenszwalb and Huttenlocher,
 * "Distance transforms of sampled functions", 2012.
 */
import { inRows } from '../data/slices.js';

/** Distance in a column that has no pixel of the set. */
const NONE = -1;

/**
 * Finds the squared distance, in pixels, from each pixel to the nearest one of a set. The event loop turns between slices of rows.
 *
 * @param values width*height values, not 0 in the set, which has at least one pixel.
 * @returns width*height squared distances, 0 in the set.
 */
export async function squaredDistances(values: Uint8Array, width: number, height: number): Promise<Int32Array> {
  const distances = await columnDistances(values, width, height);
  const envelope = new Envelope(width);
  await inRows(width, height, (y) => envelope.replace(distances.subarray(y * width, (y + 1) * width)));
  return distances;
}

/** Finds the distances within each column, or {@link NONE}. Goes row after row, as memory lies: down, then up. */
async function columnDistances(values: Uint8Array, width: number, height: number): Promise<Int32Array> {
  const distances = new Int32Array(width * height);
  await inRows(width, height, (y) => {
    for (let at = y * width; at < (y + 1) * width; at++) {
      const above = y === 0 ? NONE : distances[at - width]!;
      if (values[at] === 0) distances[at] = above === NONE ? NONE : above + 1;
    }
  });
  await inRows(width, height - 1, (up) => {
    const y = height - 2 - up;
    for (let at = y * width; at < (y + 1) * width; at++) {
      const below = distances[at + width]!;
      if (below === NONE) continue;
      if (distances[at] === NONE || distances[at]! > below + 1) distances[at] = below + 1;
    }
  });
  return distances;
}

/** The lower envelope of one parabola for each column: (x - column)^2 + (distance within the column)^2. */
class Envelope {
  readonly #columns: Int32Array;
  /** Heights of the parabolas. */
  readonly #squares: Float64Array;
  /** Where each parabola begins to be the lowest. */
  readonly #starts: Float64Array;

  constructor(width: number) {
    this.#columns = new Int32Array(width);
    this.#squares = new Float64Array(width);
    this.#starts = new Float64Array(width);
  }

  /** Replaces a row's distances within columns by squared distances in the plane. */
  replace(row: Int32Array): void {
    const last = this.#build(row);
    for (let x = 0, k = 0; x < row.length; x++) {
      while (k < last && this.#starts[k + 1]! < x) k++;
      row[x] = (x - this.#columns[k]!) ** 2 + this.#squares[k]!;
    }
  }

  /** Builds the envelope of a row. Returns the index of the last parabola. */
  #build(row: Int32Array): number {
    let last = -1;
    for (let column = 0; column < row.length; column++) {
      const distance = row[column]!;
      if (distance === NONE) continue;
      const square = distance * distance;
      let start = Number.NEGATIVE_INFINITY;
      for (; last >= 0; last--) {
        const other = this.#columns[last]!;
        const [own, its] = [square + column * column, this.#squares[last]! + other * other];
        start = (own - its) / (2 * (column - other));
        if (start > this.#starts[last]!) break;
        start = Number.NEGATIVE_INFINITY;
      }
      last++;
      this.#columns[last] = column;
      this.#squares[last] = square;
      this.#starts[last] = start;
    }
    return last;
  }
}
