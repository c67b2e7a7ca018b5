/** Where to compute: turns `--device auto` and `--precision auto` into what this machine really has. */

import { z } from 'zod';
import type { Precision, RuntimeInfo } from '../binding.js';
import { native } from './addon/native.js';
import { SamError } from './core/errors.js';
import type { Hooks } from './core/hooks.js';
import { checkHooks, listener, parseOptions } from './core/parse-options.js';
import { modelOptions } from './options.js';

/** Where a process computes, and in which precision. */
export interface Compute {
  /** Device: `cpu` or `cuda:N`. */
  device: string;
  /** Type of the encoder and of the decoder's autocast; weights and losses stay fp32. */
  precision: Precision;
  /** Reason why `--precision auto` chose it; undefined where it was asked for by name. */
  precisionReason?: string | undefined;
  /** Type of embeddings on disk: fp32 only where it was asked for by name. */
  cachePrecision: 'fp16' | 'fp32';
  /** Name of the device itself, for people. */
  name: string;
}

/** Where to compute, as a caller says; the default of each is what this machine does best. */
export interface ComputeOptions {
  /** Device: `auto`, `cpu`, `cuda` or `cuda:N`. */
  device?: string;
  precision?: Precision | 'auto';
  /** Number of CPU threads; as many as before by default, at first all cores. */
  threads?: number | undefined;
}

/**
 * Hooks of {@link resolveDevice}. `onNote` is told why `auto` takes the CPU, or another GPU than the first, where CUDA libraries or a GPU
 * let one expect it; `onWarning` that bf16 was asked for where nothing multiplies it.
 */
export interface DeviceHooks extends Pick<Hooks, 'onNote' | 'onWarning'> {
  /** Stands in for what the addon says of this machine, in tests. */
  info?: (options: { probeCuda: boolean | number }) => RuntimeInfo;
}

/**
 * Sets the CPU threads of all that this process computes, and resolves device and precision.
 *
 * @throws SamError `SAM_NO_CUDA`: a GPU is asked for that isn't there.
 */
export function computeOn(
  { device = 'auto', precision = 'auto', threads }: ComputeOptions,
  hooks: DeviceHooks = {},
): Compute {
  if (threads !== undefined) native().setThreads(threads);
  return resolve(device, precision, hooks);
}

/** Says why LibTorch cannot compute on a GPU here. */
export function noGpuReason({ library, devices }: RuntimeInfo['cuda']): string {
  const [gpu] = devices;
  if (library && gpu === undefined) return 'CUDA libraries found, no device';
  if (library) {
    // LibTorch looks for its CUDA half once, and computing on the CPU makes it look.
    const causes = 'its driver is too old for them, or this process computed on the CPU before it asked for a GPU';
    return `CUDA libraries found, but they cannot use ${gpu!.name}: ${causes}`;
  }
  if (gpu === undefined) return 'this LibTorch is a CPU build, or its CUDA library does not load';
  return `${gpu.name} is here, but this LibTorch has no CUDA library that loads`;
}

/** First CUDA capability whose tensor cores multiply bf16 (Ampere). */
const BF16_CAPABILITY = 8;

/**
 * Resolves device and precision to what this machine has. `cpu` never loads LibTorch's CUDA library.
 *
 * @param device `auto`, `cpu`, `cuda` or `cuda:N`.
 * @throws SamError `SAM_NO_CUDA`: a GPU is asked for that isn't there.
 */
export function resolveDevice(device: string, precision: Precision | 'auto', hooks: DeviceHooks = {}): Compute {
  const asked = parseOptions(resolveSchema, { device, precision });
  checkHooks(hooks, { info: listener<never>().optional() });
  return resolve(asked.device, asked.precision, hooks);
}

const resolveSchema = z.strictObject({ device: modelOptions.device, precision: modelOptions.precision });

function resolve(
  device: string,
  precision: Precision | 'auto',
  { onNote, onWarning, info = (options) => native().info(options) }: DeviceHooks,
): Compute {
  const { cuda, fastBf16 } = info({ probeCuda: device !== 'cpu' });
  const cachePrecision = precision === 'fp32' ? 'fp32' : 'fp16';
  const { index, problems } = device === 'cpu' ? { problems: [] } : chooseGpu(device, cuda, info);
  if (index === undefined && device !== 'cpu' && device !== 'auto') {
    throw new SamError('SAM_NO_CUDA', `\`device\` ${device}: ${problems.join('; ')}`, {
      fix: 'use `device` cpu; npx sam-native doctor says what is missing for a GPU',
    });
  }
  const gpu = index === undefined ? undefined : cuda.devices[index]!;
  if (problems.length > 0) onNote?.(`${problems.join('; ')}; computing on ${gpu?.name ?? 'the CPU'}`);
  if (gpu === undefined) {
    const automatic: Automatic = fastBf16
      ? { precision: 'bf16', precisionReason: 'this processor multiplies it in hardware' }
      : { precision: 'fp32', precisionReason: 'this processor has no bf16 arithmetic' };
    if (precision === 'bf16' && !fastBf16) onWarning?.(slowBf16('this processor', ', about 20 times slower than fp32'));
    return { device: 'cpu', ...choose(precision, automatic), cachePrecision, name: 'CPU' };
  }
  const hasBf16 = Number(gpu.capability.split('.')[0]) >= BF16_CAPABILITY;
  if (precision === 'bf16' && !hasBf16) onWarning?.(slowBf16(gpu.name, ''));
  const automatic: Automatic = hasBf16
    ? { precision: 'bf16', precisionReason: `the tensor cores of ${gpu.name} multiply it` }
    : { precision: 'fp16', precisionReason: `${gpu.name} has no bf16; with a loss scaler` };
  return { device: `cuda:${index}`, ...choose(precision, automatic), cachePrecision, name: gpu.name };
}

/**
 * Chooses a GPU that computes: the one asked for, or for `auto` the first. Each is tried with a first kernel, and no other is touched:
 * that takes memory of it. `problems` say why those before it, or all, cannot be used.
 */
function chooseGpu(
  device: string,
  cuda: RuntimeInfo['cuda'],
  info: NonNullable<DeviceHooks['info']>,
): { index?: number; problems: string[] } {
  const auto = device === 'auto';
  const { available, devices, library } = cuda;
  if (!available) {
    const silent = auto && !library && devices.length === 0;
    return { problems: silent ? [] : [`${auto ? '' : 'no usable GPU: '}${noGpuReason(cuda)}`] };
  }
  const asked = auto ? devices.keys() : [Number(device.split(':')[1] ?? 0)];
  const problems: string[] = [];
  for (const index of asked) {
    if (devices[index] === undefined) {
      const count = devices.length === 1 ? 'one GPU' : `${devices.length} GPUs`;
      return { problems: [`this machine has ${count}`] };
    }
    const { problem, name } = info({ probeCuda: index }).cuda.devices[index]!;
    if (problem === undefined) return { index, problems };
    problems.push(`${name} cannot be used: ${problem}`);
  }
  return { problems };
}

/** Says what becomes of bf16 where it is worked out in fp32, number by number. */
function slowBf16(where: string, measured: string): string {
  return `\`precision\` bf16 is slow on ${where}: it has no bf16 arithmetic${measured}; leave it at auto`;
}

interface Automatic {
  precision: Precision;
  precisionReason: string;
}

function choose(asked: Precision | 'auto', automatic: Automatic): Pick<Compute, 'precision' | 'precisionReason'> {
  return asked === 'auto' ? automatic : { precision: asked };
}
