/**
 * What a reader fears most of a cache: that it loses what is whole. A machine that is short of something for a moment, a shard
 * that may not be read, and other containers, whose processes have the same numbers: nothing of it costs an embedding.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EmbeddingCache, NativeBinding } from '../../lib/addon/native.js';
import { EMBEDDING, noise } from './children/inputs.mjs';
import { prepareAddon } from './support.js';

let addon: NativeBinding;
let folder: string;

beforeAll(async () => {
  addon = await prepareAddon();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sam-cache-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const KEY = 'cd'.repeat(16);
const OTHER = 'ef'.repeat(16);
const shards = () => readdirSync(folder).filter((name) => name.endsWith('.safetensors'));
const open = () => addon.openCache({ directory: folder, precision: 'fp16' });

async function write(cache: EmbeddingCache, key: string): Promise<void> {
  const embeddings = addon.embeddingsFrom(noise(EMBEDDING, 1));
  await cache.write(key, embeddings);
  await cache.flush();
  embeddings.dispose();
}

/** Runs a scenario of `children/cache.mjs`, before which a command of the shell may set limits. */
function run(scenario: string, { before = '', more = [] as string[] } = {}): Record<string, unknown> {
  const script = join(import.meta.dirname, 'children/cache.mjs');
  const args = ['-c', `${before} exec "$0" "$@"`, process.execPath, script, scenario, folder, ...more];
  const { stdout, stderr, status } = spawnSync('bash', args, { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout) as Record<string, unknown>;
}

describe('a shard that cannot be read just now', () => {
  it('for want of file descriptors: an error, and the shard and its embeddings stay', () => {
    expect(run('shortage-read', { before: 'ulimit -n 128 &&' })).toEqual({
      error: expect.stringMatching(/^SAM_IO cannot read .*: too many files are open.*ulimit -n/),
      kept: true,
      shards: 1,
      later: 'none',
    });
  });

  it('for want of file descriptors, when the cache is opened: an error, not a cache without it', () => {
    expect(run('shortage-open', { before: 'ulimit -n 128 &&' })).toEqual({
      error: expect.stringMatching(/^SAM_IO cannot read .*: too many files are open.*ulimit -n/),
      shards: 1,
      later: true,
    });
  });

  // Links in a circle stand for what root may read too: a shard of another user, or a network disk that hangs.
  it('because the system refuses it: an error, the file and the others stay', async () => {
    const cache = await open();
    await write(cache, KEY);
    const [refused] = shards();
    await write(cache, OTHER);
    rmSync(join(folder, refused!));
    symlinkSync(refused!, join(folder, refused!));
    const said = { code: 'SAM_IO', message: expect.stringMatching(`${refused}: Too many levels of symbolic links`) };
    await expect(cache.read([OTHER, KEY])).rejects.toMatchObject(said);
    expect([cache.has(KEY), cache.has(OTHER), shards().length]).toEqual([true, true, 2]);
    await expect(open()).rejects.toMatchObject(said);
    expect(shards()).toHaveLength(2);
    cache.dispose();
  });

  it('what is no file is no shard', async () => {
    mkdirSync(join(folder, 'folder.safetensors'));
    spawnSync('mkfifo', [join(folder, 'pipe.safetensors')]);
    const cache = await open();
    expect([cache.size, shards().length]).toEqual([0, 2]);
    cache.dispose();
  });
});

describe('containers that share a cache, where every process has the same number', () => {
  it('what a killed one left does not block the next', () => {
    expect(run('leftover')).toEqual({ error: 'none', shards: 1 });
  });

  it('a shard is never replaced by another of the same first key', () => {
    expect(run('namesake')).toEqual({ untouched: true, error: 'none' });
  });

  it('several at once, in namespaces of their own where the system lets us', () => {
    const own = spawnSync('unshare', ['-Urpf', 'true']).status === 0 ? 'unshare -Urpf' : '';
    const script = join(import.meta.dirname, 'children/cache.mjs');
    const all = [1, 2, 3].map((i) => `${own} "$0" "${script}" fill "${folder}" ${i} &`).join('\n');
    const { stdout } = spawnSync('bash', ['-c', `${all}\nwait`, process.execPath], { encoding: 'utf8' });
    expect(stdout.trim().split('\n')).toEqual(Array(3).fill('{"error":"none"}'));
    expect(shards()).toHaveLength(9);
  });
});

describe('an embedding that half precision cannot hold', () => {
  it.each([
    ['too large', 70_000],
    ['not a number', Number.NaN],
  ])('%s: is refused, and nothing of it stays', async (_what, value) => {
    const cache = await open();
    const values = noise(EMBEDDING, 1);
    values[12345] = value;
    const embeddings = addon.embeddingsFrom(values);
    await expect(cache.write(KEY, embeddings)).rejects.toMatchObject({
      code: 'SAM_BAD_CHECKPOINT',
      message: expect.stringMatching(/65504.*`precision` fp32/),
    });
    expect([cache.has(KEY), cache.size]).toEqual([false, 0]);
    const whole = await addon.openCache({ directory: join(folder, 'fp32'), precision: 'fp32' });
    if (Number.isFinite(value)) await whole.write(KEY, embeddings);
    for (const handle of [cache, whole, embeddings]) handle.dispose();
  });
});
