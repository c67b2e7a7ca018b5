import { describe, expect, it, test } from 'vitest';
import { bootstrap } from '../../lib/scoring/bootstrap.js';
import { calibration } from '../../lib/scoring/calibration.js';
import { correlation, mean, median, quantile, ranks } from '../../lib/scoring/statistics.js';
import { wilcoxon } from '../../lib/scoring/wilcoxon.js';
import { reference } from './reference.js';

describe('median, mean and quantiles', () => {
  it('by hand', () => {
    expect(median([0.9, 0.1, 0.5])).toBe(0.5);
    expect(median([0.9, 0.1, 0.5, 0.7])).toBeCloseTo(0.6, 12);
    expect(mean([0.25, 0.75])).toBe(0.5);
    expect(quantile([1, 2, 3, 4], 0.25)).toBe(1.75);
    expect(quantile([1, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY], 0.75)).toBe(Number.POSITIVE_INFINITY);
  });

  it('of nothing is not a number, and the values stay as they were', () => {
    expect(median([])).toBeNaN();
    expect(mean([])).toBeNaN();
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

test('equal values share their ranks', () => {
  expect(ranks([0.3, 0.1, 0.3, 0.2, 0.3])).toEqual([4, 1, 4, 2, 4]);
});

test('NaN ends in NaN, and ends', async () => {
  expect(ranks([0.3, Number.NaN, 0.1])).toEqual([2, Number.NaN, 1]);
  expect(ranks([Number.NaN, Number.NaN])).toEqual([Number.NaN, Number.NaN]);
  expect(correlation(ranks([1, Number.NaN, 3]), [1, 2, 3])).toBeNaN();
  expect(median([Number.NaN, 1, 2])).toBe(2);
  expect(wilcoxon([0.5, Number.NaN, 0.25])).toBeNull();
  expect((await bootstrap([Number.NaN, 0.5, 0.25], 1)).mean).toContainEqual(Number.NaN);
  const guess = { predicted: Number.NaN, real: 0.5 };
  expect(calibration([guess, guess, { predicted: 0.5, real: 0.25 }])).toMatchObject({ spearman: Number.NaN });
});

test('what does not vary has no correlation', () => {
  expect(correlation([1, 1, 1], [1, 2, 3])).toBeNull();
  expect(correlation([1, 2, 3], [2, 4, 6])).toBeCloseTo(1, 12);
});

describe('wilcoxon', () => {
  test('agrees with SciPy: counted out and by the normal distribution, with ties and zeros too', () => {
    for (const { differences, statistic, pValue, method } of reference.wilcoxon) {
      const found = wilcoxon(differences)!;
      expect(found.statistic).toBeCloseTo(statistic, 9);
      expect(found.method).toBe(method);
      expect(Math.abs(found.pValue / pValue - 1)).toBeLessThan(1e-9);
    }
  });

  test('no difference, no test', () => {
    expect(wilcoxon([])).toBeNull();
    expect(wilcoxon([0, 0, 0])).toBeNull();
  });

  test('all against it: as SciPy, 2/2^n', () => {
    expect(wilcoxon([-0.1, -0.2, -0.3, -0.4, -0.5])).toEqual({ statistic: 0, pValue: 2 / 32, method: 'exact' });
  });
});

describe('bootstrap', () => {
  test('agrees with SciPy within what 2000 resamples vary', async () => {
    for (const { values, mean: ofMean, median: ofMedian } of reference.bootstrap) {
      const found = await bootstrap(values, 42);
      for (const [got, expected] of [
        [found.mean, ofMean],
        [found.median, ofMedian],
      ] as const) {
        const width = expected[1] - expected[0];
        // A median jumps from one value to the next.
        const tolerance = (got === found.mean ? 0.08 : 0.15) * width;
        expect(Math.abs(got[0] - expected[0])).toBeLessThan(tolerance);
        expect(Math.abs(got[1] - expected[1])).toBeLessThan(tolerance);
      }
    }
  });

  test('the seed alone decides', async () => {
    const { values } = reference.bootstrap[1]!;
    expect(await bootstrap(values, 1)).toEqual(await bootstrap(values, 1));
    expect(await bootstrap(values, 1)).not.toEqual(await bootstrap(values, 2));
  });

  test('one value, and an infinite one', async () => {
    expect(await bootstrap([0.5], 1)).toEqual({ mean: [0.5, 0.5], median: [0.5, 0.5] });
    const { median: ofMedian } = await bootstrap([1, 2, 3, 4, 5, 6, 7, 8, Number.POSITIVE_INFINITY], 1);
    expect(ofMedian[0]).toBeGreaterThan(1);
    expect(ofMedian[1]).toBeGreaterThan(ofMedian[0]);
  });
});

describe('calibration', () => {
  test('agrees with NumPy and SciPy', () => {
    for (const { predicted, real, expectedError, pearson, spearman } of reference.calibration) {
      const found = calibration(predicted.map((guess, index) => ({ predicted: guess, real: real[index]! })));
      expect(found.expectedError).toBeCloseTo(expectedError, 12);
      expect(found.bias).toBeCloseTo(mean(predicted) - mean(real), 12);
      expect(found.pearson).toBeCloseTo(pearson, 12);
      expect(found.spearman).toBeCloseTo(spearman, 12);
      expect(found.bins.reduce((sum, { count }) => sum + count, 0)).toBe(predicted.length);
    }
  });

  test('a guess above 1 falls into the last tenth', () => {
    const guesses = [
      { predicted: 0.9, real: 0.7 },
      { predicted: 0.4, real: 0.5 },
    ];
    expect(calibration(guesses).bias).toBeCloseTo(0.05, 12);
    expect(calibration(guesses).meanAbsoluteError).toBeCloseTo(0.15, 12);
    const { bins, pearson } = calibration([{ predicted: 1.04, real: 0.9 }]);
    expect(bins).toEqual([{ from: 0.9, to: 1, count: 1, meanPredicted: 1.04, meanReal: 0.9 }]);
    expect(pearson).toBeNull();
  });
});
