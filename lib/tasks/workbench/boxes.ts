/** Shares of boxes: a box that covers nearly all of the picture, as those of rivers do, tells nearly nothing. */
import type { LowResMask } from '../../data/low-res.js';
import type { Samples } from '../../data/sample.js';
import { median } from '../../scoring/statistics.js';
import type { LowResMasks } from '../../training/masks.js';

/** Share of its picture above which a box tells little. */
export const WIDE_BOX = 0.8;

/** How much of their pictures the boxes of the training labels cover. */
export interface BoxShares {
  /** Median share of the picture that a label's box covers, 0 to 1, over all labels with a pixel. */
  median: number;
  /** Share of the labels whose box covers more than `WIDE_BOX` of its picture. */
  wide: number;
}

/** Tells whether half of the labels or more have a wide box. */
export function boxesTellLittle({ wide }: BoxShares): boolean {
  return wide >= 0.5;
}

export async function boxShares(samples: Samples, masks: LowResMasks, signal?: AbortSignal): Promise<BoxShares> {
  const shares: number[] = [];
  for (const sample of samples) {
    signal?.throwIfAborted();
    const share = boxShare(await masks.get(sample));
    if (share !== null) shares.push(share);
  }
  return { median: median(shares), wide: shares.filter((share) => share > WIDE_BOX).length / shares.length };
}

/** Measures the share of the picture that a label's box covers; null for an empty label. */
export function boxShare({ values, size, validWidth, validHeight }: LowResMask): number | null {
  let [left, top, right, bottom] = [size, size, -1, -1];
  values.forEach((value, at) => {
    if (value === 0) return;
    const [x, y] = [at % size, Math.floor(at / size)];
    [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x), Math.max(bottom, y)];
  });
  if (right < 0) return null;
  return ((right - left + 1) * (bottom - top + 1)) / (validWidth * validHeight);
}
