/**
 * Connected components of a binary picture, by its runs: pixels of a row that touch are one run, and a union-find over
 * the runs joins rows (K. Wu, E. Otoo, K. Suzuki, "Optimizing two-pass connected-component labeling", 2009).
 */

/** Which pixels belong together: also those that touch at a corner (8), or only those that share a side (4). */
export type Connectivity = 4 | 8;

/** Runs of pixels, in reading order, and the component that each belongs to. */
interface Runs {
  /** Index of each run's first pixel; `ends`: of the one behind its last. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** First run of each run's component. */
  readonly roots: Int32Array;
}

/** Keeps the components of at least `least` pixels; 8-connected. */
export function dropSmall(values: Uint8Array, width: number, height: number, least: number): Uint8Array {
  if (least <= 1) return values.slice();
  const runs = labelComponents(values, width, height, 1, 8);
  const areas = areasOf(runs);
  return paint(new Uint8Array(values.length), runs, (root) => areas[root]! >= least);
}

/** Keeps the component with the most pixels, of several the first in reading order; 8-connected. */
export function keepLargest(values: Uint8Array, width: number, height: number): Uint8Array {
  const runs = labelComponents(values, width, height, 1, 8);
  const areas = areasOf(runs);
  let largest = 0;
  for (let run = 1; run < areas.length; run++) if (areas[run]! > areas[largest]!) largest = run;
  return paint(new Uint8Array(values.length), runs, (root) => root === largest);
}

/** Fills holes: what no path of background pixels, side by side, joins to the picture's border. */
export function fillHoles(values: Uint8Array, width: number, height: number): Uint8Array {
  const runs = labelComponents(values, width, height, 0, 4);
  const open = new Uint8Array(runs.starts.length);
  const lastRow = (height - 1) * width;
  for (let run = 0; run < open.length; run++) {
    const start = runs.starts[run]!;
    const atBorder = start < width || start >= lastRow || start % width === 0 || runs.ends[run]! % width === 0;
    if (atBorder) open[runs.roots[run]!] = 1;
  }
  return paint(values.slice(), runs, (root) => open[root] === 0);
}

/** Finds the components of the pixels that are set (`wanted` 1) or not set (0). */
export function labelComponents(
  values: Uint8Array,
  width: number,
  height: number,
  wanted: 0 | 1,
  connectivity: Connectivity,
): Runs {
  const { starts, ends, rowStarts } = findRuns(values, width, height, wanted);
  const parents = new Int32Array(starts.length);
  for (let run = 0; run < parents.length; run++) parents[run] = run;
  const reach = connectivity === 8 ? 1 : 0;
  for (let row = 1; row < height; row++) {
    let above = rowStarts[row - 1]!;
    const aboveEnd = rowStarts[row]!;
    for (let run = aboveEnd; run < rowStarts[row + 1]!; run++) {
      // In columns of the row above.
      const from = starts[run]! - width - reach;
      const to = ends[run]! - width + reach;
      while (above < aboveEnd && ends[above]! <= from) above++;
      for (let other = above; other < aboveEnd && starts[other]! < to; other++) join(parents, run, other);
    }
  }
  for (let run = 0; run < parents.length; run++) parents[run] = parents[parents[run]!]!;
  return { starts, ends, roots: parents };
}

/** Finds the runs of pixels. `rowStarts` is the first run of each row, and at its end the count of all. */
function findRuns(values: Uint8Array, width: number, height: number, wanted: 0 | 1) {
  const rowStarts = new Int32Array(height + 1);
  // Room for every second pixel; the system gives memory only to the part that is written.
  const most = Math.ceil(width / 2) * height;
  const starts = new Int32Array(most);
  const ends = new Int32Array(most);
  let count = 0;
  for (let row = 0; row < height; row++) {
    const end = (row + 1) * width;
    let at = row * width;
    while (at < end) {
      while (at < end && (values[at] === 0 ? 0 : 1) !== wanted) at++;
      if (at === end) break;
      starts[count] = at;
      while (at < end && (values[at] === 0 ? 0 : 1) === wanted) at++;
      ends[count++] = at;
    }
    rowStarts[row + 1] = count;
  }
  return { starts: starts.subarray(0, count), ends: ends.subarray(0, count), rowStarts };
}

/** Joins two runs under the first of both roots, so that a parent never lies behind its child. */
function join(parents: Int32Array, a: number, b: number): void {
  const rootA = rootOf(parents, a);
  const rootB = rootOf(parents, b);
  if (rootA < rootB) parents[rootB] = rootA;
  else parents[rootA] = rootB;
}

function rootOf(parents: Int32Array, run: number): number {
  let at = run;
  while (parents[at] !== at) {
    parents[at] = parents[parents[at]!]!; // halves the path
    at = parents[at]!;
  }
  return at;
}

/** Counts the pixels of each component, at its root; 0 elsewhere. */
function areasOf({ starts, ends, roots }: Runs): Int32Array {
  const areas = new Int32Array(roots.length);
  for (let run = 0; run < roots.length; run++) areas[roots[run]!]! += ends[run]! - starts[run]!;
  return areas;
}

function paint(onto: Uint8Array, { starts, ends, roots }: Runs, wanted: (root: number) => boolean): Uint8Array {
  for (let run = 0; run < roots.length; run++) {
    if (!wanted(roots[run]!)) continue;
    // Most runs are short: calling `fill` would cost more.
    for (let at = starts[run]!; at < ends[run]!; at++) onto[at] = 1;
  }
  return onto;
}
