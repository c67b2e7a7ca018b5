import fc from 'fast-check';
import { expect, test } from 'vitest';
import { maskArea, toLowRes } from '../../lib/data/low-res.js';
import type { Mask } from '../../lib/data/sample.js';

const masks = fc
  .record({ width: fc.integer({ min: 1, max: 90 }), height: fc.integer({ min: 1, max: 90 }) })
  .chain(({ width, height }) =>
    fc
      .uint8Array({ minLength: width * height, maxLength: width * height, max: 1 })
      .map((values): Mask => ({ values, width, height })),
  );

test('is the nearest neighbour of a plain reference, with padding at right and bottom', () => {
  fc.assert(
    fc.property(masks, fc.integer({ min: 4, max: 64 }), fc.boolean(), (mask, size, squashed) => {
      const low = toLowRes(mask, size, squashed ? 100 : undefined);
      const longSide = Math.max(mask.width, mask.height);
      const fitted = (side: number) => (squashed ? size : Math.max(1, Math.floor((side * size) / longSide + 0.5)));
      expect([low.validWidth, low.validHeight]).toEqual([fitted(mask.width), fitted(mask.height)]);
      expect([low.imageWidth, low.imageHeight, low.size]).toEqual([mask.width, mask.height, size]);
      for (let y = 0; y < size; y++) {
        for (let x = 0; x < size; x++) {
          const inside = x < low.validWidth && y < low.validHeight;
          const column = Math.floor(((x + 0.5) * mask.width) / low.validWidth);
          const row = Math.floor(((y + 0.5) * mask.height) / low.validHeight);
          expect(low.values[y * size + x]).toBe(inside ? mask.values[row * mask.width + column] : 0);
        }
      }
    }),
  );
});

test('a mask of the size of the grid is unchanged, and one of double the size is thinned at pixel centres', () => {
  const values = Uint8Array.from({ length: 64 * 64 }, (_, index) => ((index * 7919) % 3 === 0 ? 1 : 0));
  expect(toLowRes({ values, width: 64, height: 64 }, 64).values).toEqual(values);
  const low = toLowRes({ values, width: 64, height: 64 }, 32);
  expect(low.values[5 * 32 + 9]).toBe(values[11 * 64 + 19]);
  expect(maskArea(low)).toBe(low.values.reduce((sum, value) => sum + value, 0));
});
