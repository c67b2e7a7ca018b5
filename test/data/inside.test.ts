import { expect, test } from 'vitest';
import { insideOf, type LabelSamples } from '../../lib/data/inside.js';

const grey = async (samples: LabelSamples) => [...(await insideOf(samples, 1, { hasAlpha: false })).values];

test.each([
  ['uint8', Uint8Array.of(0, 1, 127, 255)],
  ['int8', Int8Array.of(0, 1, 127, -1)],
  ['uint16', Uint16Array.of(0, 1, 128, 65535)],
  ['int16', Int16Array.of(0, 1, 127, -32768)],
  ['uint32', Uint32Array.of(0, 1, 2 ** 24 + 1, 2 ** 32 - 1)],
  ['int32', Int32Array.of(0, 1, 2 ** 24 + 1, -1)],
  ['float32', Float32Array.of(0, 1, 1e-30, -0.5)],
  ['float64', Float64Array.of(0, 1, 5e-324, -0.5)],
  ['uint64', BigUint64Array.of(0n, 1n, 2n ** 53n + 1n, 2n ** 64n - 1n)],
  ['int64', BigInt64Array.of(0n, 1n, 2n ** 53n + 1n, -1n)],
])('of %s anything but 0 is inside', async (_, samples) => {
  expect(await grey(samples)).toEqual([0, 1, 1, 1]);
});

test('not a number and minus 0 are outside, infinity is inside', async () => {
  expect(await grey(Float64Array.of(Number.NaN, -0, Number.POSITIVE_INFINITY))).toEqual([0, 0, 1]);
});

test('of colours any channel counts, but alpha, which hides a pixel where it is 0', async () => {
  const rgb = Uint8Array.of(0, 0, 0, 0, 0, 9);
  expect(await insideOf(rgb, 3, { hasAlpha: false })).toEqual({ values: Uint8Array.of(0, 1) });
  const rgba = Uint8Array.of(9, 9, 9, 0, 0, 0, 0, 255, 0, 9, 0, 1);
  expect(await insideOf(rgba, 4, { hasAlpha: true })).toEqual({ values: Uint8Array.of(0, 0, 1) });
  const deep = BigInt64Array.of(7n, 0n, 7n, 1n);
  expect(await insideOf(deep, 2, { hasAlpha: true })).toEqual({ values: Uint8Array.of(0, 1) });
});

test('a pixel that is not valid is outside and has no label; where all are valid, nothing is said', async () => {
  const samples = Uint8Array.of(0, 7, 255, 7);
  expect(await insideOf(samples, 1, { hasAlpha: false, valid: Uint8Array.of(1, 1, 0, 255) })).toEqual({
    values: Uint8Array.of(0, 1, 0, 1),
    labelled: Uint8Array.of(1, 1, 0, 1),
  });
  const all = await insideOf(
    samples.map((value) => value && 7),
    1,
    { hasAlpha: false, valid: Uint8Array.of(1, 1, 1, 1) },
  );
  expect(all).toEqual({ values: Uint8Array.of(0, 1, 1, 1) });
});
