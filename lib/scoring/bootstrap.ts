/** Percentile intervals by the bootstrap (Efron 1979): how a mean and a median vary where other images had been drawn. */
import { setImmediate } from 'node:timers/promises';
import { randomFor } from '../core/random.js';
import type { Interval } from './results.js';
import { ascending, quantile } from './statistics.js';

const RESAMPLES = 2000;
const CONFIDENCE = 0.95;
/** Values that are drawn between two turns of the event loop: some milliseconds. */
const SLICE = 2 ** 18;

/** 95 percent intervals of a mean and a median. */
export interface Intervals {
  mean: Interval;
  median: Interval;
}

/**
 * Finds 95 percent intervals by 2000 resamples with replacement. The seed alone decides what is drawn, so values of the same images
 * are resampled alike as long as they rank the images alike.
 *
 * @param values at least one; infinite ones count for the median only.
 */
export async function bootstrap(values: readonly number[], seed: number): Promise<Intervals> {
  const sorted = ascending(values);
  const random = randomFor(seed, 0, '\0bootstrap', values.length);
  const drawn = new Uint32Array(sorted.length);
  const [means, medians] = [new Float64Array(RESAMPLES), new Float64Array(RESAMPLES)];
  const between = Math.max(1, Math.floor(SLICE / sorted.length));
  for (let resample = 0; resample < RESAMPLES; resample++) {
    if (resample % between === between - 1) await setImmediate();
    // Counted, a resample of sorted values is sorted itself.
    drawn.fill(0);
    for (let n = 0; n < sorted.length; n++) drawn[random.integer(sorted.length)]!++;
    means[resample] = meanOf(sorted, drawn);
    medians[resample] = medianOf(sorted, drawn);
  }
  return { mean: middle(means), median: middle(medians) };
}

function meanOf(sorted: readonly number[], drawn: Uint32Array): number {
  let sum = 0;
  for (let at = 0; at < sorted.length; at++) if (drawn[at]! > 0) sum += sorted[at]! * drawn[at]!;
  return sum / sorted.length;
}

function medianOf(sorted: readonly number[], drawn: Uint32Array): number {
  const [low, high] = [(sorted.length - 1) >> 1, sorted.length >> 1];
  let at = 0;
  let passed = drawn[0]!;
  while (passed <= low) passed += drawn[++at]!;
  const first = sorted[at]!;
  while (passed <= high) passed += drawn[++at]!;
  const second = sorted[at]!;
  return first === second ? first : (first + second) / 2;
}

function middle(statistics: Float64Array): Interval {
  statistics.sort();
  return [quantile(statistics, (1 - CONFIDENCE) / 2), quantile(statistics, (1 + CONFIDENCE) / 2)];
}
