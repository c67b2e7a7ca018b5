/** Turns `--device auto` and `--precision auto` into what this machine really has. */
import type { Precision, RuntimeInfo } from '../binding.js';
import { SamError } from './errors.js';
import { native } from './native.js';

export interface Compute {
  /** `cpu` or `cuda:N`. */
  device: string;
  /** Type of the encoder and of the decoder's autocast; weights and losses stay fp32. */
  precision: Precision;
  /** Type of embeddings on disk: fp32 only where it was asked for by name. */
  cachePrecision: 'fp16' | 'fp32';
  /** The device's own name, for people. */
  name: string;
}

/** The first CUDA capability whose tensor cores multiply bf16 (Ampere). */
const BF16_CAPABILITY = 8;

/**
 * Throws `SAM_NO_CUDA` when a GPU is asked for that isn't there. `cpu` never loads LibTorch's CUDA library.
 * @param device `auto`, `cpu`, `cuda` or `cuda:N`
 */
export function resolveDevice(
  device: string,
  precision: Precision | 'auto',
  info: (options: { probeCuda: boolean }) => RuntimeInfo = (options) => native().info(options),
): Compute {
  const found = info({ probeCuda: device !== 'cpu' });
  const cachePrecision = precision === 'fp32' ? 'fp32' : 'fp16';
  if (device === 'cpu' || (device === 'auto' && !found.cuda.available)) {
    const chosen = precision !== 'auto' ? precision : found.fastBf16 ? 'bf16' : 'fp32';
    return { device: 'cpu', precision: chosen, cachePrecision, name: 'CPU' };
  }
  const index = Number(device.split(':')[1] ?? 0);
  const gpu = found.cuda.devices[index];
  if (!found.cuda.available || gpu === undefined) {
    const count = found.cuda.available ? found.cuda.devices.length : 0;
    throw new SamError(
      'SAM_NO_CUDA',
      `--device ${device}: ${count === 0 ? 'no usable GPU' : `only ${count} found`} here`,
      {
        fix: 'use --device cpu; npx sam-native doctor says what is missing for a GPU',
      },
    );
  }
  const automatic = Number(gpu.capability.split('.')[0]) >= BF16_CAPABILITY ? 'bf16' : 'fp16';
  return {
    device: `cuda:${index}`,
    precision: precision === 'auto' ? automatic : precision,
    cachePrecision,
    name: gpu.name,
  };
}
