/** What the comparison says: which kind of prompts to take, or that the images do not tell. Pure functions. */
import type { PairedDifference } from '../../evaluation/results.js';
import type { PromptKind } from '../../prompts/prompt.js';

/** Of fewer images Wilcoxon's test can't find a difference at 5 percent, whatever they are (of three kinds, corrected: 7). */
export const FEWEST_IMAGES = 6;
const SIGNIFICANT = 0.05;

/** The least to draw first. */
const EFFORT: readonly PromptKind[] = ['points', 'box', 'points+box'];

export interface Verdict {
  /** Greatest mean IoU. */
  best: PromptKind;
  /** Kinds that are not surely worse than the best, the best included; the least to draw first. */
  alike: PromptKind[];
  /** The least to draw of `alike`; null where the images are too few. */
  take: PromptKind | null;
}

/**
 * @param kinds of one source, with their mean IoU.
 * @param differences in IoU between every two of them. One is more than chance where its interval leaves out 0 and its corrected p-value is
 * below 5 percent: on a handful of images the interval alone is too narrow.
 */
export function verdictOf(
  kinds: readonly { kind: PromptKind; meanIou: number; count: number }[],
  differences: readonly (Pick<PairedDifference, 'a' | 'b' | 'meanInterval'> & { pHolm: number | null })[],
): Verdict {
  const best = kinds.reduce((greatest, one) => (one.meanIou > greatest.meanIou ? one : greatest));
  const isWorse = (kind: PromptKind) =>
    differences.some(({ a, b, meanInterval: [low, high], pHolm }) => {
      if (pHolm === null || pHolm >= SIGNIFICANT) return false;
      if (a.promptKind === kind && b.promptKind === best.kind) return low > 0;
      return a.promptKind === best.kind && b.promptKind === kind && high < 0;
    });
  const alike = EFFORT.filter((kind) => kinds.some((one) => one.kind === kind) && !isWorse(kind));
  return { best: best.kind, alike, take: best.count < FEWEST_IMAGES ? null : alike[0]! };
}

/** Holm's correction (1979) of p-values that are looked at together; null stays null. */
export function holm(pValues: readonly (number | null)[]): (number | null)[] {
  const ascending = pValues
    .flatMap((p, index) => (p === null ? [] : [{ p, index }]))
    .sort((one, other) => one.p - other.p);
  const adjusted: (number | null)[] = pValues.map(() => null);
  let least = 0;
  for (const [rank, { p, index }] of ascending.entries()) {
    least = Math.max(least, Math.min(1, p * (ascending.length - rank)));
    adjusted[index] = least;
  }
  return adjusted;
}
