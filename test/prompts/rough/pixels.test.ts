import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chebyshevDistance, erode } from '../../../lib/prompts/morphology.js';
import { cleanMask } from '../../../lib/prompts/rough/clean.js';
import { dropSmall, fillHoles, keepLargest } from '../../../lib/prompts/rough/components.js';
import { hsvMask, hueWithin, type Range, rgbToHsv } from '../../../lib/prompts/rough/hsv.js';
import { otsuThreshold } from '../../../lib/prompts/rough/otsu.js';
import { aboveThreshold, normalisedDifference } from '../../../lib/prompts/rough/spectral.js';
import { countComponents } from './count-components.js';

const masks = fc
  .record({ width: fc.integer({ min: 1, max: 24 }), height: fc.integer({ min: 1, max: 24 }) })
  .chain(({ width, height }) =>
    fc.record({
      width: fc.constant(width),
      height: fc.constant(height),
      values: fc
        .array(fc.integer({ min: 0, max: 1 }), { minLength: width * height, maxLength: width * height })
        .map((list) => Uint8Array.from(list)),
    }),
  );
const unit = fc.double({ min: 0, max: 1, noNaN: true });
const degrees = fc.double({ min: 0, max: 360, noNaN: true });
const within = (value: number, [from, to]: Range) => value >= from && value <= to;
const subset = (a: Uint8Array, b: Uint8Array) => a.every((value, index) => value <= b[index]!);

test('a pixel is in the mask where each of its hue, saturation and value is in its band', () => {
  const ordered = fc.tuple(unit, unit).map(([a, b]): Range => [Math.min(a, b), Math.max(a, b)]);
  const channel = fc.integer({ min: 0, max: 255 });
  const pixel = fc.tuple(channel, channel, channel);
  fc.assert(
    fc.property(
      fc.array(pixel, { minLength: 1, maxLength: 40 }),
      fc.tuple(degrees, degrees),
      ordered,
      ordered,
      (pixels, hue, saturation, value) => {
        const mask = hsvMask(Uint8Array.from(pixels.flat()), { hue, saturation, value });
        const plain = pixels.map((rgb) => {
          const [h, s, v] = rgbToHsv(...rgb);
          return hueWithin(h, hue) && within(s, saturation) && within(v, value) ? 1 : 0;
        });
        expect([...mask]).toEqual(plain);
      },
    ),
  );
});

describe('hue', () => {
  test('a band may wrap past 360', () => {
    expect([350, 10, 0, 180].map((hue) => hueWithin(hue, [340, 20]))).toEqual([true, true, true, false]);
    expect([20, 340, 180].map((hue) => hueWithin(hue, [20, 340]))).toEqual([true, true, true]);
  });
  test('of the six pure colours', () => {
    const colours = [
      [255, 0, 0],
      [255, 255, 0],
      [0, 255, 0],
      [0, 255, 255],
      [0, 0, 255],
      [255, 0, 255],
    ] as const;
    expect(colours.map(([red, green, blue]) => rgbToHsv(red, green, blue)[0])).toEqual([0, 60, 120, 180, 240, 300]);
    expect(rgbToHsv(77, 77, 77)).toEqual([0, 0, 77 / 255]);
  });
});

test('indices: no data and two zeros are no number, and never in the mask', () => {
  const [green, nir] = [Float32Array.of(3, 1, 0, 5), Float32Array.of(1, 3, 0, 1)];
  const ndwi = normalisedDifference(green, nir, Uint8Array.of(1, 1, 1, 0));
  expect([...ndwi]).toEqual([0.5, -0.5, Number.NaN, Number.NaN]);
  expect([...aboveThreshold(ndwi, -1)]).toEqual([1, 1, 0, 0]);
  expect(otsuThreshold(Float32Array.of(Number.NaN, Number.NaN))).toBeNaN();
  expect(otsuThreshold(Float32Array.of(Number.NaN, 0.25, 0.25))).toBe(0.25);
  expect(otsuThreshold(ndwi)).toBeGreaterThanOrEqual(-0.5);
  expect(otsuThreshold(ndwi)).toBeLessThan(0.5);
});

test('cleaning: what is left has no small component and no hole, and only holes were added', () => {
  fc.assert(
    fc.property(masks, fc.integer({ min: 1, max: 12 }), ({ values, width, height }, least) => {
      const kept = dropSmall(values, width, height, least);
      expect(subset(kept, values)).toBe(true);
      expect(dropSmall(kept, width, height, least)).toEqual(kept);
      const filled = fillHoles(kept, width, height);
      expect(subset(kept, filled)).toBe(true);
      expect(fillHoles(filled, width, height)).toEqual(filled);
      const one = keepLargest(filled, width, height);
      expect(countComponents(one, width, height, 8)).toBe(filled.includes(1) ? 1 : 0);
      expect(cleanMask(values, width, height, { minArea: least, fillHoles: true, largest: true })).toEqual(one);
      expect(cleanMask(values, width, height, { minArea: least, fillHoles: false, largest: false })).toEqual(kept);
    }),
  );
});

test('the distance is the number of rounds of erosion that a pixel survives, plus one', () => {
  fc.assert(
    fc.property(masks, fc.integer({ min: 0, max: 4 }), ({ values, width, height }, rounds) => {
      fc.pre(values.includes(0));
      const distance = chebyshevDistance(values, width, height);
      let eroded: Uint8Array = values;
      for (let round = 0; round < rounds; round++) eroded = erode(eroded, width, height, 1);
      expect([...eroded]).toEqual([...distance].map((depth) => (depth > rounds ? 1 : 0)));
    }),
  );
});
