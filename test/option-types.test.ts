/** What the types say may be written is what the schemas take: compiled by the lint, and compared here as text. */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { z } from 'zod';
import type { embedImagesOptionsSchema } from '../lib/embeddings/embed-options.js';
import {
  audit,
  bench,
  comparePrompts,
  embedImages,
  evaluate,
  exportModel,
  fitRoughMask,
  initConfig,
  predictImages,
  previewPrompts,
  searchSettings,
  splitData,
  train,
} from '../lib/index.js';
import type * as types from '../lib/option-types.js';
import type { promptOptions, roughOptions, trainOptionsSchema } from '../lib/options.js';
import type { predictImagesOptionsSchema } from '../lib/prediction/predict-options.js';
import type { auditOptionsSchema } from '../lib/tasks/audit/options.js';
import type { benchOptionsSchema } from '../lib/tasks/bench/options.js';
import type { evaluateOptionsSchema } from '../lib/tasks/evaluate/options.js';
import type { exportOptionsSchema } from '../lib/tasks/export/options.js';
import type { initOptionsSchema } from '../lib/tasks/init/options.js';
import type { previewOptionsSchema } from '../lib/tasks/preview/options.js';
import type { comparisonOptionsSchema } from '../lib/tasks/prompt-comparison/options.js';
import type { fitRoughMaskOptionsSchema } from '../lib/tasks/rough-thresholds/options.js';
import type { searchOptionsSchema } from '../lib/tasks/search/options.js';
import type { splitDataOptionsSchema } from '../lib/tasks/split/options.js';
import { compile } from './cli/run-cli.js';

/** Whether two types are the same, optional and readonly members included. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Flat<T> = { [Name in keyof T]: T[Name] };
const same = <T extends true>(...yes: T[]) => yes;

same<Same<Flat<types.TrainOptions>, Flat<z.input<typeof trainOptionsSchema>>>>();
same<Same<Flat<types.SearchOptions>, Flat<z.input<typeof searchOptionsSchema>>>>();
same<Same<Flat<types.ComparisonOptions>, Flat<z.input<typeof comparisonOptionsSchema>>>>();
same<Same<Flat<types.SplitDataOptions>, Flat<z.input<typeof splitDataOptionsSchema>>>>();
same<Same<Flat<types.EmbedImagesOptions>, Flat<z.input<typeof embedImagesOptionsSchema>>>>();
same<Same<Flat<types.EvaluateOptions>, Flat<z.input<typeof evaluateOptionsSchema>>>>();
same<Same<Flat<types.AuditOptions>, Flat<z.input<typeof auditOptionsSchema>>>>();
same<Same<Flat<types.PredictImagesOptions>, Flat<z.input<typeof predictImagesOptionsSchema>>>>();
same<Same<Flat<types.PreviewOptions>, Flat<z.input<typeof previewOptionsSchema>>>>();
same<Same<Flat<types.FitRoughMaskOptions>, Flat<z.input<typeof fitRoughMaskOptionsSchema>>>>();
same<Same<Flat<types.InitOptions>, Flat<z.input<typeof initOptionsSchema>>>>();
same<Same<Flat<types.ExportOptions>, Flat<z.input<typeof exportOptionsSchema>>>>();
same<Same<Flat<types.BenchOptions>, Flat<z.input<typeof benchOptionsSchema>>>>();
same<Same<Flat<types.ResolvedPromptOptions>, Flat<z.output<z.ZodObject<typeof promptOptions>>>>>();
same<Same<Flat<types.ResolvedRoughOptions>, Flat<z.output<z.ZodObject<typeof roughOptions>>>>>();

test('lib/option-types.ts is what scripts/generate-option-types.mjs writes', async () => {
  compile();
  const { optionTypes } = await import('../scripts/generate-option-types.mjs');
  expect(await readFile('lib/option-types.ts', 'utf8')).toBe(await optionTypes());
});

// What a caller in JavaScript gets: one more letter than the types allow. None of these begins any work.
const data = 'nowhere';
test.each<[string, () => Promise<unknown>, string]>([
  // @ts-expect-error
  ['train', () => train({ data, epohcs: 3 }).result, 'epochs'],
  // @ts-expect-error
  ['searchSettings', () => searchSettings({ data, epohcs: 3 }), 'epochs'],
  // @ts-expect-error
  ['comparePrompts', () => comparePrompts({ data, epohcs: 3 }), 'epochs'],
  // @ts-expect-error
  ['splitData', () => splitData({ data, groupby: '(.*)' }), 'groupBy'],
  // @ts-expect-error
  ['embedImages', () => embedImages({ data, splits: 'train' }), 'split'],
  // @ts-expect-error
  ['evaluate', () => evaluate({ data, model: 'runs/a' }), 'models'],
  // @ts-expect-error
  ['audit', () => audit({ data, fold: 3 }), 'folds'],
  // @ts-expect-error
  ['predictImages', () => predictImages({ images: [data], point: [[1, 1]] }), 'points'],
  // @ts-expect-error
  ['previewPrompts', () => previewPrompts({ input: [data] }), 'inputs'],
  // @ts-expect-error
  ['fitRoughMask', () => fitRoughMask({ data, roughmask: 'hsv' }), 'roughMask'],
  // @ts-expect-error
  ['initConfig', () => initConfig({ data, overwrit: true }), 'overwrite'],
  // @ts-expect-error
  ['exportModel', () => exportModel({ model: data, too: 'hf' }), 'to'],
  // @ts-expect-error
  ['bench', () => bench({ size: 'base' }), 'sizes'],
])('%s: a typo is an error that says what was meant', async (_, call, meant) => {
  const fix = expect.stringMatching(new RegExp(`did you mean .*${meant}`));
  await expect(call()).rejects.toMatchObject({ code: 'SAM_BAD_OPTION', fix });
});

test('train asks for data, or for a run to go on with', async () => {
  // @ts-expect-error
  const nothing = train({}).result;
  await expect(nothing).rejects.toMatchObject({ code: 'SAM_BAD_OPTION', message: expect.stringContaining('data') });
  await expect(train({ resume: 'nowhere' }).result).rejects.toMatchObject({ code: 'SAM_NOT_FOUND' });
});

test('a value of another kind, a list in words', async () => {
  await expect(evaluate({ data, models: 'a,b', promptKinds: 'box,circle' })).rejects.toMatchObject({
    code: 'SAM_BAD_OPTION',
    message: expect.stringContaining('expected some of points, box, points+box, automatic'),
  });
  // @ts-expect-error
  await expect(splitData({ data, train: '0.5' })).rejects.toMatchObject({ code: 'SAM_BAD_OPTION' });
  await expect(evaluate({ data, models: ['a', 'b'] })).rejects.toMatchObject({ code: 'SAM_BAD_DATA' });
});
