/** A lock file, for one process at a time: two `npx` in one checkout must not compile in the same folder. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemCode } from '../core/errors.js';
import { isGone, OWNER, parseOwner } from '../core/files.js';

export interface LockOptions {
  /** Called once, where another process holds the lock, with its number. */
  onWait?: (pid: number) => void;
  signal?: AbortSignal | undefined;
  /** Milliseconds between two looks at a lock that another holds. */
  intervalMs?: number;
  /** Milliseconds between two touches of one's own. */
  beatMs?: number;
  /** Milliseconds without a touch after which the holder is gone, whatever its number says. */
  silentMs?: number;
}

/**
 * Runs `work` while `path` exists with this process's name in it. A lock whose process is gone is taken over: at once where this machine
 * can tell, else (another container's, or a number that went to another process) when it is no longer touched.
 */
export async function withLock<T>(path: string, work: () => Promise<T>, options: LockOptions = {}): Promise<T> {
  const { onWait, signal, intervalMs = 500, beatMs = 2000, silentMs = 120_000 } = options;
  const own = `${OWNER}-${randomBytes(4).toString('hex')}`;
  mkdirSync(dirname(path), { recursive: true });
  let seen = { content: '', touched: Number.NaN, since: 0 };
  for (let told = false; !take(path, own); ) {
    const lock = read(path);
    const owner = lock && parseOwner(lock.content);
    if (lock !== undefined) {
      if (lock.content !== seen.content || lock.touched !== seen.touched) seen = { ...lock, since: performance.now() };
      // A lock without a host is of an earlier version, which does not touch it.
      const silent = owner?.host !== undefined && performance.now() - seen.since > silentMs;
      if (owner === undefined || silent || isGone(owner, lock.touched)) {
        rmSync(path, { force: true });
        continue;
      }
      if (!told) onWait?.(owner.pid);
      told = true;
    }
    await sleep(intervalMs, undefined, signal === undefined ? {} : { signal });
  }
  const beats = setInterval(() => touch(path), beatMs).unref();
  try {
    return await work();
  } finally {
    clearInterval(beats);
    if (read(path)?.content === own) rmSync(path, { force: true });
  }
}

function take(path: string, own: string): boolean {
  try {
    writeFileSync(path, own, { flag: 'wx' });
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Reads a lock, and when it was last touched; undefined where it has just vanished. */
function read(path: string): { content: string; touched: number } | undefined {
  try {
    return { content: readFileSync(path, 'utf8'), touched: statSync(path).mtimeMs };
  } catch {
    return undefined;
  }
}

function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // It was taken away: that is found at the end.
  }
}
