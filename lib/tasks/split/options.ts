/** Options of `split`: what is shared out, and what stays together. */
import { z } from 'zod';
import { dataOptions, listOf, modelOptions, promptOptions, sourceOptions } from '../../options.js';

export type { SplitDataOptions } from '../../option-types.js';

const share = (fallback: number, split: string) =>
  z.number().min(0).max(1).default(fallback).describe(`share of the ${split} split, 0 to 1; the three add up to 1`);

const COSINE = 'expected a cosine between 0 and 1, such as 0.998';

export const splitDataOptionsSchema = z.strictObject({
  data: sourceOptions.data.describe(
    'the data set: a folder SRC/<split>/{images,masks}, a CSV or JSONL file, or sample:rivers',
  ),
  split: listOf(z.string(), 'expected names of splits')
    .refine((splits) => splits.length > 0, 'expected names of splits')
    .optional()
    .describe('take the samples of these splits, with commas (all there are if not given)'),
  skipBad: dataOptions.skipBad.describe('go on without images or masks that have no partner'),
  train: share(0.7, 'training'),
  validation: share(0.15, 'validation'),
  test: share(0.15, 'test'),
  groupBy: dataOptions.groupBy.describe(
    'regular expression on the file name; samples with the same first group stay in one split',
  ),
  groupBySimilarity: z
    .union([z.number(), z.boolean()], COSINE)
    .refine((cosine) => typeof cosine === 'boolean' || (cosine > 0 && cosine <= 1), COSINE)
    .optional()
    .meta({
      bare: true,
      description: 'images whose embeddings are this similar, or linked by others, stay in one split (0.998 if bare)',
    }),
  check: z
    .boolean()
    .default(true)
    .describe('warn of near-duplicates across splits (`check: false`: without `groupBySimilarity` nothing is encoded)'),
  seed: promptOptions.seed,
  out: z.string().min(1).default('split.csv').describe('the list of files to write, .csv or .jsonl'),
  overwrite: z.boolean().default(false).describe('replace the file'),
  ...modelOptions,
});
