/**
 * What a host fears most: that a guest changes the house. What the addon needs of its process for itself (how OpenMP's threads
 * wait, how many there are, LibTorch's allocator) is not seen by other native code, nor by child processes, and stays whole when
 * several threads, or several copies, load it.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findAddon } from '../../lib/addon/native.js';
import { compileNeighbour, compileTestAddon, prepareAddon, runChild } from './support.js';

const folder = mkdtempSync(join(tmpdir(), 'sam-guest-'));
let neighbour: string;

beforeAll(async () => {
  await prepareAddon();
  neighbour = compileNeighbour(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Sight {
  policy: { ofProcess: string; ofEnvironment: string; ofChildren: string };
  own: number;
  pool: number[];
}

async function look(where: string, env: NodeJS.ProcessEnv): Promise<Sight & { display: string }> {
  const end = await runChild('guest.mjs', [where, neighbour], { env });
  expect(end).toMatchObject({ status: 0, signal: null, hung: false });
  return { ...(JSON.parse(end.stdout) as Sight), display: end.stderr };
}

describe.each(['main', 'worker'])('loaded by the %s thread', (where) => {
  it("OpenMP's waiting threads sleep, and nobody else is told to", async () => {
    const { policy, display } = await look(where, { OMP_DISPLAY_ENV: 'VERBOSE' });
    expect(display).toContain("OMP_WAIT_POLICY = 'PASSIVE'");
    expect(display).toContain("GOMP_SPINCOUNT = '0'");
    expect(policy).toEqual({ ofProcess: 'unset', ofEnvironment: 'unset', ofChildren: 'unset' });
  });

  it('a policy that the user has set stays', async () => {
    const { policy, display } = await look(where, { OMP_DISPLAY_ENV: 'VERBOSE', OMP_WAIT_POLICY: 'ACTIVE' });
    expect(display).toContain("OMP_WAIT_POLICY = 'ACTIVE'");
    expect(policy).toEqual({ ofProcess: 'ACTIVE', ofEnvironment: 'ACTIVE', ofChildren: 'ACTIVE' });
  });

  it("threads of Node's pool, and the one that loads it, have as many OpenMP threads for others as before", async () => {
    const { own, pool } = await look(where, { OMP_NUM_THREADS: '3' });
    expect({ own, pool }).toEqual({ own: 3, pool: [3, 3, 3, 3] });
  });
});

it('a second copy of the addon in one process is refused, and the first works on', async () => {
  const copy = join(folder, 'copy.node');
  copyFileSync(findAddon(), copy);
  const end = await runChild('copies.mjs', [copy]);
  expect(end).toMatchObject({ status: 0, signal: null, hung: false, stderr: '' });
  const { failure, loss } = JSON.parse(end.stdout) as { failure: Record<string, string>; loss: number };
  expect(failure.code).toBe('SAM_SECOND_COPY');
  expect(failure.message).toBe(`${copy} cannot be loaded: another copy of the addon is in this process already`);
  expect(failure.detail).toContain(findAddon());
  expect(loss).toBeGreaterThan(0);
});

it('the addon is never unloaded: LibTorch keeps pointers into it', () => {
  expect(execFileSync('readelf', ['--dynamic', '--wide', findAddon()], { encoding: 'utf8' })).toMatch(
    /FLAGS_1.*NODELETE/,
  );
});

describe('several threads with work', () => {
  interface Event {
    name: string;
    ph: string;
    ts: number;
    dur: number;
    tid: number;
  }

  it("take turns: at most one compute task and one data task at a time fill Node's pool", async () => {
    const file = join(folder, 'trace.json');
    expect(await runChild('lanes.mjs', ['trace', file])).toMatchObject({ status: 0, signal: null });
    const { traceEvents } = JSON.parse(readFileSync(file, 'utf8')) as { traceEvents: Event[] };
    for (const name of ['train step', 'preprocess']) {
      const tasks = traceEvents.filter((event) => event.ph === 'X' && event.name === name).sort((a, b) => a.ts - b.ts);
      expect(tasks).toHaveLength(15);
      expect(tasks.filter(({ ts }, i) => i > 0 && ts < tasks[i - 1]!.ts + tasks[i - 1]!.dur)).toEqual([]);
    }
  });

  it('do not wait for one whose JavaScript is busy', async () => {
    const end = await runChild('lanes.mjs', ['blocked']);
    expect(end).toMatchObject({ status: 0, signal: null, hung: false, stdout: 'ok', stderr: '' });
  });

  it('let a profile start and stop beside them', async () => {
    const end = await runChild('lanes.mjs', ['profile']);
    expect(end).toMatchObject({ status: 0, signal: null, hung: false, stdout: 'profiled' });
  });
});

it.each([
  ['memory', 'SAM_OUT_OF_MEMORY', 'not enough memory'],
  ['torch', 'SAM_TORCH', 'no such tensor'],
  ['javascript', undefined, 'thrown by JavaScript'],
])('a result that cannot be converted (%s) rejects the promise', async (kind, code, message) => {
  const file = join(folder, 'failing_conversion.node');
  compileTestAddon(file);
  const { fail } = createRequire(import.meta.url)(file) as { fail(kind: string): Promise<void> };
  await expect(fail('nothing')).resolves.toBeUndefined();
  await expect(fail(kind)).rejects.toMatchObject({ message: expect.stringContaining(message), ...(code && { code }) });
});
