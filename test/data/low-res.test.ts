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

/** Masks with labels in some places, and the values there. */
const partly = masks.chain((mask) =>
  fc
    .uint8Array({ minLength: mask.values.length, maxLength: mask.values.length, max: 1 })
    .map((labelled): Required<Pick<Mask, 'labelled'>> & Mask => ({
      ...mask,
      values: mask.values.map((value, at) => value & labelled[at]!),
      labelled,
    })),
);

test('a pixel of the grid takes a labelled pixel of its own, its middle if that is one; without any it has no label', () => {
  fc.assert(
    fc.property(partly, fc.integer({ min: 4, max: 64 }), fc.boolean(), (mask, size, squashed) => {
      const low = toLowRes(mask, size, squashed ? 100 : undefined);
      for (let y = 0; y < low.validHeight; y++) {
        for (let x = 0; x < low.validWidth; x++) {
          const own: number[] = [];
          const [left, top] = [
            Math.floor((x * mask.width) / low.validWidth),
            Math.floor((y * mask.height) / low.validHeight),
          ];
          for (let row = top; row * low.validHeight < (y + 1) * mask.height; row++)
            for (let column = left; column * low.validWidth < (x + 1) * mask.width; column++)
              if (mask.labelled[row * mask.width + column]) own.push(mask.values[row * mask.width + column]!);
          const column = Math.floor(((x + 0.5) * mask.width) / low.validWidth);
          const middle = Math.floor(((y + 0.5) * mask.height) / low.validHeight) * mask.width + column;
          const value = low.values[y * size + x]!;
          expect(low.labelled?.[y * size + x] ?? 1).toBe(mask.labelled[middle] ? 1 : own.length > 0 ? 2 : 0);
          if (mask.labelled[middle]) expect(value).toBe(mask.values[middle]);
          else if (own.length > 0) expect(own).toContain(value);
          else expect(value).toBe(0);
        }
      }
    }),
  );
});

test('where the middle of every pixel of the grid has a label, nothing is said of it', () => {
  const values = new Uint8Array(8 * 8).fill(1);
  const low = (odd: number) => {
    const labelled = values.map((_, at) => (at % 2 === odd ? 1 : 0));
    return toLowRes({ values: labelled, labelled, width: 8, height: 8 }, 4);
  };
  expect('labelled' in low(1)).toBe(false);
  expect(low(0).labelled).toEqual(new Uint8Array(16).fill(2));
  for (const found of [low(0), low(1)]) expect(found.values).toEqual(new Uint8Array(16).fill(1));
  expect('labelled' in toLowRes({ values, width: 8, height: 8 }, 4)).toBe(false);
});
