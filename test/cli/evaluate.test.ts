import { describe, expect, it } from 'vitest';
import { evaluationTables, modelTable } from '../../lib/cli/evaluate-tables.js';
import type { EntrantName, ModelScores, PairedDifference, RobustnessCurve } from '../../lib/scoring/results.js';

const numbers = {
  count: 8,
  medianIou: 0.91,
  meanIou: 0.9,
  medianF1: 0.95,
  belowHalf: 2,
  own: { iou: { meanInterval: [0.85, 0.94] } },
  calibration: null,
};
const model = (name: string, more: object = {}) =>
  ({ ...numbers, name, promptSource: 'ground-truth', promptKind: 'points', ...more }) as unknown as ModelScores;
const difference = (a: EntrantName, b: EntrantName, more: object = {}) =>
  ({
    ...{ a, b, metric: 'iou', resolution: 'own', mean: -0.25, meanInterval: [-0.3, 0.01], greater: 3, lesser: 5 },
    wilcoxon: { statistic: 1, pValue: 0.0000123, method: 'exact' },
    ...more,
  }) as unknown as PairedDifference;

describe('the table of models', () => {
  it('is aligned, a line for each', () => {
    const lines = modelTable([model('runs/first'), model('untuned', { medianIou: 0.7 })]).split('\n');
    expect(lines).toHaveLength(3);
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
    expect(lines[1]).toMatch(/^runs\/first +8 +0\.910 +0\.900 +0\.850 to 0\.940 +2 +0\.950$/);
    expect(lines[2]).toMatch(/^untuned +8 +0\.700/);
  });

  it('says what prompts come from and what kind they are, where that differs', () => {
    const lines = modelTable([
      model('first'),
      model('first', { promptSource: 'rough' }),
      model('first', { promptKind: 'box' }),
      model('rough-mask', { promptSource: 'rough', promptKind: null }),
    ]).split('\n');
    expect(lines[1]).toMatch(/^first +points +labels +8 +0\.910/);
    expect(lines[2]).toMatch(/^first +points +rough masks +8 +0\.910/);
    expect(lines[3]).toMatch(/^first +box +labels +8/);
    expect(lines[4]).toMatch(/^rough-mask +rough masks +8/);
  });
});

describe('all tables', () => {
  const [a, b, c] = [model('untuned'), model('first'), model('second')];
  it('the guesses of the IoU: how far off, a line for each model that makes any', () => {
    const sure = model('untuned', { calibration: { bias: 0.23, meanAbsoluteError: 0.25 } });
    const shy = model('first', { calibration: { bias: -0.024, meanAbsoluteError: 0.03 } });
    const rough = model('rough-mask', { calibration: null });
    const [, guesses] = evaluationTables({ models: [sure, shy, rough], differences: [], robustness: null }).split(
      '\n\n',
    );
    const lines = guesses!.split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[1]).toMatch(/^untuned +\+0\.230 +0\.250$/);
    expect(lines[2]).toMatch(/^first +-0\.024 +0\.030$/);
  });

  it('differences: each against the first, in IoU', () => {
    const differences = [
      difference(a, b),
      difference(a, b, { resolution: '256' }),
      difference(a, b, { metric: 'f1' }),
      difference(a, c, { wilcoxon: null }),
      difference(b, c),
    ];
    const parts = evaluationTables({ models: [a, b, c], differences, robustness: null }).split('\n\n');
    expect(parts).toHaveLength(2);
    const lines = parts[1]!.split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[1]).toMatch(/^first +untuned +-0\.250 +-0\.300 to \+0\.010 +3 +5 +1e-5$/);
    expect(lines[2]).toMatch(/^second +untuned .* 1$/);
  });

  it('one model needs none; worse prompts make a table each', () => {
    const steps = [0, 5].map((value) => ({ value, meanIou: 0.9 - value / 100 })) as RobustnessCurve['steps'];
    const curve = { name: 'first', disturbance: 'box-jitter', ofPoints: null, steps } as const;
    const wrong = { ...curve, disturbance: 'mislabelled-points', ofPoints: 3 } as const;
    const robustness = [curve, { ...curve, name: 'untuned' }, wrong];
    const parts = evaluationTables({ models: [a], differences: [], robustness }).split('\n\n');
    expect(parts).toHaveLength(3);
    expect(parts[1]!.split('\n').slice(1)).toEqual([
      '             0      5',
      'first    0.900  0.850',
      'untuned  0.900  0.850',
    ]);
    expect(parts[2]).toMatch(/^mean IoU with wrong points, of 3\n/);
  });
});
