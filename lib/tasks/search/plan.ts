/**
 * Plan of a search, which settings are tried and for how long: successive halving (Jamieson and Talwalkar 2016, arXiv:1502.07943). All
 * trials train a little, the best 1/eta go on for eta times as long, and so on until the last ones have all their epochs. Pure functions.
 */

import { shuffled } from '../../core/random.js';
import { parseLoss } from '../../options.js';
import type { PromptKind } from '../../prompts/prompt.js';
import type { Setting } from '../workbench/options.js';

/** Axes of the search; every combination of their values is tried. */
export interface Axes {
  readonly lrs: readonly number[];
  readonly losses: readonly string[];
  readonly prompts: readonly PromptKind[];
}

/** A stage of the search, after which its trials are compared. */
export interface Rung {
  /** Number of epochs after which the trials are compared, those of the rungs before included. */
  readonly epochs: number;
  /** Number of trials that take part. */
  readonly trials: number;
}

/**
 * Lists the settings given, then the combinations that differ from them and from each other, in the order of the axes. If there are
 * more than `most`, the seed draws some.
 */
export function settingsToTry(axes: Axes, given: Setting, { most, seed }: { most: number; seed: number }): Setting[] {
  const { lrs, losses, prompts } = axes;
  const grid = prompts.flatMap((prompt) => losses.flatMap((loss) => lrs.map((lr) => ({ lr, loss, prompt }))));
  const different = new Map<string, Setting>();
  for (const setting of [given, ...grid]) {
    const key = meaning(setting);
    if (!different.has(key)) different.set(key, setting);
  }
  const [first, ...others] = different.values();
  const drawn = new Set(shuffled(others.length, seed, 0).subarray(0, most - 1));
  return [first!, ...others.filter((_, place) => drawn.has(place))];
}

/** Tells settings apart by what they mean: `dice+bce` and `bce:1+dice:1` are one loss. */
function meaning({ lr, loss, prompt }: Setting): string {
  return JSON.stringify([lr, parseLoss(loss), prompt]);
}

/**
 * Plans the rungs, at least one. Each has more epochs and fewer trials than the one before, and none has fewer epochs than `minEpochs`
 * (or all of them).
 */
export function rungsOf(
  trials: number,
  { epochs, minEpochs, eta }: { epochs: number; minEpochs: number; eta: number },
): Rung[] {
  let halvings = 0;
  while (trials >= eta ** (halvings + 1) && epochs / eta ** (halvings + 1) >= minEpochs) halvings++;
  return Array.from({ length: halvings + 1 }, (_, rung) => ({
    epochs: Math.ceil(epochs / eta ** (halvings - rung)),
    trials: Math.floor(trials / eta ** rung),
  }));
}

export interface Standing {
  /** Number of the trial, from 1 on. */
  readonly number: number;
  /** Last rung that the trial took part in, from 0 on. */
  readonly rung: number;
  /** Validation IoU; null for a trial that failed. */
  readonly iou: number | null;
}

/** Ranks trials, best first: by the rung reached, then by IoU, then by number; those that failed come last. */
export function ranked<S extends Standing>(standings: readonly S[]): S[] {
  const rungReached = ({ rung, iou }: Standing) => (iou === null ? -1 : rung);
  return [...standings].sort(
    (a, b) => rungReached(b) - rungReached(a) || (b.iou ?? 0) - (a.iou ?? 0) || a.number - b.number,
  );
}
