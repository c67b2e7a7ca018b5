import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Blender } from '../../lib/raster/blend.js';
import { toProbabilities } from '../../lib/raster/probabilities.js';
import { OVERLAP, planTiles, spans, tilesOfRow, weights } from '../../lib/raster/tiles.js';

const length = fc.integer({ min: 1, max: 5000 });
const side = fc.integer({ min: 4, max: 1500 });

test('property: tiles cover every pixel, lie within, and overlap by a quarter or more', () => {
  fc.assert(
    fc.property(length, side, (whole, tile) => {
      const overlap = Math.floor(tile * OVERLAP);
      const found = spans(whole, tile, overlap);
      expect(found[0]!.start).toBe(0);
      expect(found.at(-1)!.start + found.at(-1)!.size).toBe(whole);
      found.slice(1).forEach((span, index) => {
        const before = found[index]!;
        expect(span.start).toBeGreaterThan(before.start);
        expect(span.size).toBe(tile);
        expect(before.start + before.size - span.start).toBeGreaterThanOrEqual(overlap);
      });
    }),
  );
});

test('property: at every pixel the weights sum to 1, none is negative', () => {
  fc.assert(
    fc.property(length, side, (whole, tile) => {
      const overlap = Math.floor(tile * OVERLAP);
      const found = spans(whole, tile, overlap);
      const sums = new Float64Array(whole);
      weights(found, whole, overlap).forEach((values, index) => {
        values.forEach((weight, at) => {
          expect(weight).toBeGreaterThan(0);
          sums[found[index]!.start + at]! += weight;
        });
      });
      expect(Math.max(...sums)).toBeCloseTo(1, 5);
      expect(Math.min(...sums)).toBeCloseTo(1, 5);
    }),
    { numRuns: 30 },
  );
});

test('property: a mask cut into tiles and blended is the mask', () => {
  const size = fc.integer({ min: 1, max: 70 });
  fc.assert(
    fc.property(
      size,
      size,
      fc.integer({ min: 4, max: 40 }),
      fc.infiniteStream(fc.boolean()),
      (width, height, tile, bits) => {
        const mask = Uint8Array.from({ length: width * height }, () => (bits.next().value ? 255 : 0));
        const plan = planTiles(width, height, tile);
        const blender = new Blender(plan);
        const rows: Uint8Array[] = [];
        for (let row = 0; row < plan.rows.length; row++) {
          for (const window of tilesOfRow(plan, row)) {
            const part = Float32Array.from({ length: window.width * window.height }, (_, at) => {
              const [x, y] = [window.x + (at % window.width), window.y + Math.floor(at / window.width)];
              return mask[y * width + x]! / 255;
            });
            blender.add(window, part);
          }
          rows.push(blender.finishRow(row));
        }
        expect(Buffer.concat(rows).equals(mask)).toBe(true);
      },
    ),
  );
});

test('between a tile of the object and one of background the seam is in the middle; no data is background', () => {
  const plan = planTiles(28, 4, 16);
  const blender = new Blender(plan);
  const [left, right] = tilesOfRow(plan, 0);
  expect([left!.x, right!.x]).toEqual([0, 12]);
  blender.add(
    left!,
    1,
    new Uint8Array(64).map((_, at) => (at === 0 ? 0 : 1)),
  );
  blender.add(right!, 0);
  const mask = blender.finishRow(0);
  expect([...mask.subarray(0, 17)]).toEqual([0, ...new Array(13).fill(255), 0, 0, 0]);
  expect([...mask.subarray(28, 45)]).toEqual([...new Array(14).fill(255), 0, 0, 0]);
});

test('logits become probabilities at the size of the tile, the padding left out', () => {
  const logits = new Float32Array(256 * 256).fill(50);
  for (let y = 0; y < 128; y++) for (let x = 0; x < 256; x++) logits[y * 256 + x] = x < 128 ? -8 : 8;
  const found = toProbabilities(logits, { width: 1024, height: 512, squashed: false });
  expect(found[100 * 1024]).toBeCloseTo(1 / (1 + Math.exp(8)), 6);
  expect(found[100 * 1024 + 511]).toBeLessThan(0.5);
  expect(found[100 * 1024 + 512]).toBeGreaterThan(0.5);
  expect(found[300 * 1024 + 1023]).toBeCloseTo(1 / (1 + Math.exp(-8)), 6);
  const squashed = toProbabilities(logits, { width: 100, height: 40, squashed: true });
  expect(squashed.at(-1)).toBe(1);
});
