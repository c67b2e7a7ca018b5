/**
 * Similar vectors: pairs that point nearly the same way. Few vectors are compared each with each. Of many, only those are compared that
 * lie close in one of several random trees: each tree halves the vectors again and again by a plane between two of them, and vectors
 * in one small leaf are compared. The work then grows as n log n; a near pair is missed only if every tree parts it
 * (docs/splitting.md).
 */
import { setImmediate } from 'node:timers/promises';
import { type Random, randomFor, shuffled } from '../core/random.js';

/** Most vectors that are compared each with each, which takes some seconds. */
const ALL_PAIRS = 2048;
const LEAF = 64;
const TREES = 12;

export interface Vectors {
  /** Values of all vectors, count * length; each vector is of length 1. */
  readonly values: Float32Array;
  readonly count: number;
  readonly length: number;
}

/** Pair of vectors whose cosine is at least the threshold; `a < b`. */
export interface SimilarPair {
  readonly a: number;
  readonly b: number;
  readonly cosine: number;
}

/** Finds similar pairs, leaf by leaf, some of them several times. The same vectors give the same pairs. */
export async function* similarPairs(
  vectors: Vectors,
  threshold: number,
  signal?: AbortSignal,
): AsyncGenerator<readonly SimilarPair[], void> {
  for (const leaf of leaves(vectors)) {
    await setImmediate();
    signal?.throwIfAborted();
    yield pairsWithin(vectors, leaf, threshold);
  }
}

function pairsWithin(vectors: Vectors, leaf: Uint32Array, threshold: number): SimilarPair[] {
  const pairs: SimilarPair[] = [];
  for (let i = 0; i < leaf.length; i++) {
    for (let j = i + 1; j < leaf.length; j++) {
      const cosine = dot(vectors, leaf[i]!, leaf[j]!);
      if (!(cosine >= threshold)) continue; // nor where it is no number
      pairs.push({ a: Math.min(leaf[i]!, leaf[j]!), b: Math.max(leaf[i]!, leaf[j]!), cosine });
    }
  }
  return pairs;
}

function* leaves(vectors: Vectors): Generator<Uint32Array, void> {
  if (vectors.count <= ALL_PAIRS) {
    yield Uint32Array.from({ length: vectors.count }, (_, index) => index);
    return;
  }
  for (let tree = 0; tree < TREES; tree++) {
    const random = randomFor(0, 0, '\0similarity', tree);
    // Another order for each tree: vectors that are equal are parted by it, and elsewhere each time.
    const open: Uint32Array[] = [shuffled(vectors.count, 0, tree)];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (node.length <= LEAF) yield node;
      else open.push(...halves(vectors, node, random));
    }
  }
}

/** Halves the members of a node: half are nearer to the one of two drawn members, half to the other. */
function halves(vectors: Vectors, node: Uint32Array, random: Random): [Uint32Array, Uint32Array] {
  const { values, length } = vectors;
  const [one, other] = [random.integer(node.length), random.integer(node.length)].map((place) => node[place]! * length);
  const normal = Float32Array.from({ length }, (_, index) => values[one! + index]! - values[other! + index]!);
  const heights = Float32Array.from(node, (member) => {
    let sum = 0;
    for (let index = 0, at = member * length; index < length; index++) sum += values[at++]! * normal[index]!;
    return sum;
  });
  const half = node.length >> 1;
  const middle = heights.slice().sort()[half]!;
  // Of those in the very middle as many go down as fit there: equal pictures must not make halves unequal.
  let room = half - heights.reduce((below, height) => below + (height < middle ? 1 : 0), 0);
  const goesDown = Uint8Array.from(heights, (height) => (height < middle || (height === middle && room-- > 0) ? 1 : 0));
  return [node.filter((_, place) => goesDown[place] === 1), node.filter((_, place) => goesDown[place] === 0)];
}

function dot({ values, length }: Vectors, a: number, b: number): number {
  let sum = 0;
  for (let index = 0, i = a * length, j = b * length; index < length; index++) sum += values[i++]! * values[j++]!;
  return sum;
}
