import { describe, expect, it } from 'vitest';
import { armsOf, folderName } from '../../../lib/tasks/prompt-comparison/arms.js';
import {
  type ComparisonOptions,
  comparedOf,
  resolveComparisonOptions,
} from '../../../lib/tasks/prompt-comparison/options.js';

const HSV = { roughMask: 'hsv', hue: '190-250' } as const;
const compared = (given: Partial<ComparisonOptions>) =>
  comparedOf(resolveComparisonOptions({ data: 'sample:rivers', ...given }));

describe('what is compared', () => {
  it('is every kind, from labels and, where they are described, from rough masks', () => {
    expect(compared({})).toEqual({ kinds: ['points', 'box', 'points+box'], sources: ['ground-truth'] });
    expect(compared(HSV).sources).toEqual(['ground-truth', 'rough']);
  });

  it('is one source where one is asked for', () => {
    expect(compared({ ...HSV, promptSource: 'ground-truth' }).sources).toEqual(['ground-truth']);
    expect(compared({ ...HSV, promptSource: 'rough', promptKinds: 'points,box,points' })).toEqual({
      kinds: ['points', 'box'],
      sources: ['rough'],
    });
  });

  it('must be more than one', () => {
    expect(() => compared({ promptKinds: 'box' })).toThrow('nothing to compare');
    expect(compared({ ...HSV, promptKinds: 'box' }).kinds).toEqual(['box']);
  });

  it('refuses rough masks that nothing describes', () => {
    expect(() => compared({ promptSource: 'rough' })).toThrow('needs a rough mask');
  });

  it.each(['lrs', 'trials'] as const)('refuses %s, which belongs to the search', (name) => {
    const given = { data: 'sample:rivers', [name]: '1' } as ComparisonOptions;
    expect(() => resolveComparisonOptions(given)).toThrow(/says nothing where prompts are compared/);
  });

  it('is every kind though a config file of `train` names one', () => {
    const given = { data: 'sample:rivers', prompt: 'points' } as ComparisonOptions;
    expect(comparedOf(resolveComparisonOptions(given)).kinds).toEqual(['points', 'box', 'points+box']);
  });

  it('has a folder for each', () => {
    expect(armsOf(['points', 'points+box'], ['ground-truth', 'rough']).map(folderName)).toEqual([
      'points-from-labels',
      'points-box-from-labels',
      'points-from-rough-masks',
      'points-box-from-rough-masks',
    ]);
  });
});
