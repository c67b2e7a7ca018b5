/** `sam-native init`: looks at a data set, and writes a commented config for it. */
import { amount } from '../core/words.js';
import type { InitResult } from '../tasks/init/init.js';
import { initOptionsSchema } from '../tasks/init/options.js';
import { command } from './command.js';

export default command({
  options: initOptionsSchema.shape,
  epilogue:
    'Examples:\n' +
    '  sam-native init --data photos\n' +
    '  sam-native init --data sample:rivers --out rivers.yaml\n' +
    '  sam-native train --config sam-native.yaml\n\n' +
    'The config sets what the data asks for, with a reason each, and has every other option of train as a comment with its default.\n' +
    'Editors that know YAML complete it. Every label is looked at, as train does; what may not be as it was meant stands on top.',
  async run({ given, hooks }): Promise<InitResult> {
    const { initConfig } = await import('../tasks/init/init.js');
    return initConfig(given, hooks);
  },
  summary: ({ config, options, found }) => {
    const set = Object.entries(options).map(([name, value]) => `${name} ${value}`);
    const { train, validation, doubts } = found;
    const look = doubts.length === 0 ? '' : `; look at the ${doubts.length === 1 ? 'warning' : 'warnings'} first`;
    return `${amount(train.samples, 'sample')} to train on, ${validation.samples} to validate: ${set.join(', ')}\n${config}${look}`;
  },
});
