/** Options of `evaluate`: which models, on which images, and with which prompts. */
import { z } from 'zod';
import { without } from '../../core/without.js';
import { dataOptions, listOf, modelOptions, PROMPT_KINDS, promptOptions, sourceOptions } from '../../options.js';
import type { EvaluatedPrompt } from '../../scoring/results.js';

export type { EvaluateOptions } from '../../option-types.js';

const { limit, skipBad, onEmpty } = dataOptions;
const computeOptions = without(modelOptions, 'model');

const KINDS = [...PROMPT_KINDS, 'automatic'] as const satisfies readonly EvaluatedPrompt[];

export const evaluateOptionsSchema = z.strictObject({
  models: listOf(z.string(), 'expected names of models')
    .default(['mobile-sam'])
    .describe('the models, with commas: names as for `model` of train, run folders, checkpoints, untuned'),
  ...sourceOptions,
  split: z.string().default('validation').describe('the labelled split'),
  limit,
  skipBad,
  onEmpty,
  ...computeOptions,
  ...promptOptions,
  promptKinds: listOf(z.enum(KINDS), `expected some of ${KINDS.join(', ')}, with commas`)
    .optional()
    .describe(
      `kinds of prompts side by side, with commas: ${PROMPT_KINDS.join(', ')}, and automatic, where nothing is given (that of \`prompt\` if not given)`,
    ),
  robustness: z
    .boolean()
    .default(false)
    .describe('also score prompts that get worse: boxes that are off, points outside the label, fewer points'),
  ownSettings: z
    .boolean()
    .default(false)
    .describe('each model gets the prompts it was trained with, instead of all the same'),
  out: z
    .string()
    .optional()
    .describe('file (.csv, .parquet) or folder for the scores of each image (beside the run if not given)'),
  report: z
    .string()
    .optional()
    .describe('file (.html) or folder for the report with plots and pictures (beside the scores if not given)'),
});
