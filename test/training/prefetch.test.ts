import { describe, expect, test } from 'vitest';
import { prefetched } from '../../lib/training/prefetch.js';

function recorder() {
  const log: string[] = [];
  const prepare = async (n: number) => {
    log.push(`prepare ${n}`);
    await new Promise((resolve) => setImmediate(resolve));
    if (n < 0) throw new Error(`cannot prepare ${n}`);
    return { n, dispose: () => void log.push(`dispose ${n}`) };
  };
  return { log, prepare };
}

describe('prefetched', () => {
  test('prepares one ahead and disposes each after its turn', async () => {
    const { log, prepare } = recorder();
    for await (const { n } of prefetched([1, 2, 3], prepare)) log.push(`use ${n}`);
    expect(log).toEqual([
      ...['prepare 1', 'prepare 2', 'use 1', 'dispose 1'],
      ...['prepare 3', 'use 2', 'dispose 2', 'use 3', 'dispose 3'],
    ]);
  });

  test('disposes what was prepared when the user fails or leaves', async () => {
    const { log, prepare } = recorder();
    const use = async () => {
      for await (const _ of prefetched([1, 2, 3], prepare)) throw new Error('mine');
    };
    await expect(use()).rejects.toThrow('mine');
    expect(log).toEqual(['prepare 1', 'prepare 2', 'dispose 1', 'dispose 2']);
  });

  test('a failure to prepare comes at its turn, after the one before was used', async () => {
    const { log, prepare } = recorder();
    const use = async () => {
      for await (const { n } of prefetched([1, -2, 3], prepare)) log.push(`use ${n}`);
    };
    await expect(use()).rejects.toThrow('cannot prepare -2');
    expect(log).toEqual(['prepare 1', 'prepare -2', 'use 1', 'dispose 1']);
  });

  test('nothing at all', async () => {
    for await (const _ of prefetched([], recorder().prepare)) throw new Error('unreachable');
  });
});
