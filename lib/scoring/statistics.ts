/** Mean, median, quantiles, ranks and correlation of lists of numbers. */

/** Returns the mean; NaN of no values. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Returns the middle value, or of an even number of values the mean of the two middle ones; NaN of no values. */
export function median(values: readonly number[]): number {
  return quantile(ascending(values), 0.5);
}

/** Returns the values sorted, the least first and NaN last. */
export function ascending(values: readonly number[]): number[] {
  return [...Float64Array.from(values).sort()];
}

/** Returns the quantile `share` (0 to 1) of ascending values; between two of them in proportion, as NumPy's `linear`. NaN of no values. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  const position = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(position)]!, sorted[Math.ceil(position)]!];
  // Two infinities have no difference.
  return low === high ? low : low + (high - low) * (position - Math.floor(position));
}

/** Returns the rank of each value, from 1 on; equal values share the mean of their ranks. NaN has none: its rank is NaN. */
export function ranks(values: readonly number[]): number[] {
  const numbers = values.flatMap((value, index) => (Number.isNaN(value) ? [] : [index]));
  const order = numbers.sort((a, b) => values[a]! - values[b]!);
  const found = new Array<number>(values.length).fill(Number.NaN);
  for (let start = 0, end = 0; start < order.length; start = end) {
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (let at = start; at < end; at++) found[order[at]!] = (start + 1 + end) / 2;
  }
  return found;
}

/** Returns Pearson's correlation coefficient; null where one of the two lists does not vary. */
export function correlation(a: readonly number[], b: readonly number[]): number | null {
  const [meanA, meanB] = [mean(a), mean(b)];
  let [both, ofA, ofB] = [0, 0, 0];
  a.forEach((value, index) => {
    const [fromA, fromB] = [value - meanA, b[index]! - meanB];
    both += fromA * fromB;
    ofA += fromA * fromA;
    ofB += fromB * fromB;
  });
  return ofA === 0 || ofB === 0 ? null : both / Math.sqrt(ofA * ofB);
}
