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
import type { NativeBinding, RuntimeInfo } from '../binding.js';
import { native } from './addon/native.js';

export type * from '../binding.js';
export { native };

/**
 * Tells what the addon runs with: LibTorch, threads, devices.
 *
 * @throws SamError `SAM_NO_ADDON`: it isn't built, or doesn't fit.
 */
export function info(...options: Parameters<NativeBinding['info']>): RuntimeInfo {
  return native().info(...options);
}
