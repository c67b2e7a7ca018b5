import { describe, expect, it } from 'vitest';
import { table } from '../../lib/cli/evaluate.js';
import type { ModelScores } from '../../lib/evaluation/evaluate.js';

const scores = { count: 8, medianIou: 0.91, meanIou: 0.9, minIou: 0.5, medianF1: 0.95, meanF1: 0.94 };

describe('the table of models', () => {
  it('is aligned, a line for each', () => {
    const models = [
      { ...scores, name: 'runs/first' },
      { ...scores, name: 'untuned', medianIou: 0.7 },
    ] as ModelScores[];
    const lines = table(models).split('\n');
    expect(lines).toHaveLength(3);
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
    expect(lines[1]).toMatch(/^runs\/first +8 +0\.910 +0\.900 +0\.500 +0\.950 +0\.940$/);
    expect(lines[2]).toMatch(/^untuned +8 +0\.700/);
  });

  it('says what prompts come from, where they come from rough masks too', () => {
    const models = [
      { ...scores, name: 'first', promptSource: 'ground-truth' },
      { ...scores, name: 'first', promptSource: 'rough' },
    ] as ModelScores[];
    const lines = table(models).split('\n');
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
    expect(lines[1]).toMatch(/^first +labels +8 +0\.910/);
    expect(lines[2]).toMatch(/^first +rough masks +8 +0\.910/);
  });
});
