/** Prompts of rough masks lie where they should, for any mask. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { randomFor } from '../../../lib/core/random.js';
import type { Mask } from '../../../lib/data/sample.js';
import { erode } from '../../../lib/prompts/morphology.js';
import type { PromptSettings } from '../../../lib/prompts/prompt.js';
import { computeRoughMask } from '../../../lib/prompts/rough/compute.js';
import { drawRoughPrompt, RoughMasks } from '../../../lib/prompts/rough/rough-masks.js';

const settings: PromptSettings = {
  kind: 'points+box',
  numPositive: 4,
  numNegative: 4,
  erode: true,
  dynamicDistance: false,
  perturbation: 5,
  pointSets: 'joint',
  padTo: 0,
};

/** Blobs, specks and holes: a coarse random picture made finer. */
const masks = fc
  .record({
    width: fc.integer({ min: 1, max: 90 }),
    height: fc.integer({ min: 1, max: 90 }),
    block: fc.integer({ min: 1, max: 20 }),
    density: fc.double({ min: 0.02, max: 0.98, noNaN: true }),
    seed: fc.nat(),
  })
  .map(({ width, height, block, density, seed }): Mask => {
    const random = randomFor(seed, 0, 'mask', 0);
    const cells = Array.from({ length: 91 * 91 }, () => (random.next() < density ? 1 : 0));
    const cell = (index: number) =>
      Math.floor(Math.floor(index / width) / block) * 91 + Math.floor((index % width) / block);
    const values = Uint8Array.from({ length: width * height }, (_, index) => cells[cell(index)]!);
    return { values, width, height };
  });

/** As `RoughMasks.make` has them, without a file. */
function rough({ values, width, height }: Mask, cleaning = { minArea: 0, fillHoles: false, largest: false }) {
  const source = { kind: 'mask', values: values.slice() } as const;
  const result = computeRoughMask({ source, width, height, cleaning, distances: true });
  const made = { ...result, mask: { values: result.values, width, height } };
  const masks = new RoughMasks(
    { method: { kind: 'file', folder: '', option: '' }, cleaning, erosion: 1 },
    { maskSize: 64, imageSize: undefined },
  );
  return { made, grid: masks.toGrid(made) };
}

const valueAt = ({ values, width }: Mask, [x, y]: readonly [number, number]) =>
  values[Math.floor(y + 0.5) * width + Math.floor(x + 0.5)];

test('positives lie inside, negatives never, whatever the erosion', () => {
  fc.assert(
    fc.property(
      masks,
      fc.option(fc.integer({ min: 0, max: 30 }), { nil: undefined }),
      fc.nat(),
      (mask, erosion, seed) => {
        const { grid } = rough(mask);
        fc.pre(grid.emptiness === null);
        const prompt = drawRoughPrompt(grid, settings, randomFor(seed, 0, 'a', 0), erosion);
        expect(prompt.labels.filter((label) => label === 1).length).toBeGreaterThan(0);
        for (const [index, point] of prompt.points.entries()) expect(valueAt(mask, point)).toBe(prompt.labels[index]);
        expect(drawRoughPrompt(grid, settings, randomFor(seed, 0, 'a', 0), erosion)).toEqual(prompt);
      },
    ),
    { numRuns: 300 },
  );
});

test('points keep --erosion pixels of the image away from the edge, negatives outside the dilation, where there is room', () => {
  fc.assert(
    fc.property(masks, fc.integer({ min: 1, max: 6 }), fc.nat(), (mask, erosion, seed) => {
      const { grid } = rough(mask);
      fc.pre(grid.emptiness === null);
      const inverse = { ...mask, values: mask.values.map((value) => 1 - value) };
      const [core, outside] = [mask, inverse].map(({ values, width, height }) => ({
        values: erode(values, width, height, erosion),
        width,
        height,
      }));
      const { inside, outside: beyond } = grid.distances!;
      const prompt = drawRoughPrompt(grid, { ...settings, kind: 'points' }, randomFor(seed, 0, 'a', 0), erosion);
      for (const [index, point] of prompt.points.entries()) {
        const positive = prompt.labels[index] === 1;
        // Room is what the grid sees of it.
        if (Math.max(...(positive ? inside : beyond)) <= erosion) continue;
        expect(valueAt(positive ? core! : outside!, point)).toBe(1);
      }
    }),
    { numRuns: 200 },
  );
});

test('why a mask is empty is said, with what the values were', () => {
  const cleaning = { minArea: 5, fillHoles: false, largest: false };
  const shape = { width: 2, height: 2, cleaning, distances: false };
  const index = (threshold: number | 'otsu', valid = [1, 1, 1, 1]) =>
    computeRoughMask({
      ...shape,
      source: {
        kind: 'index',
        name: 'ndwi',
        a: Float32Array.of(1, 1, 1, 3),
        b: Float32Array.of(3, 1, 1, 1),
        valid: Uint8Array.from(valid),
        threshold,
      },
    });
  expect(index(0.9).emptiness).toBe('nothing is above 0.9: NDWI is -0.5/0/0.5 (least/median/greatest)');
  expect(index(0.2).emptiness).toBe('its 1 pixels are in pieces of fewer than 5 (`minArea`)');
  expect(index('otsu', [0, 0, 0, 0]).emptiness).toBe('the image holds no data');
  const source = { kind: 'hsv', pixels: new Uint8Array(12).fill(51), bands: { value: [0.5, 1] } } as const;
  expect(computeRoughMask({ ...shape, source }).emptiness).toBe(
    'no pixel is in the bands: hue is 0/0/0 (least/median/greatest), saturation is 0/0/0 (least/median/greatest), ' +
      'value is 0.2/0.2/0.2 (least/median/greatest) (asked 0.5-1)',
  );
});
