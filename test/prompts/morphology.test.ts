import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chebyshevDistance, erode, FAR } from '../../lib/prompts/morphology.js';

/** One round as skimage does it: the least of the 3x3 neighbours that lie inside the picture. */
function erodeOnce(values: Uint8Array, width: number, height: number): Uint8Array {
  return values.map((_, index) => {
    const [column, row] = [index % width, Math.floor(index / width)];
    let least = 1;
    for (let y = Math.max(0, row - 1); y <= Math.min(height - 1, row + 1); y++)
      for (let x = Math.max(0, column - 1); x <= Math.min(width - 1, column + 1); x++)
        least = Math.min(least, values[y * width + x]!);
    return least;
  });
}

const grid = fc
  .record({ width: fc.integer({ min: 1, max: 24 }), height: fc.integer({ min: 1, max: 24 }), share: fc.nat(100) })
  .chain(({ width, height, share }) =>
    fc.record({
      width: fc.constant(width),
      height: fc.constant(height),
      values: fc
        .array(fc.nat(99), { minLength: width * height, maxLength: width * height })
        .map((numbers) => Uint8Array.from(numbers, (number) => (number < share ? 1 : 0))),
    }),
  );

test('erosion agrees with rounds of a plain 3x3 loop', () => {
  fc.assert(
    fc.property(grid, fc.nat(6), ({ width, height, values }, rounds) => {
      let expected: Uint8Array = values;
      for (let round = 0; round < rounds; round++) expected = erodeOnce(expected, width, height);
      expect(erode(values, width, height, rounds)).toEqual(expected);
    }),
  );
});

test('the border does not erode, and a full picture stays full', () => {
  const half = Uint8Array.from({ length: 64 }, (_, index) => (index % 8 < 4 ? 1 : 0));
  const eroded = erode(half, 8, 8, 2);
  expect([...eroded.subarray(0, 8)]).toEqual([1, 1, 0, 0, 0, 0, 0, 0]);
  expect(eroded.reduce((sum, value) => sum + value, 0)).toBe(16);
  expect(erode(new Uint8Array(64).fill(1), 8, 8, 30).every((value) => value === 1)).toBe(true);
});

test('the distance is that to the nearest unset pixel', () => {
  fc.assert(
    fc.property(grid, ({ width, height, values }) => {
      const distance = chebyshevDistance(values, width, height);
      values.forEach((_, index) => {
        let nearest = FAR;
        values.forEach((value, other) => {
          if (value !== 0) return;
          const dx = Math.abs((other % width) - (index % width));
          const dy = Math.abs(Math.floor(other / width) - Math.floor(index / width));
          nearest = Math.min(nearest, Math.max(dx, dy));
        });
        expect(distance[index]).toBe(nearest);
      });
    }),
    { numRuns: 40 },
  );
});
