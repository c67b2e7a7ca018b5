/** Shares and IoU of masks, held against counting over the whole; a raster's as its rows come. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Coverage, coverageOf, TileCoverage } from '../../lib/prediction/coverage.js';
import { ownPart, planTiles, tilesOfRow } from '../../lib/raster/tiles.js';
import { cropped, type Window } from '../../lib/raster/windows.js';

test('of a picture: how much the mask covers, and the rough mask beside it', async () => {
  const mask = Uint8Array.of(255, 255, 0, 0, 0, 255, 0, 0, 0, 0);
  expect(await coverageOf(mask, undefined)).toEqual({ coverage: 0.3, roughMask: null });
  const rough = Uint8Array.of(0, 1, 1, 0, 0, 1, 0, 0, 0, 0);
  expect(await coverageOf(mask, rough)).toEqual({ coverage: 0.3, roughMask: { coverage: 0.3, iou: 0.5 } });
  const nothing = new Uint8Array(10);
  expect(await coverageOf(nothing, rough)).toEqual({ coverage: 0, roughMask: { coverage: 0.3, iou: 0 } });
  expect(await coverageOf(nothing, nothing)).toEqual({ coverage: 0, roughMask: { coverage: 0, iou: 1 } });
});

test('of a picture of many slices it is that of all of them', async () => {
  const length = 5_000_000;
  const mask = new Uint8Array(length).fill(255, 0, 3_000_000);
  const rough = new Uint8Array(length).fill(1, 2_000_000, 4_000_000);
  expect(await coverageOf(mask, rough)).toEqual({ coverage: 0.6, roughMask: { coverage: 0.4, iou: 0.25 } });
});

/** Counts over the whole raster at once. */
function counted(mask: Uint8Array, rough: Uint8Array | undefined, valid: Uint8Array): Coverage {
  const count = (of: (at: number) => boolean) =>
    mask.reduce((sum, _, at) => sum + Number(valid[at] === 1 && of(at)), 0);
  const share = (pixels: number) =>
    pixels /
    Math.max(
      1,
      count(() => true),
    );
  const coverage = share(count((at) => mask[at] !== 0));
  if (rough === undefined) return { coverage, roughMask: null };
  const either = count((at) => mask[at] !== 0 || rough[at] !== 0);
  const both = count((at) => mask[at] !== 0 && rough[at] !== 0);
  return {
    coverage,
    roughMask: { coverage: share(count((at) => rough[at] !== 0)), iou: either === 0 ? 1 : both / either },
  };
}

test('property: of a raster, row of tiles by row of tiles, it is that of its valid pixels', async () => {
  const side = fc.integer({ min: 1, max: 60 });
  const given = { width: side, height: side, tile: fc.integer({ min: 4, max: 24 }), hasRough: fc.boolean() };
  await fc.assert(
    fc.asyncProperty(fc.record({ ...given, seed: fc.nat() }), async ({ width, height, tile, hasRough, seed }) => {
      const plan = planTiles(width, height, tile);
      const drawn = (salt: number) =>
        Uint8Array.from({ length: width * height }, (_, at) => Number(((at + 7) * (seed + salt) * 2654435761) % 7 < 3));
      const [mask, valid] = [drawn(1), drawn(3)];
      const rough = hasRough ? drawn(2) : undefined;
      const coverage = new TileCoverage(plan);
      const within = (values: Uint8Array, window: Window) => cropped(values, width, window);
      for (let row = 0; row < plan.rows.length; row++) {
        for (const one of tilesOfRow(plan, row)) {
          // Of a tile that the model is not asked about, no more is read than what is its own.
          const seen = one.index % 2 === 0 ? one : ownPart(plan, one);
          if (rough !== undefined) coverage.rough(one, within(rough, one));
          coverage.valid(seen, within(valid, seen));
        }
        const next = plan.rows[row + 1]?.start ?? height;
        await coverage.rows(mask.subarray(plan.rows[row]!.start * width, next * width));
      }
      const [found, expected] = [coverage.result(), counted(mask, rough, valid)];
      expect(found.coverage).toBeCloseTo(expected.coverage, 12);
      expect(found.roughMask?.coverage).toBe(expected.roughMask?.coverage);
      expect(found.roughMask?.iou).toBe(expected.roughMask?.iou);
    }),
    { numRuns: 60 },
  );
});

test('the first window without data may come late', async () => {
  const plan = planTiles(4, 12, 4);
  const coverage = new TileCoverage(plan);
  for (let row = 0; row < plan.rows.length; row++) {
    const [tile] = tilesOfRow(plan, row);
    coverage.valid(tile!, row === plan.rows.length - 1 ? new Uint8Array(16) : undefined);
    const next = plan.rows[row + 1]?.start ?? 12;
    await coverage.rows(new Uint8Array((next - plan.rows[row]!.start) * 4).fill(255));
  }
  expect(coverage.result()).toEqual({ coverage: 1, roughMask: null });
});
