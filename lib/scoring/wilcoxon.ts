/**
 * Wilcoxon's signed-rank test (1945), two-sided, of differences in pairs against a median of 0. Differences of 0 are left out,
 * as SciPy's `wilcoxon(zero_method='wilcox')` does.
 */
import type { WilcoxonTest } from './results.js';
import { ranks } from './statistics.js';

/** Most pairs that differ for which the distribution is counted out, ties and all; above, it is taken as normal. */
const MOST_EXACT = 50;

/** Tests differences in pairs against a median of 0. Null where no pair differs, or a difference is NaN. */
export function wilcoxon(differences: readonly number[]): WilcoxonTest | null {
  const differing = differences.filter((difference) => difference !== 0);
  if (differing.length === 0 || differing.some(Number.isNaN)) return null;
  const n = differing.length;
  const ranked = ranks(differing.map(Math.abs));
  const positive = ranked.reduce((sum, rank, index) => (differing[index]! > 0 ? sum + rank : sum), 0);
  const statistic = Math.min(positive, (n * (n + 1)) / 2 - positive);
  if (n <= MOST_EXACT) return { statistic, pValue: exactP(statistic, ranked), method: 'exact' };
  return { statistic, pValue: normalP(statistic, n, tieSizes(ranked)), method: 'normal' };
}

/** Counts how many share each rank. */
function tieSizes(ranked: readonly number[]): number[] {
  const sizes = new Map<number, number>();
  for (const rank of ranked) sizes.set(rank, (sizes.get(rank) ?? 0) + 1);
  return [...sizes.values()];
}

/** p-value by counting: of the 2^n choices of signs, all equally likely, how many give a sum of ranks as low as this, or as high? */
function exactP(statistic: number, ranked: readonly number[]): number {
  const n = ranked.length;
  // Twice the sum of ranks: shared ranks are halves.
  const ways = new Float64Array(n * (n + 1) + 1);
  ways[0] = 1;
  for (const rank of ranked) {
    for (let sum = ways.length - 1; sum >= 2 * rank; sum--) ways[sum]! += ways[sum - 2 * rank]!;
  }
  const asLow = ways.subarray(0, 2 * statistic + 1).reduce((sum, count) => sum + count, 0);
  return Math.min(1, (2 * asLow) / 2 ** n);
}

function normalP(statistic: number, n: number, ties: readonly number[]): number {
  const expected = (n * (n + 1)) / 4;
  const correction = ties.reduce((sum, size) => sum + (size ** 3 - size), 0) / 48;
  const variance = (n * (n + 1) * (2 * n + 1)) / 24 - correction;
  return Math.min(1, 2 * normalTail((expected - statistic) / Math.sqrt(variance)));
}

/** Returns P(Z > z) of the standard normal distribution for z >= 0: half of erfc(z / sqrt 2), by its series or its continued fraction. */
function normalTail(z: number): number {
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  if (z < 3) {
    let [term, sum] = [z, z];
    for (let k = 1; term > 1e-17 * sum; k++) {
      term *= (z * z) / (2 * k + 1);
      sum += term;
    }
    return 0.5 - density * sum;
  }
  let fraction = z;
  for (let k = 100; k >= 1; k--) fraction = z + k / fraction;
  return density / fraction;
}
