/** Binary morphology on small grids. */

/** No unset pixel at all. */
export const FAR = 0xffff;

/**
 * For each set pixel the Chebyshev distance to the nearest unset pixel inside the picture; 0 for unset pixels. Two
 * chamfer passes, exact for this metric. The picture's border is no edge: without an unset pixel the distance is
 * {@link FAR} everywhere.
 */
export function chebyshevDistance(values: Uint8Array, width: number, height: number): Uint16Array {
  const stride = width + 2;
  // A frame of FAR around the picture spares the passes every check for its border.
  const distance = new Uint16Array(stride * (height + 2)).fill(FAR);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y + 1) * stride + x + 1;
      if (values[y * width + x] === 0) {
        distance[at] = 0;
        continue;
      }
      const above = at - stride;
      const least = Math.min(distance[at - 1]!, distance[above - 1]!, distance[above]!, distance[above + 1]!);
      distance[at] = Math.min(FAR, least + 1);
    }
  }
  const result = new Uint16Array(width * height);
  for (let y = height - 1; y >= 0; y--) {
    for (let x = width - 1; x >= 0; x--) {
      const at = (y + 1) * stride + x + 1;
      const below = at + stride;
      const least = Math.min(distance[at + 1]!, distance[below - 1]!, distance[below]!, distance[below + 1]!);
      if (least + 1 < distance[at]!) distance[at] = least + 1;
      result[y * width + x] = distance[at]!;
    }
  }
  return result;
}

/**
 * `rounds` rounds of erosion with a 3x3 square, as skimage does them: what lies beyond the picture's border does not
 * erode. The time does not depend on `rounds`.
 *
 * @param values width*height, non-zero inside.
 * @returns width*height, 0 or 1.
 */
export function erode(values: Uint8Array, width: number, height: number, rounds: number): Uint8Array {
  const distance = chebyshevDistance(values, width, height);
  return Uint8Array.from(distance, (pixels) => (pixels > rounds ? 1 : 0));
}
