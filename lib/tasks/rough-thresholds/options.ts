/** Options of `prompts --tune`: labelled images, and what their rough masks are made of. */
import { z } from 'zod';
import { dataOptions, modelOptions, promptOptions, sourceOptions } from '../../options.js';

export type { FitRoughMaskOptions } from '../../option-types.js';

const { limit, skipBad } = dataOptions;

export const fitRoughMaskOptionsSchema = z.strictObject({
  ...sourceOptions,
  split: z.string().default('train').describe('the split of `data`: a training split, never what is evaluated on'),
  limit,
  skipBad,
  out: z.string().default('rough-mask.yaml').describe('the config to write, YAML'),
  cacheDir: modelOptions.cacheDir,
  ...promptOptions,
});
