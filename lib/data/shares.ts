/** Groups -> splits: whole groups, as near to the shares as they allow. */
import { randomFor } from '../core/random.js';

/**
 * The split of each group, by its place in `shares`. The largest groups come first, those of one size in an order drawn from the seed;
 * each goes where most is missing. No split stays empty as long as there are as many groups as splits.
 *
 * @param sizes Samples of each group.
 * @param shares Of each split, above 0; only their ratio counts.
 */
export function shareOut(sizes: readonly number[], shares: readonly number[], seed: number): Uint8Array {
  const samples = sizes.reduce((sum, size) => sum + size, 0);
  const whole = shares.reduce((sum, share) => sum + share, 0);
  const missing = shares.map((share) => (share / whole) * samples);
  const empty = new Set(shares.keys());
  const splitOf = new Uint8Array(sizes.length);
  bySize(sizes, seed).forEach((group, place) => {
    const left = sizes.length - place;
    const open = left <= empty.size ? [...empty] : [...shares.keys()];
    const split = open.reduce((most, one) => (missing[one]! > missing[most]! ? one : most));
    splitOf[group] = split;
    missing[split]! -= sizes[group]!;
    empty.delete(split);
  });
  return splitOf;
}

function bySize(sizes: readonly number[], seed: number): number[] {
  const random = randomFor(seed, 0, '\0split', 0);
  const ranks = sizes.map(() => random.next());
  return [...sizes.keys()].sort((a, b) => sizes[b]! - sizes[a]! || ranks[a]! - ranks[b]!);
}
