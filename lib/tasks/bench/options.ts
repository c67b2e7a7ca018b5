/** Options of `bench`: which encoders are timed, and where. */
import { z } from 'zod';
import { VITS } from '../../models/encoders.js';
import { listOf, modelOptions } from '../../options.js';

export type { BenchOptions } from '../../option-types.js';

const { device, precision, threads, cacheDir } = modelOptions;
const SIZES = VITS.map(({ size }) => size);

export const benchOptionsSchema = z.strictObject({
  models: listOf(z.string(), 'expected names of models')
    .refine((models) => models.length > 0, 'expected names of models')
    .optional()
    .describe(
      'models whose encoders are timed, with commas, as `model` takes them (random weights of `sizes` if not given)',
    ),
  sizes: listOf(z.enum(SIZES), `expected some of ${SIZES}`)
    .refine((sizes) => sizes.length > 0, `expected some of ${SIZES}`)
    .transform((sizes) => SIZES.filter((size) => sizes.includes(size)))
    .default([...SIZES])
    .describe("sizes of SAM's encoder to time with random weights, with commas"),
  device,
  precision: precision.describe('type of encoder and decoder; auto times encoders in fp32 and in what it chooses'),
  threads,
  cacheDir,
  quick: z.boolean().default(false).describe('measure once, to see that it works; the figures mean little'),
  out: z.string().min(1).optional().describe('write the tables to this file (Markdown) too'),
});

/** Options of `bench`, checked and with defaults filled in. */
export type ResolvedBenchOptions = z.output<typeof benchOptionsSchema>;
