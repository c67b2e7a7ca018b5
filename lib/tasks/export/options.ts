/** Options of `export`: which model, and what becomes of it. */
import { z } from 'zod';
import { modelOptions } from '../../options.js';

export type { ExportOptions } from '../../option-types.js';

export const exportOptionsSchema = z.strictObject({
  model: z
    .string()
    .min(1)
    .describe('the model: mobile-sam, facebook/sam-vit-base, weights, a run folder or a checkpoint'),
  to: z
    .enum(['torchscript', 'hf'])
    .default('torchscript')
    .describe('torchscript: the image encoder as one file; hf: the whole model, for transformers'),
  part: z.enum(['encoder']).optional().describe('part of the model that `to` torchscript writes'),
  out: z
    .string()
    .optional()
    .describe('the file (<model>-encoder.pt if not given) or, with hf, the folder (<model>-hf)'),
  encoder: modelOptions.encoder,
  cacheDir: modelOptions.cacheDir,
});
