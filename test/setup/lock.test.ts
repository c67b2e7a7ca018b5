import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withLock } from '../../lib/setup/lock.js';

const host = hostname().replace(/[^A-Za-z0-9]/g, '') || 'host';
/** Quick, so that nobody waits: a lock that has not been touched for 200 ms is nobody's. */
const quick = { intervalMs: 10, beatMs: 20, silentMs: 200 };

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sam-native-lock-'));
  path = join(folder, 'setup.lock');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A lock as another process left it, last touched so many seconds ago. */
function lockOf(owner: string, secondsAgo = 0): void {
  writeFileSync(path, owner);
  const time = Date.now() / 1000 - secondsAgo;
  utimesSync(path, time, time);
}

/** What happened until the work was done: how often somebody else was waited for. */
async function waits(options: Parameters<typeof withLock>[2]): Promise<number> {
  let waited = 0;
  const onWait = () => {
    waited++;
  };
  expect(await withLock(path, async () => 'done', { ...options, onWait })).toBe('done');
  return waited;
}

test("a killed container's lock, whose process had this one's number, is taken over at once", async () => {
  // An earlier version wrote the number alone.
  for (const owner of [`${host}-${process.pid}-1234abcd`, `${process.pid}`]) {
    lockOf(owner, 3600);
    expect(await waits({})).toBe(0);
  }
});

test('a dead process of this machine, and a file that is no lock, are not waited for', async () => {
  const dead = execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }).trim();
  for (const owner of [`${host}-${dead}-1234abcd`, dead, '', 'rubbish']) {
    lockOf(owner);
    expect(await waits({})).toBe(0);
  }
});

test('a container of another name that was killed is waited for as long as its lock might still be touched', async () => {
  lockOf('another1-1-1234abcd');
  expect(await waits(quick)).toBe(1);
  // So is a process that was given the number of a dead one.
  lockOf(`${host}-${process.ppid}-1234abcd`);
  expect(await waits(quick)).toBe(1);
});

test('a holder that lives touches its lock, and is waited for to the end, from wherever', async () => {
  lockOf('another1-1-1234abcd');
  const beats = setInterval(() => lockOf('another1-1-1234abcd', Math.random()), 20);
  let done = false;
  const second = withLock(path, async () => {}, quick).then(() => {
    done = true;
  });
  await sleep(600);
  expect(done).toBe(false);
  clearInterval(beats);
  await second;

  const first = withLock(
    path,
    async () => {
      const before = statSync(path).mtimeMs;
      await sleep(300);
      expect(statSync(path).mtimeMs).toBeGreaterThan(before);
    },
    quick,
  );
  expect(await waits(quick)).toBe(1);
  await first;
});

test('a lock that another took meanwhile is not removed', async () => {
  await withLock(path, async () => lockOf('another1-1-1234abcd'), quick);
  expect(readFileSync(path, 'utf8')).toBe('another1-1-1234abcd');
});
