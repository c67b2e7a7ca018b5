/** Verdict of the comparison: which kind of prompts to take, or that the images do not tell. Pure functions. */

import { PROMPT_KINDS } from '../../options.js';
import type { PromptKind } from '../../prompts/prompt.js';
import type { PairedDifference } from '../../scoring/results.js';
import type { ArmSource } from './arms.js';

const SIGNIFICANT = 0.05;

/**
 * Works out the fewest images of which Wilcoxon's test, corrected for so many comparisons, can find a difference: n images that all
 * agree have p = 2 / 2^n.
 */
export function fewestImages(comparisons: number): number {
  return Math.floor(Math.log2((2 * comparisons) / SIGNIFICANT)) + 1;
}

export interface Verdict {
  /** Kind of greatest mean IoU. */
  best: PromptKind;
  /** Kinds that are not surely worse than the best, the best included; the least to draw first. */
  alike: PromptKind[];
  /**
   * Kind to take: from labels, which stand for what a hand draws, the least to draw of `alike`; else the best. Null where the images
   * are too few.
   */
  take: PromptKind | null;
}

/**
 * Judges the kinds of one source.
 *
 * @param source what the prompts are drawn from.
 * @param kinds with their mean IoU.
 * @param differences in IoU between every two of them. One is more than chance where its interval leaves out 0 and its corrected p-value is
 * below 5 percent: on a handful of images the interval alone is too narrow.
 */
export function verdictOf(
  source: ArmSource,
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
  const alike = PROMPT_KINDS.filter((kind) => kinds.some((one) => one.kind === kind) && !isWorse(kind));
  const take = source === 'rough' ? best.kind : alike[0]!;
  return { best: best.kind, alike, take: best.count < fewestImages(differences.length) ? null : take };
}

/** Corrects p-values that are looked at together, as Holm does (1979); null stays null. */
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
