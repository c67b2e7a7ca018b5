/** A lock file, for one process at a time: two `npx` in one checkout must not compile in the same folder. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemCode } from '../core/errors.js';
import { isAlive } from '../core/files.js';

/** Runs `work` while `path` exists with this process's id in it. A lock whose process is gone is taken over. */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  options: { onWait?: (pid: number) => void; signal?: AbortSignal | undefined; intervalMs?: number } = {},
): Promise<T> {
  mkdirSync(dirname(path), { recursive: true });
  for (let told = false; !take(path); ) {
    const owner = ownerOf(path);
    if (owner === undefined || !isAlive(owner)) {
      rmSync(path, { force: true });
      continue;
    }
    if (!told) options.onWait?.(owner);
    told = true;
    await sleep(options.intervalMs ?? 500, undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function take(path: string): boolean {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Reads the lock's process; undefined where the file has just vanished or holds no number. */
function ownerOf(path: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(path, 'utf8'), 10) || undefined;
  } catch {
    return undefined;
  }
}
