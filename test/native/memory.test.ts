/** What a reader fears most: that memory grows with every step, every failure, every handle. */
import { beforeAll, describe, expect, it } from 'vitest';
import { prepareAddon, runChild } from './support.js';

beforeAll(prepareAddon);

interface Memory {
  /** Resident MiB once caches and pools have filled, and at the end. */
  before: number;
  after: number;
  /** Handles alive after all were disposed. */
  leftOver: number;
}

async function measure(kind: string, rounds: number, settled: number): Promise<Memory> {
  const options = { flags: ['--expose-gc'], patienceMs: 400_000 };
  const end = await runChild('memory.mjs', [kind, String(rounds), String(settled)], options);
  expect(end).toMatchObject({ status: 0, signal: null, hung: false, stderr: '' });
  return JSON.parse(end.stdout) as Memory;
}

describe('memory is flat', () => {
  it.each([
    // A step's tensors take 100 MiB and more: keeping one in a hundred of them would show.
    ['over 500 steps', 'steps', 500, 100, 48],
    ['over 200 rounds of failing calls', 'failures', 200, 50, 32],
    // Each round makes 30 MiB of native memory.
    ['over 200 rounds of handles made and disposed', 'handles', 200, 50, 64],
  ])(
    '%s',
    async (_what, kind, rounds, settled, bound) => {
      const { before, after, leftOver } = await measure(kind, rounds, settled);
      expect(after - before).toBeLessThan(bound);
      expect(leftOver).toBe(0);
    },
    420_000,
  );
});

describe('memory goes back to the system', () => {
  async function dispose(kind: string): Promise<{ before: number; during: number; after: number }> {
    const end = await runChild('dispose.mjs', [kind], { flags: ['--expose-gc'] });
    expect(end).toMatchObject({ status: 0, signal: null, hung: false, stderr: '' });
    return JSON.parse(end.stdout) as { before: number; during: number; after: number };
  }

  it.each([
    ['when model, trainer and encoder are disposed of', 'work'],
    ['some seconds after it was last needed', 'peak'],
  ])('%s', async (_what, kind) => {
    const { before, during, after } = await dispose(kind);
    expect(during - before).toBeGreaterThan(150);
    expect(after - before).toBeLessThan((during - before) / 4);
  });
});
