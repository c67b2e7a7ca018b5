import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GroupUnion } from '../../lib/data/groups.js';
import { shareOut } from '../../lib/data/shares.js';

test('linked groups become one, through others too, and keep every sample', () => {
  const groups = { groupOf: Uint32Array.of(0, 1, 1, 2, 3, 4), sizes: [1, 2, 1, 1, 1] };
  const union = new GroupUnion(groups);
  union.link(3, 1);
  union.link(3, 4);
  union.link(1, 4);
  expect(union.joined()).toEqual({ groupOf: Uint32Array.of(0, 1, 1, 2, 1, 1), sizes: [1, 4, 1] });
});

test('any links: two samples share a group exactly where links lead from one to the other', () => {
  const pair = fc.tuple(fc.nat(11), fc.nat(11));
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 14 }), (links) => {
      const union = new GroupUnion({
        groupOf: Uint32Array.from({ length: 12 }, (_, i) => i),
        sizes: Array(12).fill(1),
      });
      const reach = Array.from({ length: 12 }, (_, i) => new Set([i]));
      for (const [a, b] of links) {
        union.link(a, b);
        const all = new Set([...reach[a]!, ...reach[b]!]);
        for (const one of all) reach[one] = all;
      }
      const { groupOf, sizes } = union.joined();
      for (let a = 0; a < 12; a++) {
        for (let b = 0; b < 12; b++) expect(groupOf[a] === groupOf[b]).toBe(reach[a]!.has(b));
        expect(sizes[groupOf[a]!]).toBe(reach[a]!.size);
      }
    }),
  );
});

/** Samples of each split. */
const counts = (sizes: readonly number[], shares: readonly number[], seed = 1) => {
  const splitOf = shareOut(sizes, shares, seed);
  return shares.map((_, split) => sizes.reduce((sum, size, group) => sum + (splitOf[group] === split ? size : 0), 0));
};

test('shares come out exactly where groups allow it, and as near as one group otherwise', () => {
  expect(counts(Array(100).fill(1), [0.7, 0.15, 0.15])).toEqual([70, 15, 15]);
  expect(counts(Array(14).fill(2), [0.7, 0.15, 0.15])).toEqual([20, 4, 4]);
  expect(counts([60, 15, 5, 5, 5, 5, 5], [7, 2, 1])).toEqual([70, 20, 10]);
  expect(counts([5, 5, 1], [0.7, 0.15, 0.15])).toEqual([5, 5, 1]);
});

test('any groups: no split is empty, and none is off by more than the largest group allows', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 3, maxLength: 40 });
  fc.assert(
    fc.property(sizes, fc.nat(), (given, seed) => {
      const shares = [0.6, 0.25, 0.15];
      const found = counts(given, shares, seed);
      const all = given.reduce((sum, size) => sum + size, 0);
      expect(found.reduce((sum, count) => sum + count, 0)).toBe(all);
      for (const [split, count] of found.entries()) {
        expect(count).toBeGreaterThan(0);
        expect(Math.abs(count - shares[split]! * all)).toBeLessThanOrEqual(2 * Math.max(...given));
      }
    }),
  );
});

test('the seed decides which groups, and nothing else does', () => {
  const sizes = Array<number>(40).fill(3);
  expect(shareOut(sizes, [1, 1], 5)).toEqual(shareOut(sizes, [1, 1], 5));
  expect(shareOut(sizes, [1, 1], 5)).not.toEqual(shareOut(sizes, [1, 1], 6));
});
