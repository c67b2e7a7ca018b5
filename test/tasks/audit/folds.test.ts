import { describe, expect, it } from 'vitest';
import type { Sample } from '../../../lib/data/sample.js';
import { foldsOf } from '../../../lib/tasks/audit/folds.js';

const samples: Sample[] = Array.from({ length: 8 }, (_, picture) => picture).flatMap((picture) =>
  ['a', 'b'].map((side) => ({ name: `p${picture}_${side}`, image: { path: `p${picture}_${side}.jpg` } })),
);
const GROUPS = '^(.*)_[ab]$';

describe('folds', () => {
  it('keep groups together and are about equally large', () => {
    const folds = foldsOf(samples, 3, GROUPS, 42);
    samples.forEach((_, place) => {
      expect(folds[place]).toBe(folds[place - (place % 2)]);
    });
    const sizes = [0, 1, 2].map((fold) => folds.filter((other) => other === fold).length);
    expect(sizes.sort()).toEqual([4, 6, 6]);
  });

  it('come from the seed alone', () => {
    expect(foldsOf(samples, 4, GROUPS, 1)).toEqual(foldsOf(samples, 4, GROUPS, 1));
    expect(foldsOf(samples, 4, GROUPS, 1)).not.toEqual(foldsOf(samples, 4, GROUPS, 2));
  });

  it('keep the samples of one image together', () => {
    const objects = samples.map((sample, place) => ({ ...sample, image: { path: `${place % 2}.jpg` } }));
    const folds = foldsOf(objects, 2, undefined, 42);
    expect(new Set(folds.filter((_, place) => place % 2 === 0)).size).toBe(1);
    expect(folds[0]).not.toBe(folds[1]);
  });

  it('are refused where there are fewer groups', () => {
    const refused = () => foldsOf(samples, 9, GROUPS, 42);
    expect(refused).toThrow('16 samples in 8 groups make no 9 folds');
    expect(refused).toThrow(expect.objectContaining({ code: 'SAM_BAD_DATA', fix: 'take `folds` 8, or less' }));
    expect(() => foldsOf(samples.slice(0, 2), 2, GROUPS, 42)).toThrow('2 samples in 1 group make no 2 folds');
  });
});
