import { mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { collectGarbage, describeFolder, listFolders, touchShards } from '../../lib/embeddings/embedding-folders.js';
import { writeSafetensors } from '../models/support.js';

/** Paths that the system refuses to open. */
const refused = vi.hoisted(() => new Set<string>());
vi.mock('../../lib/runs/safetensors-header.js', async (original) => {
  const actual = await original<typeof import('../../lib/runs/safetensors-header.js')>();
  const shortage = () => Promise.reject(Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' }));
  return {
    ...actual,
    readTensorNames: (path: string) => (refused.has(path) ? shortage() : actual.readTensorNames(path)),
  };
});

let cacheDir: string;
beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'sam-folders-'));
});
afterEach(() => rm(cacheDir, { recursive: true, force: true }));

/** A shard of about a kilobyte that was last used some hours ago. */
async function shard(folder: string, name: string, hoursAgo: number, keys = [name]): Promise<string> {
  const path = join(cacheDir, 'embeddings', folder, `${name}.safetensors`);
  await writeSafetensors(path, keys, { pad: 'x'.repeat(1000) });
  const at = new Date(Date.now() - hoursAgo * 3600_000);
  await utimes(path, at, at);
  return path;
}

describe('listFolders', () => {
  it('says for whom they are, how big, when used', async () => {
    const path = await shard('aaa', 'one', 5);
    await shard('aaa', 'two', 2);
    const folder = join(cacheDir, 'embeddings', 'aaa');
    await describeFolder(folder, { model: 'mobile-sam', encoderHash: 'abc', precision: 'bf16 on disk as fp16' });
    await describeFolder(folder, { model: 'renamed', encoderHash: 'abc', precision: 'x' });
    const [found, ...others] = await listFolders(cacheDir);
    expect(others).toEqual([]);
    expect(found).toMatchObject({ path: folder, model: 'mobile-sam', shards: 2, bytes: 2 * (await stat(path)).size });
    expect(Date.now() - Date.parse(found!.lastUsed!)).toBeCloseTo(2 * 3600_000, -5);
  });

  it('is empty where there is no cache', async () => expect(await listFolders(cacheDir)).toEqual([]));

  it('a folder that says nothing is still counted', async () => {
    await shard('bbb', 'one', 1);
    expect(await listFolders(cacheDir)).toMatchObject([{ model: 'unknown', shards: 1 }]);
  });
});

describe('collectGarbage', () => {
  it('removes the longest unused of all folders until the bound holds', async () => {
    const oldest = await shard('aaa', 'a', 9);
    await shard('aaa', 'b', 1);
    const old = await shard('bbb', 'c', 5);
    await shard('bbb', 'd', 2);
    const { size } = await stat(old);
    const result = await collectGarbage(cacheDir, 2 * size);
    expect(result).toEqual({ removedShards: 2, removedBytes: 2 * size, bytes: 2 * size });
    await expect(stat(oldest)).rejects.toThrow();
    await expect(stat(old)).rejects.toThrow();
  });

  it('keeps what it is told to keep, though the bound is not met', async () => {
    const used = await shard('aaa', 'a', 9);
    const result = await collectGarbage(cacheDir, 0, new Set([used]));
    expect(result.removedShards).toBe(0);
    expect((await stat(used)).isFile()).toBe(true);
  });

  it('removes what killed writers left, when it is old, and folders that are empty then', async () => {
    const path = await shard('aaa', 'a', 9);
    const [fresh, stale] = [`${path}.1.tmp`, `${path}.2.tmp`];
    await writeFile(fresh, 'x');
    await writeFile(stale, 'x');
    await utimes(stale, new Date(0), new Date(0));
    await collectGarbage(cacheDir, 1e9);
    expect((await readdir(join(cacheDir, 'embeddings', 'aaa'))).sort()).toEqual([
      'a.safetensors',
      'a.safetensors.1.tmp',
    ]);
    await rm(fresh);
    await collectGarbage(cacheDir, 0);
    expect(await readdir(join(cacheDir, 'embeddings'))).toEqual([]);
  });
});

describe('touchShards', () => {
  it('marks those that hold a key, and passes by what cannot be read', async () => {
    const [one, two] = [await shard('aaa', 'one', 9, ['k1', 'k2']), await shard('aaa', 'two', 9, ['k3'])];
    await writeFile(join(cacheDir, 'embeddings', 'aaa', 'broken.safetensors'), 'rubbish');
    const used = await touchShards(join(cacheDir, 'embeddings', 'aaa'), (key) => key === 'k2');
    expect([...used]).toEqual([one]);
    expect(Date.now() - (await stat(one)).mtimeMs).toBeLessThan(60_000);
    expect(Date.now() - (await stat(two)).mtimeMs).toBeGreaterThan(3600_000);
  });

  it('counts as used what cannot be read just now: it may be', async () => {
    const path = await shard('aaa', 'one', 9);
    refused.add(path);
    const used = await touchShards(join(cacheDir, 'embeddings', 'aaa'), () => false);
    expect([...used]).toEqual([path]);
    await collectGarbage(cacheDir, 0, used);
    expect((await stat(path)).isFile()).toBe(true);
  });
});
