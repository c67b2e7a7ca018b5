/** Options of `embed`: which data set, and which encoder. */
import { z } from 'zod';
import { dataOptions, modelOptions, optimiserOptions, promptOptions, sourceOptions } from '../options.js';

export type { EmbedImagesOptions } from '../option-types.js';

const { trainSplit, validationSplit, limit, skipBad } = dataOptions;

export const embedImagesOptionsSchema = z.strictObject({
  ...sourceOptions,
  split: z.string().optional().describe('only this split (train and validation if not given)'),
  trainSplit,
  validationSplit,
  limit,
  skipBad,
  ...modelOptions,
  imageSize: promptOptions.imageSize,
  augment: optimiserOptions.augment.describe('encode the views of the training split that train `augment` asks for'),
  export: z
    .string()
    .optional()
    .describe('write the embeddings to this safetensors file: fp32, 256x64x64, one tensor for each image'),
});

/** Options of `embed`, checked and with defaults filled in. */
export type ResolvedEmbedImagesOptions = z.output<typeof embedImagesOptionsSchema>;
