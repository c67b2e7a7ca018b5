import fc from 'fast-check';
import { expect, test } from 'vitest';
import { squaredDistances } from '../../lib/scoring/distance.js';
import { bits, reference } from './reference.js';

test('agree with SciPy', async () => {
  for (const { width, height, label, squaredDistances: expected } of reference.masks) {
    expect([...(await squaredDistances(bits(label), width, height))]).toEqual(expected);
  }
});

test("the greatest of both ways is scikit-image's Hausdorff distance", async () => {
  for (const { width, height, label, predicted, hausdorff } of reference.masks) {
    const [a, b] = [bits(label), bits(predicted)];
    const [toA, toB] = [await squaredDistances(a, width, height), await squaredDistances(b, width, height)];
    const there = toA.filter((_, at) => b[at] === 1);
    const back = toB.filter((_, at) => a[at] === 1);
    expect(Math.sqrt(Math.max(...there, ...back))).toBeCloseTo(hausdorff, 12);
  }
});

test('agree with looking at every pixel', async () => {
  const grid = fc
    .record({ width: fc.integer({ min: 1, max: 14 }), height: fc.integer({ min: 1, max: 14 }), seed: fc.nat() })
    .map(({ width, height, seed }) => {
      const values = Uint8Array.from({ length: width * height }, (_, at) =>
        ((seed >>> (at % 29)) + at * at) % 11 === 0 ? 9 : 0,
      );
      values[seed % values.length] = 1;
      return { width, height, values };
    });
  await fc.assert(
    fc.asyncProperty(grid, async ({ width, height, values }) => {
      const set = [...values.keys()].filter((at) => values[at] !== 0);
      const found = await squaredDistances(values, width, height);
      const nearest = (at: number) =>
        Math.min(
          ...set.map(
            (to) => ((at % width) - (to % width)) ** 2 + (Math.floor(at / width) - Math.floor(to / width)) ** 2,
          ),
        );
      expect([...found]).toEqual([...found.keys()].map(nearest));
    }),
  );
});
