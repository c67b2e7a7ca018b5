import { expect, test } from 'vitest';
import { PRESETS, trainOptionsSchema, withPreset } from '../../../lib/options.js';
import { kindsOf, trainOptionsOf } from '../../../lib/tasks/workbench/options.js';

const task = { data: 'photos', out: 'results', overwrite: true, folds: 3, batchSize: 2 };

test('a run has the options of its task that train has, but for what is its own', () => {
  const run = trainOptionsOf(task, { lr: 1e-3, out: 'runs/1' });
  expect(run).toEqual(trainOptionsSchema.parse({ data: 'photos', batchSize: 2, lr: 1e-3, out: 'runs/1' }));
  expect(trainOptionsOf(task, {})).not.toHaveProperty('out');
});

test("a preset's values reach the run, its name does not: what a run has of its own is none of the preset's", () => {
  const { lr, batchSize, ...preset } = PRESETS.article;
  const run = trainOptionsOf(withPreset({ ...task, preset: 'article' as const }), { lr: 1e-3 });
  expect(run).toMatchObject({ ...preset, lr: 1e-3, batchSize: 2 });
  expect([lr, batchSize]).not.toContain(run.lr);
  expect(run.preset).toBeUndefined();
  // What `train` makes of it is the same with and without: nothing is left for a preset to fill in.
  expect(trainOptionsSchema.parse(withPreset({ ...run, preset: 'article' as const }))).toEqual({
    ...run,
    preset: 'article',
  });
});

test('kinds of prompts are words with commas', () => {
  expect(kindsOf({ promptKinds: 'points, box' })).toEqual(['points', 'box']);
});
