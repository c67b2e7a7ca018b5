/** RLE and polygons, against pycocotools (`scripts/make_coco_fixtures.py`) and themselves. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { drawPolygon } from '../../../../lib/data/sources/coco/polygon.js';
import {
  checkCounts,
  countsOf,
  drawCounts,
  formatCounts,
  parseCounts,
  toRle,
} from '../../../../lib/data/sources/coco/rle.js';

interface Rle {
  size: [height: number, width: number];
  counts: string;
}
const fixtures = JSON.parse(readFileSync(new URL('../../../fixtures/coco.json', import.meta.url), 'utf8')) as {
  masks: (Rle & { area: number; pixels: number[] | null })[];
  polygons: (Rle & { polygons: number[][] })[];
};

const area = (values: Uint8Array) => values.reduce((sum, value) => sum + value, 0);

function maskOf({ size: [height, width], counts }: Rle) {
  const values = new Uint8Array(width * height);
  drawCounts(parseCounts(counts), values, width, height);
  return { values, width, height };
}

describe('pycocotools agrees', () => {
  test.each(fixtures.masks.map((mask, index) => [index, mask] as const))('mask %i', (_, fixture) => {
    const mask = maskOf(fixture);
    expect(() => checkCounts(parseCounts(fixture.counts), mask.width, mask.height)).not.toThrow();
    expect(area(mask.values)).toBe(fixture.area);
    if (fixture.pixels !== null)
      expect([...mask.values.keys()].filter((at) => mask.values[at])).toEqual(fixture.pixels);
    expect(toRle(mask.values, mask.width, mask.height).counts).toBe(fixture.counts);
  });

  test.each(fixtures.polygons.map((shape, index) => [index, shape] as const))('polygons %i', (_, fixture) => {
    const [height, width] = fixture.size;
    const values = new Uint8Array(width * height);
    for (const polygon of fixture.polygons) drawPolygon(polygon, values, width, height);
    expect(toRle(values, width, height).counts).toBe(fixture.counts);
  });
});

describe('any mask', () => {
  const masks = fc
    .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }))
    .chain(([width, height]) =>
      fc
        .array(fc.constantFrom(0, 1), { minLength: width * height, maxLength: width * height })
        .map((values) => ({ values: Uint8Array.from(values), width, height })),
    );

  test('comes back from its runs, and they from their text', () => {
    fc.assert(
      fc.property(masks, (mask) => {
        const counts = countsOf(mask.values, mask.width, mask.height);
        checkCounts(counts, mask.width, mask.height);
        expect(parseCounts(formatCounts(counts))).toEqual(counts);
        expect(maskOf({ size: [mask.height, mask.width], counts: formatCounts(counts) })).toEqual(mask);
      }),
    );
  });

  test('runs of any length pass through the text', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 28 })), (counts) => {
        expect(parseCounts(formatCounts(counts))).toEqual(counts);
      }),
    );
  });

  test('no text crashes or hangs', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          checkCounts(parseCounts(text), 5, 5);
        } catch (error) {
          expect((error as Error).message).toMatch(/is broken|no length|pixels long/);
        }
      }),
    );
  });
});

describe('any polygon', () => {
  const [width, height] = [24, 17];
  const coordinate = fc.double({ min: -60, max: 60, noNaN: true });
  const polygons = fc
    .array(fc.tuple(coordinate, coordinate), { minLength: 3, maxLength: 8 })
    .map((corners) => corners.flat());
  const draw = (polygon: number[]) => {
    const values = new Uint8Array(width * height);
    drawPolygon(polygon, values, width, height);
    return values;
  };

  test('stays within its bounds', () => {
    fc.assert(
      fc.property(polygons, (polygon) => {
        const xs = polygon.filter((_, index) => index % 2 === 0);
        const ys = polygon.filter((_, index) => index % 2 === 1);
        draw(polygon).forEach((value, at) => {
          if (value === 0) return;
          const [x, y] = [at % width, Math.floor(at / width)];
          expect(x).toBeGreaterThanOrEqual(Math.min(...xs) - 1);
          expect(x).toBeLessThanOrEqual(Math.max(...xs) + 1);
          expect(y).toBeGreaterThanOrEqual(Math.min(...ys) - 1);
          expect(y).toBeLessThanOrEqual(Math.max(...ys) + 1);
        });
      }),
    );
  });

  test('covers rectangles of whole pixels exactly', () => {
    const side = (most: number) => fc.tuple(fc.integer({ min: 0, max: most }), fc.integer({ min: 0, max: most }));
    fc.assert(
      fc.property(side(width), side(height), ([xa, xb], [ya, yb]) => {
        const [x0, x1, y0, y1] = [Math.min(xa, xb), Math.max(xa, xb), Math.min(ya, yb), Math.max(ya, yb)];
        expect(area(draw([x0, y0, x1, y0, x1, y1, x0, y1]))).toBe((x1 - x0) * (y1 - y0));
      }),
    );
  });
});
