/** Agreement with scikit-image and SciPy: scripts/make_morphology_fixtures.py wrote what they say. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { erode } from '../../../lib/prompts/morphology.js';
import { dropSmall, fillHoles, keepLargest } from '../../../lib/prompts/rough/components.js';
import { rgbToHsv } from '../../../lib/prompts/rough/hsv.js';
import { otsuThreshold } from '../../../lib/prompts/rough/otsu.js';
import { countComponents } from './count-components.js';

interface MaskCase {
  width: number;
  height: number;
  mask: string;
  components8: number;
  components4: number;
  least: number;
  withoutSmall: string;
  filled: string;
  largest: string;
  rounds: number;
  eroded: string;
}

const reference = JSON.parse(readFileSync(new URL('../../fixtures/morphology.json', import.meta.url), 'utf8')) as {
  masks: MaskCase[];
  rgb: [number, number, number][];
  hsv: [number, number, number][];
  otsu: { values: number[]; threshold: number }[];
};

const parse = (bits: string) => Uint8Array.from(bits, Number);
const text = (values: Uint8Array) => values.join('');

test.each(reference.masks.map((one, index) => [index, one] as const))('mask %i', (_, one) => {
  const { width, height } = one;
  const mask = parse(one.mask);
  expect(countComponents(mask, width, height, 8)).toBe(one.components8);
  expect(countComponents(mask, width, height, 4)).toBe(one.components4);
  expect(text(dropSmall(mask, width, height, one.least))).toBe(one.withoutSmall);
  expect(text(fillHoles(mask, width, height))).toBe(one.filled);
  expect(text(keepLargest(mask, width, height))).toBe(one.largest);
  expect(text(erode(mask, width, height, one.rounds))).toBe(one.eroded);
  expect(text(mask)).toBe(one.mask);
});

test('hue, saturation and value', () => {
  reference.rgb.forEach((rgb, index) => {
    const found = rgbToHsv(...rgb);
    for (const channel of [0, 1, 2]) expect(found[channel]).toBeCloseTo(reference.hsv[index]![channel]!, 9);
  });
});

test("Otsu's threshold", () => {
  for (const { values, threshold } of reference.otsu)
    expect(otsuThreshold(Float32Array.from(values))).toBeCloseTo(threshold, 6);
});
