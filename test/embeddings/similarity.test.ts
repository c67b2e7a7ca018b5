import { expect, test } from 'vitest';
import { randomFor } from '../../lib/core/random.js';
import { type SimilarPair, similarPairs, type Vectors } from '../../lib/embeddings/similarity.js';

const LENGTH = 32;

/** Flights of ten frames that drift from a place of their own: neighbours are near, flights far from each other. */
function flights(count: number): Vectors {
  const random = randomFor(1, 0, 'flights', 0);
  const values = new Float32Array(count * LENGTH);
  let place = new Float32Array(LENGTH);
  for (let frame = 0; frame < count; frame++) {
    const step = frame % 10 === 0 ? 1 : 0.02;
    const from = frame % 10 === 0 ? new Float32Array(LENGTH) : place;
    place = from.map((value) => value + step * random.uniform(-1, 1));
    const length = Math.hypot(...place);
    values.set(
      place.map((value) => value / length),
      frame * LENGTH,
    );
  }
  return { values, count, length: LENGTH };
}

async function pairsOf(vectors: Vectors, threshold: number): Promise<Map<string, number>> {
  const found: SimilarPair[] = [];
  for await (const pairs of similarPairs(vectors, threshold)) found.push(...pairs);
  return new Map(found.map(({ a, b, cosine }) => [`${a}-${b}`, cosine]));
}

function everyPair({ values, count }: Vectors, threshold: number): string[] {
  const found: string[] = [];
  for (let a = 0; a < count; a++) {
    for (let b = a + 1; b < count; b++) {
      let cosine = 0;
      for (let at = 0; at < LENGTH; at++) cosine += values[a * LENGTH + at]! * values[b * LENGTH + at]!;
      if (cosine >= threshold) found.push(`${a}-${b}`);
    }
  }
  return found;
}

test('few vectors: exactly the pairs above the threshold', async () => {
  const vectors = flights(300);
  const expected = everyPair(vectors, 0.999);
  expect(expected.length).toBeGreaterThan(100);
  expect([...(await pairsOf(vectors, 0.999)).keys()].sort()).toEqual(expected.sort());
});

test('many vectors: nearly all of them, no others, and the same each time', async () => {
  const vectors = flights(6000);
  const expected = new Set(everyPair(vectors, 0.999));
  const found = await pairsOf(vectors, 0.999);
  expect([...found.keys()].filter((pair) => !expected.has(pair))).toEqual([]);
  expect(found.size / expected.size).toBeGreaterThan(0.97);
  expect([...(await pairsOf(vectors, 0.999))]).toEqual([...found]);
});

test('vectors that are all the same end, and link all of them', async () => {
  const values = new Float32Array(3000 * LENGTH).fill(1 / Math.sqrt(LENGTH));
  const found = await pairsOf({ values, count: 3000, length: LENGTH }, 0.999);
  const linked = new Set([0]);
  const next = new Map<number, number[]>();
  for (const pair of found.keys()) {
    const [a, b] = pair.split('-').map(Number) as [number, number];
    next.set(a, [...(next.get(a) ?? []), b]);
    next.set(b, [...(next.get(b) ?? []), a]);
  }
  for (const one of linked) for (const other of next.get(one) ?? []) linked.add(other);
  expect(linked.size).toBe(3000);
});

test('an abort ends the search', async () => {
  const search = similarPairs(flights(3000), 0.9, AbortSignal.abort(new Error('stop')));
  await expect(search.next()).rejects.toThrow('stop');
});
