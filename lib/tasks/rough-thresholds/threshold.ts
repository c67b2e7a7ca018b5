/** Search for the threshold of an index that fits the labels best: one for all images, or Otsu's of each. */
import { otsuThreshold } from '../../prompts/rough/otsu.js';
import { aboveThreshold } from '../../prompts/rough/spectral.js';
import { meanIou, type SearchImage } from './samples.js';

export interface ThresholdTry {
  readonly threshold: number | 'otsu';
  readonly meanIou: number;
}

/** Number of thresholds tried in a first round, evenly among the values of all images, and in each later round about the best. */
const FIRST = 64;
const LATER = 8;
const ROUNDS = 2;

/**
 * Searches for a threshold. Tells every gain, and returns the list of them, the best last. Otsu's stays unless a number is better.
 */
export async function searchThresholds(
  images: readonly SearchImage[],
  onFound: (found: ThresholdTry) => void,
  signal?: AbortSignal,
): Promise<ThresholdTry[]> {
  const gains: ThresholdTry[] = [];
  const attempt = async (threshold: number | 'otsu') => {
    const iou = await meanIou(
      images,
      ({ channels: [values] }) => aboveThreshold(values!, threshold === 'otsu' ? otsuThreshold(values!) : threshold),
      signal,
    );
    if (iou <= (gains.at(-1)?.meanIou ?? -1)) return;
    gains.push({ threshold, meanIou: iou });
    onFound(gains.at(-1)!);
  };
  await attempt('otsu');
  const sorted = allValues(images);
  if (sorted.length === 0) return gains;
  let tried = Array.from({ length: FIRST }, (_, i) =>
    rounded(sorted[Math.floor(((i + 0.5) * sorted.length) / FIRST)]!),
  );
  for (let round = 0; ; round++) {
    for (const threshold of tried) await attempt(threshold);
    const best = gains.findLast((gain): gain is ThresholdTry & { threshold: number } => gain.threshold !== 'otsu');
    if (round === ROUNDS || best === undefined) return gains;
    const below = Math.max(...tried.filter((other) => other < best.threshold), sorted[0]!);
    const over = Math.min(...tried.filter((other) => other > best.threshold), sorted.at(-1)!);
    tried = Array.from({ length: LATER }, (_, i) => rounded(below + ((i + 1) * (over - below)) / (LATER + 1)));
  }
}

function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

function allValues(images: readonly SearchImage[]): Float32Array {
  const known = images.flatMap(({ channels: [values] }) => [...values!].filter((value) => !Number.isNaN(value)));
  return Float32Array.from(known).sort();
}
