/** Options of `push`: which run, where to, and who may see it. */
import { z } from 'zod';
import { modelOptions } from '../../options.js';

export type { PushOptions } from '../../option-types.js';

export const pushOptionsSchema = z.strictObject({
  run: z.string().min(1).describe('the run folder that train wrote; its best checkpoint is what goes out'),
  to: z
    .string()
    .min(1)
    .describe('repository on the Hugging Face Hub: owner/name, or owner/name@branch; made where it is not there'),
  public: z
    .boolean()
    .default(false)
    .describe('let everybody see the repository (only you and those you invite if not given)'),
  message: z.string().min(1).optional().describe("first line of the commit (names the run's data if not given)"),
  license: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.+-]*$/, 'expected a name of the Hub such as apache-2.0, mit or cc-by-4.0')
    .optional()
    .describe("licence that the model card states (apache-2.0, SAM's own, for what was tuned from it; else unknown)"),
  dryRun: z.boolean().default(false).describe('write the folder that would be uploaded, and upload nothing'),
  out: z
    .string()
    .optional()
    .describe('keep the folder that is uploaded here (<run>-hub with `dryRun`, nowhere else if not given)'),
  cacheDir: modelOptions.cacheDir,
});
