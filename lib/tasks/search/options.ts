/** Options of the search: those of `train`, which are the first trial and what all others share, and what is tried instead. */
import { z } from 'zod';
import { parseOptions } from '../../core/parse-options.js';
import { words } from '../../core/words.js';
import type { SearchOptions } from '../../option-types.js';
import {
  dataOptions,
  modelOptions,
  optimiserOptions,
  presetOption,
  promptOptions,
  trainOptionsSchema,
  withPreset,
} from '../../options.js';
import { absolutePaths } from '../../training/resume.js';
import { commaText, kindsOf, promptKinds, testSplit } from '../workbench/options.js';
import type { Axes } from './plan.js';

export type { SearchOptions };

const count = z.number().int();
const { lr, loss } = trainOptionsSchema.shape;

export const searchOptionsSchema = z.strictObject({
  preset: presetOption,
  ...dataOptions,
  testSplit,
  lrs: commaText(lr, Number).default('1e-5,3e-5,1e-4,3e-4').describe('learning rates to try, with commas'),
  losses: commaText(loss)
    .default('dice:1+bce:1+iou:5,dice:1+focal:20+iou:1')
    .describe('losses to try, each as for `loss`, with commas'),
  promptKinds,
  trials: count
    .min(2)
    .default(12)
    .describe('most settings to try, those given included; of more combinations some are drawn by `seed`'),
  eta: count.min(2).default(3).describe('of each rung the best of so many go on, for so many times the epochs'),
  minEpochs: count.min(1).default(3).describe('fewest epochs after which trials are compared'),
  ...modelOptions,
  ...promptOptions,
  ...optimiserOptions,
  out: z.string().default('tune').describe('folder for the results and the runs'),
  overwrite: z.boolean().default(false).describe('replace the search that `out` holds'),
  keepTrials: z
    .boolean()
    .default(false)
    .describe('keep the checkpoints of all trials (some 50 MB each with mobile-sam)'),
});

/** Options of the search, checked and with defaults filled in. */
export type ResolvedSearchOptions = z.output<typeof searchOptionsSchema>;

/** Checks the options and fills in the defaults; paths become absolute. @throws SamError `SAM_BAD_OPTION`: wrong options, all named. */
export function resolveSearchOptions(given: SearchOptions): ResolvedSearchOptions {
  const options = parseOptions(searchOptionsSchema, withPreset(given));
  return absolutePaths(options);
}

export function axesOf(options: ResolvedSearchOptions): Axes {
  return { lrs: words(options.lrs).map(Number), losses: words(options.losses), prompts: kindsOf(options) };
}
