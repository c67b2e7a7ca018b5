/**
 * What a reader fears most: that a process crashes, hangs or lies in its exit code when it ends while native work is in
 * flight. Every way to end is tried at several moments, each in a process of its own.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChildSignal, prepareAddon, runChild } from './support.js';

/** For the children's embedding caches. */
const folder = mkdtempSync(join(tmpdir(), 'sam-exit-'));

beforeAll(prepareAddon);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (way: string, delay: number, signal?: ChildSignal) =>
  runChild('exit.mjs', [way, String(delay), folder], signal && { signal });

/** At once, within the first tasks, and between later ones. */
const MOMENTS_MS = [0, 15, 60, 230];
/** Every moment, and some of them again: what goes wrong at an exit does so by chance. */
const TRIES = [...MOMENTS_MS, 15];

describe.each([
  ['its natural end waits for the work', 'natural', 0, 'working\ndone\n'],
  ['process.exit gives its code', 'exit', 7, 'working\n'],
  ['an uncaught error gives 1', 'throw', 1, 'working\n'],
  ['an unhandled rejection gives 1', 'reject', 1, 'working\n'],
])('a process that ends with work in flight: %s', (_what, way, status, stdout) => {
  it.each(TRIES)('after %i ms', async (delay) => {
    const end = await run(way, delay);
    expect(end).toMatchObject({ status, signal: null, hung: false, stdout });
    if (way === 'throw' || way === 'reject') expect(end.stderr).toContain('on purpose');
    else expect(end.stderr).toBe('');
  });
});

describe('a process that is interrupted with work in flight', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('%s ends it by default', async (name) => {
    for (const afterMs of MOMENTS_MS) {
      const end = await run('signal', 0, { name, afterMs });
      expect(end).toMatchObject({ status: null, signal: name, hung: false, stderr: '' });
    }
  });

  it('a handler decides on the exit code', async () => {
    for (const afterMs of MOMENTS_MS) {
      const end = await run('signal-handled', 0, { name: 'SIGINT', afterMs });
      expect(end).toMatchObject({ status: 130, signal: null, hung: false, stderr: '' });
    }
  });
});

describe('worker threads with work in flight', () => {
  it.each([
    ['are terminated', 'terminate'],
    ['call process.exit', 'exit'],
  ])('%s: nothing stays behind, and the addon works on in the main thread', async (_what, way) => {
    const end = await runChild('workers.mjs', [way]);
    expect(end).toMatchObject({ status: 0, signal: null, hung: false, stderr: '' });
    const { heldAfter, loss, longestEndMs } = JSON.parse(end.stdout) as Record<string, number>;
    expect(heldAfter).toBe(0);
    expect(loss).toBeGreaterThan(0);
    // They had 20 seconds of work before them, and wait for the one task in flight.
    expect(longestEndMs).toBeLessThan(10_000);
  });

  it.each([
    ['process.exit of the main thread gives its code', 'main-exit', 7],
    ['the natural end of the main thread ends those that it does not wait for', 'main-end', 0],
  ])('%s', async (_what, way, status) => {
    for (let i = 0; i < 3; i++) {
      const end = await runChild('workers.mjs', [way]);
      expect(end).toMatchObject({ status, signal: null, hung: false, stderr: '' });
    }
  });
});
