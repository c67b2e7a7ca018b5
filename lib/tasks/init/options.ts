/** Options of `init`: which data set is looked at, and where the config goes. */
import { z } from 'zod';
import { dataOptions, modelOptions } from '../../options.js';

export type { InitOptions } from '../../option-types.js';

export const initOptionsSchema = z.strictObject({
  out: z
    .string()
    .regex(/\.ya?ml$/i, 'expected a name that ends in .yaml')
    .default('sam-native.yaml')
    .describe('the config to write, YAML'),
  overwrite: z.boolean().default(false).describe('replace the file'),
  ...dataOptions,
  data: dataOptions.data
    .optional()
    .describe(
      'the data set, as for train (if not given, the folder SRC/<split>/{images,masks} that the command runs in, or the only one in it)',
    ),
  model: modelOptions.model,
  cacheDir: modelOptions.cacheDir,
});

/** Options of `init`, checked and with defaults filled in. */
export type ResolvedInitOptions = z.output<typeof initOptionsSchema>;
