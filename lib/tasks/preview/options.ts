/** Options of `prompts`: which images, and what their prompts are drawn from. */
import { z } from 'zod';
import { dataOptions, modelOptions, promptOptions, sourceOptions } from '../../options.js';

export type { PreviewOptions } from '../../option-types.js';

const { limit, skipBad, onEmpty } = dataOptions;

export const previewOptionsSchema = z.strictObject({
  inputs: z.array(z.string()).optional().describe('images, or folders of images'),
  ...sourceOptions,
  data: sourceOptions.data.optional().describe('a data set instead of images, as for train'),
  split: z.string().default('train').describe('the split of `data`'),
  limit,
  skipBad,
  onEmpty,
  out: z.string().default('prompts').describe('folder for the pictures, <name>.png each'),
  cacheDir: modelOptions.cacheDir,
  ...promptOptions,
});

/** Options of `prompts`, checked and with defaults filled in. */
export type ResolvedPreviewOptions = z.output<typeof previewOptionsSchema>;
