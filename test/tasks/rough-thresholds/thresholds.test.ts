import { expect, test } from 'vitest';
import { randomFor } from '../../../lib/core/random.js';
import { hueWithin } from '../../../lib/prompts/rough/hsv.js';
import { searchColours } from '../../../lib/tasks/rough-thresholds/colour.js';
import { colourImage, indexImage } from '../../../lib/tasks/rough-thresholds/samples.js';
import { searchThresholds } from '../../../lib/tasks/rough-thresholds/threshold.js';

const SIDE = 60;
const cleaning = { minArea: 5, fillHoles: false, largest: false };
/** A band down the middle. */
const label = {
  values: Uint8Array.from({ length: SIDE * SIDE }, (_, index) => (Math.abs((index % SIDE) - 30) < 10 ? 1 : 0)),
  width: SIDE,
  height: SIDE,
};

test('bands of a red river in a green land, past 360 degrees, are found; every gain is told', async () => {
  const random = randomFor(1, 0, 'colours', 0);
  const pixels = new Uint8Array(SIDE * SIDE * 3);
  label.values.forEach((inside, index) => {
    const noise = () => Math.floor(random.uniform(0, 60));
    pixels.set(inside === 1 ? [200, noise(), noise()] : [noise(), 200, noise()], index * 3);
  });
  const told: number[] = [];
  const gains = await searchColours([colourImage(pixels, label, cleaning)], ({ meanIou }) => told.push(meanIou));
  const best = gains.at(-1)!;
  expect(best.meanIou).toBeGreaterThan(0.99);
  expect(hueWithin(0, best.hue)).toBe(true);
  expect(hueWithin(120, best.hue)).toBe(false);
  expect(told).toEqual(gains.map(({ meanIou }) => meanIou));
  expect(told.toSorted((a, b) => a - b)).toEqual(told);
});

test('a threshold where one for all is best, and Otsu where it is not', async () => {
  const values = (inside: number, outside: number) =>
    Float32Array.from(label.values, (value, index) => (value === 1 ? inside : outside) + ((index % 7) - 3) / 100);
  // Outside, two kinds of land that Otsu tells apart before it sees the water.
  const land = values(0.1, 0).map((value, index) => (index % SIDE < 15 ? value - 1 : value));
  const fixed = await searchThresholds([indexImage(land, label, cleaning)], () => {});
  expect(fixed.at(-1)).toMatchObject({ meanIou: 1 });
  expect(fixed.at(-1)!.threshold).toBeGreaterThan(0.02);
  expect(fixed.at(-1)!.threshold).toBeLessThan(0.08);
  const shifted = [indexImage(values(0.5, 0), label, cleaning), indexImage(values(0, -0.5), label, cleaning)];
  expect((await searchThresholds(shifted, () => {})).at(-1)).toEqual({ threshold: 'otsu', meanIou: 1 });
});

test('pixels without a label teach nothing', async () => {
  const values = Float32Array.from(label.values, (value, index) => (index % SIDE < 30 ? 1 - value : value));
  const labelled = label.values.map((_, index) => (index % SIDE < 30 ? 0 : 1));
  const partly = { ...label, values: label.values.map((value, index) => value & labelled[index]!), labelled };
  const found = await searchThresholds([indexImage(values, partly, cleaning)], () => {});
  expect(found.at(-1)).toMatchObject({ meanIou: 1 });
});
