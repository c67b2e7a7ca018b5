/**
 * The sub-path `sam-native/binding`: the native addon itself, as `binding.d.ts` declares it. Importing it loads nothing; the first call
 * of {@link native} or {@link info} loads the addon, and LibTorch with it.
 *
 * ```ts
 * import { info, native } from 'sam-native/binding';
 *
 * const { torch, cuda } = info({ probeCuda: true });
 * const weights = await native().inspectWeights({ path: 'sam_vit_b_01ec64.pth' });
 * ```
 */
import { z } from 'zod';
import type { NativeBinding, RuntimeInfo } from '../binding.js';
import { native } from './addon/native.js';
import { parseOptions } from './core/parse-options.js';

export type * from '../binding.js';
export { native };

const infoSchema = z.strictObject({
  probeCuda: z
    .union([z.boolean(), z.number().int().min(0)], "expected true or false, or a GPU's number from 0 on")
    .default(false),
});

/**
 * Tells what the addon runs with: LibTorch, threads, devices.
 *
 * @param options.probeCuda Whether to look for GPUs too; the number of one: whether it computes, too.
 * @throws SamError `SAM_NO_ADDON`: it isn't built, or doesn't fit; `SAM_BAD_OPTION`: options.
 */
export function info(options: NonNullable<Parameters<NativeBinding['info']>[0]> = {}): RuntimeInfo {
  return native().info(parseOptions(infoSchema, options));
}
