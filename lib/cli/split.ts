/** `sam-native split`: training, validation and test splits that do not leak. */
import { z } from 'zod';
import { words } from '../core/words.js';
import { dataOptions, modelOptions, promptOptions, sourceOptions } from '../options.js';
import type { SplitDataResult } from '../tasks/split/split.js';
import { command } from './command.js';
import { encodingProgress } from './encoding-progress.js';

const share = (fallback: number, split: string) =>
  z.number().min(0).max(1).default(fallback).describe(`share of the ${split} split, 0 to 1; the three add up to 1`);

export default command({
  options: {
    data: sourceOptions.data.describe(
      'the data set: a folder SRC/<split>/{images,masks}, a CSV or JSONL file, or sample:rivers',
    ),
    split: z.string().optional().describe('take the samples of these splits, with commas (all there are if not given)'),
    skipBad: dataOptions.skipBad.describe('go on without images or masks that have no partner'),
    train: share(0.7, 'training'),
    validation: share(0.15, 'validation'),
    test: share(0.15, 'test'),
    groupBy: dataOptions.groupBy.describe(
      'regular expression on the file name; samples with the same first group stay in one split',
    ),
    groupBySimilarity: z.coerce
      .string()
      .regex(/^(0?\.\d+|1(\.0+)?|true|)$/, 'expected a cosine between 0 and 1, such as 0.998')
      .optional()
      .meta({
        bare: true,
        description: 'images whose embeddings are this similar, or linked by others, stay in one split (0.998 if bare)',
      }),
    check: z
      .boolean()
      .default(true)
      .describe('warn of near-duplicates across splits (--no-check: without --group-by-similarity nothing is encoded)'),
    seed: promptOptions.seed,
    out: z.string().min(1).default('split.csv').describe('the list of files to write, .csv or .jsonl'),
    overwrite: z.boolean().default(false).describe('replace the file'),
    ...modelOptions,
  },
  epilogue:
    'Examples:\n' +
    "  sam-native split --data photos --group-by '^(.*)_[ab]$'\n" +
    '  sam-native split --data flight --group-by-similarity --train 0.8 --validation 0.2 --test 0 --out flight.csv\n' +
    '  sam-native train --data flight.csv\n\n' +
    'Groups are never cut. Without --group-by the samples of one image are a group.',
  async run({ options, signal, reporter }): Promise<SplitDataResult> {
    const [{ splitData }, { NEAR_DUPLICATE }] = await Promise.all([
      import('../tasks/split/split.js'),
      import('../embeddings/descriptors.js'),
    ]);
    const { split, train, validation, test, groupBySimilarity: similarity, ...rest } = options;
    const threshold = similarity === '' || similarity === 'true' ? NEAR_DUPLICATE : similarity;
    return splitData({
      ...rest,
      splits: split === undefined ? undefined : words(split),
      shares: { train, validation, test },
      groupBySimilarity: threshold === undefined ? undefined : Number(threshold),
      signal,
      onNote: reporter.say,
      onWarning: reporter.warn,
      onProgress: encodingProgress(reporter),
    });
  },
  summary({ splits, groups, largestGroup, nearDuplicates, files }) {
    const counts = Object.entries(splits).map(([split, count]) => `${split} ${count}`);
    const lines = [`${counts.join(', ')}: ${groups} groups, the largest of ${largestGroup}`];
    if (nearDuplicates?.length === 0) lines.push('no image held out is a near-duplicate of a training image');
    return [...lines, ...files].join('\n');
  },
});
