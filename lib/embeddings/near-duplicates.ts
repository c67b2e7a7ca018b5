/**
 * Near-duplicates: images held out (validation, test) that are nearly the same as one trained on, so that their scores say little.
 */

import { NEAR_DUPLICATE } from './descriptors.js';
import { type SimilarPair, similarPairs, type Vectors } from './similarity.js';

/** Two images of different splits that look nearly the same. */
export interface NearDuplicate {
  /** Image held out. */
  readonly image: string;
  /** Split of the image. */
  readonly split: string;
  /** Training image that is most like it. */
  readonly train: string;
  /** Cosine of their descriptors, at most 1. */
  readonly similarity: number;
}

/** Most pairs that a message names; it counts all. */
const MOST_NAMED = 3;

/** Finds the near-duplicates: for each image held out the training image nearest to it, the most similar pairs first. */
export async function nearDuplicates(
  vectors: Vectors,
  of: (index: number) => { readonly name: string; readonly split: string },
  signal?: AbortSignal,
): Promise<NearDuplicate[]> {
  const nearest = new Map<number, { train: number; cosine: number }>();
  for await (const pairs of similarPairs(vectors, NEAR_DUPLICATE, signal)) {
    for (const { held, train, cosine } of across(pairs, of)) {
      if (cosine > (nearest.get(held)?.cosine ?? 0)) nearest.set(held, { train, cosine });
    }
  }
  const found = [...nearest].map(([held, { train, cosine }]) => {
    const { name, split } = of(held);
    return { image: name, split, train: of(train).name, similarity: Math.min(1, cosine) };
  });
  return found.sort((a, b) => b.similarity - a.similarity || (a.image < b.image ? -1 : 1));
}

function* across(
  pairs: Iterable<SimilarPair>,
  of: (index: number) => { readonly split: string },
): Generator<{ held: number; train: number; cosine: number }, void> {
  for (const { a, b, cosine } of pairs) {
    const [aTrains, bTrains] = [of(a).split === 'train', of(b).split === 'train'];
    if (aTrains !== bTrains) yield aTrains ? { held: b, train: a, cosine } : { held: a, train: b, cosine };
  }
}

/** Writes the warning of near-duplicates, one line; undefined if there are none. */
export function nearDuplicateWarning(found: readonly NearDuplicate[]): string | undefined {
  if (found.length === 0) return undefined;
  const named = found
    .slice(0, MOST_NAMED)
    .map(({ image, split, train }) => `${image} (${split}) of ${train}`)
    .join(', ');
  const rest = found.length > MOST_NAMED ? ` and ${found.length - MOST_NAMED} more` : '';
  const what =
    found.length === 1 ? '1 image held out is a near-duplicate' : `${found.length} images held out are near-duplicates`;
  return (
    `${what} of a training image: ${named}${rest}; their scores will be too good: ` +
    'sam-native split --group-by-similarity keeps such images together'
  );
}
