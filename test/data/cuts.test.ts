import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutOff, dealOut, shareOut } from '../../lib/data/cuts.js';

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

test('any groups: what is cut off is neither nothing nor all, and off its share by less than the largest group', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 40 });
  fc.assert(
    fc.property(sizes, fc.double({ min: 0.01, max: 0.99, noNaN: true }), fc.nat(), (given, share, seed) => {
      const partOf = cutOff(given, share, seed);
      expect(new Set(partOf)).toEqual(new Set([0, 1]));
      const [all, cut] = [given, given.filter((_, group) => partOf[group] === 1)].map((list) =>
        list.reduce((sum, size) => sum + size, 0),
      );
      expect(Math.abs(cut! - share * all!)).toBeLessThanOrEqual(Math.max(...given));
    }),
  );
});

test('any groups: parts that are dealt out differ by no more than the largest group', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 4, maxLength: 40 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 2, max: 4 }), fc.nat(), (given, parts, seed) => {
      const partOf = dealOut(given, parts, seed);
      const counts = Array.from({ length: parts }, () => 0);
      for (const [group, part] of partOf.entries()) counts[part]! += given[group]!;
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(Math.max(...given));
    }),
  );
});
