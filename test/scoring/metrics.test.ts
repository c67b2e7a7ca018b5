import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { confusion, scores } from '../../lib/scoring/metrics.js';
import { bits, reference } from './reference.js';

describe('confusion', () => {
  it('counts by hand', async () => {
    const predicted = Uint8Array.from([255, 255, 255, 0, 0, 0, 255, 0]);
    const label = Uint8Array.from([1, 1, 0, 0, 1, 0, 0, 0]);
    expect(await confusion(predicted, label)).toEqual({
      truePositive: 2,
      falsePositive: 2,
      falseNegative: 1,
      trueNegative: 3,
    });
  });

  it('agrees with sets of pixels', async () => {
    const pair = fc
      .integer({ min: 1, max: 60 })
      .chain((length) =>
        fc.tuple(
          fc.array(fc.constantFrom(0, 255), { minLength: length, maxLength: length }),
          fc.array(fc.constantFrom(0, 1), { minLength: length, maxLength: length }),
        ),
      );
    await fc.assert(
      fc.asyncProperty(pair, async ([a, b]) => {
        const counts = await confusion(Uint8Array.from(a), Uint8Array.from(b));
        const inA = new Set(a.flatMap((value, i) => (value ? [i] : [])));
        const inB = new Set(b.flatMap((value, i) => (value ? [i] : [])));
        const both = [...inA].filter((i) => inB.has(i)).length;
        const either = new Set([...inA, ...inB]).size;
        const { iou, f1, precision, recall } = scores(counts);
        expect(iou).toBeCloseTo(either === 0 ? 1 : both / either, 12);
        expect(f1).toBeCloseTo(either === 0 ? 1 : (2 * both) / (inA.size + inB.size), 12);
        if (inA.size > 0) expect(precision).toBeCloseTo(both / inA.size, 12);
        if (inB.size > 0) expect(recall).toBeCloseTo(both / inB.size, 12);
        expect(Object.values(counts).reduce((x, y) => x + y)).toBe(a.length);
      }),
    );
  });

  it('passes over pixels without a label', async () => {
    const predicted = Uint8Array.from([255, 255, 255, 0, 0, 0, 255, 0]);
    const label = Uint8Array.from([1, 1, 0, 0, 1, 0, 0, 0]);
    const labelled = Uint8Array.from([1, 0, 0, 1, 1, 1, 1, 0]);
    expect(await confusion(predicted, label, labelled)).toEqual({
      truePositive: 1,
      falsePositive: 1,
      falseNegative: 1,
      trueNegative: 2,
    });
  });

  it('lets other work run while it counts a big mask', async () => {
    const big = new Uint8Array((1 << 21) * 3).fill(1);
    let turns = 0;
    const tick = () => {
      turns++;
      if (turns < 100) setImmediate(tick);
    };
    setImmediate(tick);
    const counts = await confusion(big, big);
    expect(counts.truePositive).toBe(big.length);
    expect(turns).toBeGreaterThanOrEqual(2);
  });

  it('refuses masks of two sizes', async () => {
    await expect(confusion(new Uint8Array(3), new Uint8Array(4))).rejects.toThrow(RangeError);
  });
});

describe('scores', () => {
  it('by hand', () => {
    const found = scores({ truePositive: 6, falsePositive: 2, falseNegative: 4, trueNegative: 88 });
    expect(found.iou).toBeCloseTo(0.5, 12);
    expect(found.f1).toBeCloseTo(12 / 18, 12);
    expect(found.precision).toBeCloseTo(0.75, 12);
    expect(found.recall).toBeCloseTo(0.6, 12);
    expect(found.accuracy).toBeCloseTo(0.94, 12);
  });

  it('agree with scikit-learn on random masks', async () => {
    for (const { predicted, label, iou, f1, precision, recall, accuracy } of reference.masks) {
      const found = scores(await confusion(bits(predicted), bits(label)));
      const expected = { iou, f1, precision, recall, accuracy };
      for (const name of ['iou', 'f1', 'precision', 'recall', 'accuracy'] as const)
        expect(found[name]).toBeCloseTo(expected[name], 12);
    }
  });

  it('nothing found of nothing is right', () => {
    expect(scores({ truePositive: 0, falsePositive: 0, falseNegative: 0, trueNegative: 9 })).toEqual({
      iou: 1,
      f1: 1,
      precision: 1,
      recall: 1,
      accuracy: 1,
    });
  });

  it('something found of nothing, and nothing of something, are wrong', () => {
    const wrong = { iou: 0, f1: 0, precision: 0, recall: 0, accuracy: 4 / 9 };
    expect(scores({ truePositive: 0, falsePositive: 5, falseNegative: 0, trueNegative: 4 })).toEqual(wrong);
    expect(scores({ truePositive: 0, falsePositive: 0, falseNegative: 5, trueNegative: 4 })).toEqual(wrong);
  });
});
