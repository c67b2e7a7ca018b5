import { expect, test } from 'vitest';
import { undeclaredNoData } from '../../lib/raster/undeclared.js';

/** 90 measurements from `low` to `high`, and 10 of another value, in order. */
const withHole = (value: number, low = 100, high = 900) =>
  Float64Array.from({ length: 100 }, (_, at) => (at < 10 ? value : low + ((high - low) * (at - 10)) / 89)).sort();

test.each([-9999, -32_768, -3.4028234663852886e38, 1e20, -(2 ** 31), -9999.9, 65_535, 1.70141e38, -1234])(
  '%d, an end far from all others, seems to mean no data',
  (value) => {
    expect(undeclaredNoData(withHole(value))).toEqual({ value, share: 0.1 });
  },
);

test('a measurement does not: not beside its like, nor alone, nor the darkest or brightest of a picture', () => {
  expect(undeclaredNoData(withHole(0))).toBeUndefined();
  expect(undeclaredNoData(withHole(1000))).toBeUndefined();
  expect(undeclaredNoData(withHole(-9999, -9998, 9999))).toBeUndefined();
  expect(undeclaredNoData(Float64Array.of(5, 5, 5))).toBeUndefined();
  expect(undeclaredNoData(Float64Array.of(0, 0, 1, 1))).toBeUndefined();
  expect(undeclaredNoData(new Float64Array(0))).toBeUndefined();
});
