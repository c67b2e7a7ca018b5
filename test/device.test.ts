import { describe, expect, test } from 'vitest';
import type { RuntimeInfo } from '../binding.js';
import { resolveDevice } from '../lib/device.js';

function machine(capabilities: string[], fastBf16 = false) {
  const probes: boolean[] = [];
  const devices = capabilities.map((capability, i) => ({ name: `GPU ${i}`, memoryBytes: 1, capability }));
  const cuda = { library: devices.length > 0, available: devices.length > 0, devices };
  const info = ({ probeCuda }: { probeCuda: boolean }): RuntimeInfo => {
    probes.push(probeCuda);
    return { compiledFor: '2.13.0', torch: '2.13', fastBf16, threads: 2, liveHandles: 0, cuda };
  };
  return { probes, info };
}

describe('resolveDevice', () => {
  test('auto takes the GPU where there is one, else the CPU', () => {
    expect(resolveDevice('auto', 'auto', machine([]).info)).toMatchObject({ device: 'cpu', precision: 'fp32' });
    expect(resolveDevice('auto', 'auto', machine([], true).info)).toMatchObject({ device: 'cpu', precision: 'bf16' });
    expect(resolveDevice('auto', 'auto', machine(['7.5']).info)).toMatchObject({ device: 'cuda:0', precision: 'fp16' });
    const two = machine(['7.5', '9.0']);
    expect(resolveDevice('cuda:1', 'auto', two.info)).toMatchObject({ precision: 'bf16', name: 'GPU 1' });
  });

  test('embeddings are fp32 on disk only where fp32 was asked for by name', () => {
    const { info } = machine([]);
    expect(resolveDevice('cpu', 'auto', info).cachePrecision).toBe('fp16');
    expect(resolveDevice('cpu', 'fp32', info).cachePrecision).toBe('fp32');
  });

  test('refuses a GPU that is not there, and asks nothing of CUDA for the CPU', () => {
    const refused = (device: string, capabilities: string[]) => () =>
      resolveDevice(device, 'auto', machine(capabilities).info);
    expect(refused('cuda', [])).toThrow(expect.objectContaining({ code: 'SAM_NO_CUDA', exitCode: 2 }));
    expect(refused('cuda:2', ['8.0'])).toThrow('only 1 found');
    const { probes, info } = machine(['8.0']);
    resolveDevice('cpu', 'auto', info);
    expect(probes).toEqual([false]);
  });
});
