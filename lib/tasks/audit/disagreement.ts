/** Disagreement: how far the masks of several prompts agree with a label, and with each other. */
import { confusion, scores } from '../../scoring/metrics.js';
import { mean } from '../../scoring/statistics.js';

/**
 * Takes the vote of several masks of one size: a pixel is inside if it is inside more than half of them.
 *
 * @returns 255 inside, 0 outside.
 */
export function consensus(masks: readonly Uint8Array[]): Uint8Array {
  if (masks.length === 1) return masks[0]!;
  const votes = new Uint16Array(masks[0]!.length);
  for (const mask of masks) for (let at = 0; at < votes.length; at++) votes[at]! += mask[at] === 0 ? 0 : 1;
  return Uint8Array.from(votes, (count) => (count * 2 > masks.length ? 255 : 0));
}

/** @param labelled 0 where there is no label: those pixels don't count; undefined: all do. */
export async function iouOf(mask: Uint8Array, label: Uint8Array, labelled?: Uint8Array): Promise<number> {
  return scores(await confusion(mask, label, labelled)).iou;
}

/** Measures the mean IoU of the masks with their vote: near 1 where the model answers all prompts alike. `labelled` as for `iouOf`. */
export async function agreementOf(
  masks: readonly Uint8Array[],
  vote: Uint8Array,
  labelled?: Uint8Array,
): Promise<number> {
  return mean(await Promise.all(masks.map((mask) => iouOf(mask, vote, labelled))));
}
