/** `sam-native split`: makes training, validation and test splits that do not leak. */
import { splitDataOptionsSchema } from '../tasks/split/options.js';
import type { SplitDataResult } from '../tasks/split/split.js';
import { command } from './command.js';
import { encodingProgress } from './encoding-progress.js';

export default command({
  options: splitDataOptionsSchema.shape,
  epilogue:
    'Examples:\n' +
    "  sam-native split --data photos --group-by '^(.*)_[ab]$'\n" +
    '  sam-native split --data flight --group-by-similarity --train 0.8 --validation 0.2 --test 0 --out flight.csv\n' +
    '  sam-native train --data flight.csv\n\n' +
    'Groups are never cut. Without --group-by the samples of one image are a group.',
  async run({ given, reporter, hooks }): Promise<SplitDataResult> {
    const { splitData } = await import('../tasks/split/split.js');
    const onProgress = encodingProgress(reporter);
    return splitData(given, { ...hooks, onProgress });
  },
  summary({ splits, groups, largestGroup, nearDuplicates, files }) {
    const counts = Object.entries(splits).map(([split, count]) => `${split} ${count}`);
    const lines = [`${counts.join(', ')}: ${groups} groups, the largest of ${largestGroup}`];
    if (nearDuplicates?.length === 0) lines.push('no image held out is a near-duplicate of a training image');
    return [...lines, ...files].join('\n');
  },
});
