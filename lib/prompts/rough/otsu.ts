/** Otsu's threshold: N. Otsu, "A threshold selection method from gray-level histograms", 1979. */

/**
 * Finds the threshold that makes the variance between the two classes largest, over a histogram of `bins` equal bins from the
 * least value to the greatest. It is scikit-image's `threshold_otsu`: what is above it is one class.
 *
 * @param values any numbers; NaN is left out.
 * @returns the centre of a bin; NaN where there is no value at all; of values that are all the same, that one.
 */
export function otsuThreshold(values: Float32Array, bins = 256): number {
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  if (least > greatest) return Number.NaN;
  if (least === greatest) return least;
  const counts = new Float64Array(bins);
  const scale = bins / (greatest - least);
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if (value >= least) counts[Math.min(bins - 1, Math.floor((value - least) * scale))]!++;
  }
  const centre = (bin: number) => least + (bin + 0.5) / scale;
  return centre(bestSplit(counts, centre));
}

/** Returns the last bin of the lower class. */
function bestSplit(counts: Float64Array, centre: (bin: number) => number): number {
  let total = 0;
  let weighted = 0;
  counts.forEach((count, bin) => {
    total += count;
    weighted += count * centre(bin);
  });
  let [best, bestVariance, below, sumBelow] = [0, -1, 0, 0];
  for (let bin = 0; bin < counts.length - 1; bin++) {
    below += counts[bin]!;
    sumBelow += counts[bin]! * centre(bin);
    const above = total - below;
    const difference = sumBelow / below - (weighted - sumBelow) / above;
    const variance = below * above * difference * difference;
    if (variance > bestVariance) [best, bestVariance] = [bin, variance];
  }
  return best;
}
