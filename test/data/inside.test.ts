import { expect, test } from 'vitest';
import { LabelGatherer } from '../../lib/data/inside.js';
import type { Samples } from '../../lib/raster/tiff/samples.js';

function insideOf(bands: readonly Samples[], seen?: Uint8Array): number[] {
  const gathered = new LabelGatherer(bands[0]!.length);
  gathered.add(bands, 0, seen);
  return [...gathered.inside(gathered.findings(bands[0]!.length).threshold)];
}

test.each([
  ['uint8', Uint8Array.of(0, 1, 127, 255)],
  ['int8', Int8Array.of(0, 1, 127, -1)],
  ['uint16', Uint16Array.of(0, 1, 128, 65535)],
  ['int16', Int16Array.of(0, 1, 127, -32768)],
  ['uint32', Uint32Array.of(0, 1, 2 ** 24 + 1, 2 ** 32 - 1)],
  ['int32', Int32Array.of(0, 1, 2 ** 24 + 1, -1)],
  ['float32', Float32Array.of(0, 1, 1e-30, -0.5)],
  ['float64', Float64Array.of(0, 1, 5e-324, -0.5)],
])('of %s anything but 0 is inside', (_, samples) => {
  expect(insideOf([samples])).toEqual([0, 1, 1, 1]);
});

test('not a number and minus 0 are outside, infinity is inside', () => {
  expect(insideOf([Float64Array.of(Number.NaN, -0, Number.POSITIVE_INFINITY)])).toEqual([0, 0, 1]);
});

test('of several bands any counts, and nothing where a pixel is not seen', () => {
  expect(insideOf([Uint8Array.of(0, 0, 7), Uint8Array.of(0, 9, 0)])).toEqual([0, 1, 1]);
  expect(insideOf([Int16Array.of(0, 0, -7), Int16Array.of(0, 9, 0)], Uint8Array.of(1, 0, 1))).toEqual([0, 0, 1]);
});
