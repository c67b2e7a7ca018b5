import { describe, expect, test } from 'vitest';
import type { RuntimeInfo } from '../binding.js';
import { noGpuReason, resolveDevice } from '../lib/device.js';

type Gpu = RuntimeInfo['cuda']['devices'][number];

/** A machine that answers as told, and remembers whether it was asked for CUDA and what was said to the user. */
function machine(cuda: Partial<RuntimeInfo['cuda']>, fastBf16 = false) {
  const probes: (boolean | number)[] = [];
  const notes: string[] = [];
  const info = ({ probeCuda }: { probeCuda: boolean | number }): RuntimeInfo => {
    probes.push(probeCuda);
    const none = { library: false, available: false, devices: [] };
    const found: RuntimeInfo['cuda'] = probeCuda === false ? none : { ...none, ...cuda };
    // A GPU's problem shows only when it is tried.
    const shown = ({ problem, ...gpu }: Gpu, i: number) =>
      i === probeCuda && problem !== undefined ? { ...gpu, problem } : gpu;
    found.devices = found.devices.map(shown);
    return { compiledFor: '2.13.0', torch: '2.13', fastBf16, threads: 2, liveHandles: 0, cuda: found };
  };
  return { probes, notes, info, onNote: (line: string) => void notes.push(line) };
}

const gpusOf = (...capabilities: string[]) =>
  capabilities.map((capability, i) => ({ name: `GPU ${i}`, memoryBytes: 1, capability }));
const withGpus = (...capabilities: string[]) =>
  machine({ library: true, available: true, devices: gpusOf(...capabilities) });

const CPU_BUILD = {};
const NO_DEVICE = { library: true };
const UNUSABLE = { library: true, devices: gpusOf('5.0') };
const NO_LIBRARY = { devices: gpusOf('8.0') };

describe('resolveDevice', () => {
  test('auto takes the GPU where there is one, else the CPU', () => {
    expect(resolveDevice('auto', 'auto', machine({}))).toMatchObject({ device: 'cpu', precision: 'fp32' });
    expect(resolveDevice('auto', 'auto', machine({}, true))).toMatchObject({ device: 'cpu', precision: 'bf16' });
    expect(resolveDevice('auto', 'auto', withGpus('7.5'))).toMatchObject({ device: 'cuda:0', precision: 'fp16' });
    const second = resolveDevice('cuda:1', 'auto', withGpus('7.5', '9.0'));
    expect(second).toMatchObject({ precision: 'bf16', name: 'GPU 1' });
  });

  test('embeddings are fp32 on disk only where fp32 was asked for by name', () => {
    expect(resolveDevice('cpu', 'auto', machine({})).cachePrecision).toBe('fp16');
    expect(resolveDevice('cpu', 'fp32', machine({})).cachePrecision).toBe('fp32');
  });

  test('auto says why it takes the CPU, where there are CUDA libraries or a GPU', () => {
    const said = (cuda: Partial<RuntimeInfo['cuda']>, device = 'auto') => {
      const { notes, ...hooks } = machine(cuda);
      expect(resolveDevice(device, 'fp32', hooks).device).toBe('cpu');
      return notes;
    };
    expect(said(NO_DEVICE)).toEqual(['CUDA libraries found, no device; computing on the CPU']);
    expect(said(UNUSABLE)).toEqual([expect.stringMatching(/cannot use GPU 0: .*computing on the CPU$/)]);
    expect(said(NO_LIBRARY)).toEqual([expect.stringMatching(/^GPU 0 is here, but .*computing on the CPU$/)]);
    expect(said(CPU_BUILD)).toEqual([]);
    expect(said(NO_DEVICE, 'cpu')).toEqual([]);
    const { notes, ...hooks } = withGpus('8.0');
    resolveDevice('auto', 'fp32', hooks);
    expect(notes).toEqual([]);
  });

  test('auto says which precision it chose, and why', () => {
    const chosen = (hooks: ReturnType<typeof machine>) => {
      const { precision, precisionReason } = resolveDevice('auto', 'auto', hooks);
      return [precision, precisionReason];
    };
    expect(chosen(machine({}))).toEqual(['fp32', 'this processor has no bf16 arithmetic']);
    expect(chosen(machine({}, true))).toEqual(['bf16', 'this processor multiplies it in hardware']);
    expect(chosen(withGpus('7.5'))).toEqual(['fp16', 'GPU 0 has no bf16; with a loss scaler']);
    expect(chosen(withGpus('9.0'))).toEqual(['bf16', 'the tensor cores of GPU 0 multiply it']);
    expect(resolveDevice('auto', 'fp32', machine({}, true)).precisionReason).toBeUndefined();
  });

  test('bf16 asked for by name where nothing multiplies it is warned of, once', () => {
    const warned = (
      device: string,
      precision: 'auto' | 'fp32' | 'bf16' | 'fp16',
      hooks: ReturnType<typeof machine>,
    ) => {
      const warnings: string[] = [];
      expect(resolveDevice(device, precision, { ...hooks, onWarning: (line) => warnings.push(line) }).device).toBe(
        device,
      );
      return warnings;
    };
    const slow = [
      '`precision` bf16 is slow on this processor: it has no bf16 arithmetic, about 20 times slower than fp32; leave it at auto',
    ];
    expect(warned('cpu', 'bf16', machine({}))).toEqual(slow);
    expect(warned('cpu', 'bf16', machine({}, true))).toEqual([]);
    for (const precision of ['auto', 'fp32', 'fp16'] as const)
      expect(warned('cpu', precision, machine({}))).toEqual([]);
    expect(warned('cuda:0', 'bf16', withGpus('7.5'))).toEqual([
      '`precision` bf16 is slow on GPU 0: it has no bf16 arithmetic; leave it at auto',
    ]);
    expect(resolveDevice('auto', 'bf16', withGpus('7.5')).precision).toBe('bf16');
    expect(warned('cuda:0', 'bf16', withGpus('8.0'))).toEqual([]);
    expect(warned('cuda:0', 'auto', withGpus('7.5'))).toEqual([]);
  });

  test('a GPU that is not there is refused with the reason', () => {
    const refused = (device: string, cuda: Partial<RuntimeInfo['cuda']>) => () =>
      resolveDevice(device, 'auto', machine(cuda));
    expect(refused('cuda', NO_DEVICE)).toThrow(
      expect.objectContaining({
        code: 'SAM_NO_CUDA',
        exitCode: 2,
        message: '`device` cuda: no usable GPU: CUDA libraries found, no device',
      }),
    );
    for (const cuda of [CPU_BUILD, UNUSABLE, NO_LIBRARY]) {
      const reason = noGpuReason({ library: false, available: false, devices: [], ...cuda });
      expect(refused('cuda:0', cuda)).toThrow(`\`device\` cuda:0: no usable GPU: ${reason}`);
    }
    expect(() => resolveDevice('cuda:2', 'auto', withGpus('8.0'))).toThrow('cuda:2: this machine has one GPU');
    expect(() => resolveDevice('cuda:2', 'auto', withGpus('8.0', '8.0'))).toThrow('this machine has 2 GPUs');
  });

  const NO_KERNEL = 'CUDA error: no kernel image is available for execution on the device';
  const broken = (...which: number[]) => {
    const devices: Gpu[] = gpusOf('6.0', '8.0').map((gpu, i) =>
      which.includes(i) ? { ...gpu, problem: NO_KERNEL } : gpu,
    );
    return machine({ library: true, available: true, devices });
  };

  test('auto takes the first GPU that computes, and says why it passed one over', () => {
    const { notes, ...first } = broken(0);
    expect(resolveDevice('auto', 'auto', first)).toMatchObject({ device: 'cuda:1', precision: 'bf16', name: 'GPU 1' });
    expect(notes).toEqual([`GPU 0 cannot be used: ${NO_KERNEL}; computing on GPU 1`]);
    const { notes: both, ...none } = broken(0, 1);
    expect(resolveDevice('auto', 'auto', none).device).toBe('cpu');
    expect(both).toEqual([
      `GPU 0 cannot be used: ${NO_KERNEL}; GPU 1 cannot be used: ${NO_KERNEL}; computing on the CPU`,
    ]);
  });

  test('a GPU that does not compute is refused in CUDA’s words, and no other is touched', () => {
    const { probes, ...hooks } = broken(0);
    expect(() => resolveDevice('cuda', 'auto', hooks)).toThrow(
      expect.objectContaining({ code: 'SAM_NO_CUDA', message: `\`device\` cuda: GPU 0 cannot be used: ${NO_KERNEL}` }),
    );
    expect(probes).toEqual([true, 0]);
    expect(resolveDevice('cuda:1', 'auto', hooks).device).toBe('cuda:1');
    expect(probes).toEqual([true, 0, true, 1]);
  });

  test('asks nothing of CUDA for the CPU', () => {
    const { probes, ...hooks } = withGpus('8.0');
    resolveDevice('cpu', 'auto', hooks);
    expect(probes).toEqual([false]);
  });
});
