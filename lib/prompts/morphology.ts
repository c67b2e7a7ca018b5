/** Binary morphology. */

/** Distance that means that there is no unset pixel at all. */
export const FAR = 0xffff;

/**
 * Measures the Chebyshev distance of each set pixel to the nearest unset pixel inside the picture, by two chamfer passes, which
 * are exact for this metric. The picture's border is no edge: without an unset pixel the distance is 65535 everywhere.
 *
 * @param values width*height.
 * @param set which values count as set: all but 0 (1, the default), or 0 (0).
 * @returns width*height, 0 for unset pixels.
 */
export function chebyshevDistance(values: Uint8Array, width: number, height: number, set: 0 | 1 = 1): Uint16Array {
  const distance = new Uint16Array(width * height);
  // What lies beyond the border is far; each pass looks at the row that it passed last.
  const border = new Uint16Array(width).fill(FAR);
  let above = border;
  for (let y = 0; y < height; y++) {
    const row = distance.subarray(y * width, (y + 1) * width);
    forwards(values, y * width, row, above, set);
    above = row;
  }
  let below = border;
  for (let y = height - 1; y >= 0; y--) {
    const row = distance.subarray(y * width, (y + 1) * width);
    backwards(row, below);
    below = row;
  }
  return distance;
}

/** Passes over a row from the left, with the row above: of its three pixels two are known from the pixel before. */
function forwards(values: Uint8Array, from: number, row: Uint16Array, above: Uint16Array, set: 0 | 1): void {
  const last = row.length - 1;
  let [left, leftAbove, middleAbove] = [FAR, FAR, above[0]!];
  for (let x = 0; x <= last; x++) {
    const rightAbove = x < last ? above[x + 1]! : FAR;
    if ((values[from + x] === 0 ? 0 : 1) === set) {
      let least = left < leftAbove ? left : leftAbove;
      if (middleAbove < least) least = middleAbove;
      if (rightAbove < least) least = rightAbove;
      left = least < FAR ? least + 1 : FAR;
      row[x] = left;
    } else left = 0;
    leftAbove = middleAbove;
    middleAbove = rightAbove;
  }
}

/** Passes over a row from the right, with the row below. */
function backwards(row: Uint16Array, below: Uint16Array): void {
  let [right, rightBelow, middleBelow] = [FAR, FAR, below[row.length - 1]!];
  for (let x = row.length - 1; x >= 0; x--) {
    const leftBelow = x > 0 ? below[x - 1]! : FAR;
    const own = row[x]!;
    let least = right < rightBelow ? right : rightBelow;
    if (middleBelow < least) least = middleBelow;
    if (leftBelow < least) least = leftBelow;
    right = least + 1 < own ? least + 1 : own;
    row[x] = right;
    rightBelow = middleBelow;
    middleBelow = leftBelow;
  }
}

/**
 * Erodes a mask `rounds` times with a 3x3 square, as skimage does: what lies beyond the picture's border does not erode. The time
 * does not depend on `rounds`.
 *
 * @param values width*height, non-zero inside.
 * @returns width*height, 0 or 1.
 */
export function erode(values: Uint8Array, width: number, height: number, rounds: number): Uint8Array {
  const distance = chebyshevDistance(values, width, height);
  return Uint8Array.from(distance, (pixels) => (pixels > rounds ? 1 : 0));
}
