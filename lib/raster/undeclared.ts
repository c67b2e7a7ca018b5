/** Values that programs write where there is no data, found in a band that declares none. */

/** Values that programs write for no data: GIS tools, the ends of 16 and 32 bits. */
const USUAL: readonly number[] = [-9999, -999, -99, -10_000, -99_999, -32_768, -32_767, 65_535, -(2 ** 31), 1e20];
/** Least share of a band's values that are looked upon as more than chance: of usual ones, and of any other value. */
const [LEAST_SHARE, LEAST_UNUSUAL] = [0.001, 0.01];
/** Magnitude that no measurement has. */
const IMMENSE = 1e30;

/** A value that seems to mean no data, and the share of the values that have it. */
export interface Undeclared {
  readonly value: number;
  readonly share: number;
}

/** Finds a value that seems to mean no data: at an end of a band's values, and far from all others; undefined where there is none. */
export function undeclaredNoData(sorted: Float64Array): Undeclared | undefined {
  const last = sorted.length - 1;
  const lowest = runOf(sorted, 0);
  const highest = runOf(sorted, last);
  if (lowest === sorted.length) return undefined;
  const at = { low: sorted[lowest]!, high: sorted[last - highest]! };
  return (
    outlier(sorted[0]!, { count: lowest, total: sorted.length, next: at.low, end: sorted[last]! }) ??
    outlier(sorted[last]!, { count: highest, total: sorted.length, next: at.high, end: sorted[0]! })
  );
}

function outlier(
  value: number,
  { count, total, next, end }: { count: number; total: number; next: number; end: number },
): Undeclared | undefined {
  const share = count / total;
  const [gap, range] = [Math.abs(next - value), Math.abs(end - next)];
  const isUsual = USUAL.some((usual) => usual === value || Math.fround(usual) === value) || Math.abs(value) >= IMMENSE;
  const isAlone = isUsual
    ? gap > range / 2 && share >= LEAST_SHARE
    : gap > range && range > 0 && share >= LEAST_UNUSUAL;
  return isAlone ? { value, share } : undefined;
}

/** Counts the values from one end that equal it. */
function runOf(sorted: Float64Array, end: number): number {
  const step = end === 0 ? 1 : -1;
  let count = 0;
  while (count < sorted.length && sorted[end + step * count] === sorted[end]) count++;
  return count;
}
