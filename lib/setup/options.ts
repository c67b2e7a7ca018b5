/** Options of `setup`: which LibTorch to take. */
import { z } from 'zod';

export type { SetupOptions } from '../option-types.js';

export const setupOptionsSchema = z.strictObject({
  libtorch: z.string().optional().describe('folder of the LibTorch to use (holds include/ and lib/)'),
  indexUrl: z.string().optional().describe("pip's index to get LibTorch from, e.g. one with CPU builds only"),
  from: z.string().optional().describe('a torch wheel or libtorch zip to use instead of a download'),
  yes: z.boolean().default(false).describe('download without asking'),
  force: z.boolean().default(false).describe('compile even if nothing changed'),
});
