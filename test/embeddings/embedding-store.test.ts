import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Sample } from '../../lib/data/sample.js';
import { firstOf, SampleList } from '../../lib/data/sample-list.js';
import { allViews } from '../../lib/data/views.js';
import { EmbeddingStore, type EmbeddingStoreOptions } from '../../lib/embeddings/embedding-store.js';
import { type Calls, fakeNative, pictures, writeSafetensors } from '../models/support.js';

const calls: Calls = [];
let onSlice: () => void;
let addon: ReturnType<typeof fakeNative>;
vi.mock('../../lib/addon/native.js', async (original) => ({
  ...(await original<typeof import('../../lib/addon/native.js')>()),
  native: () => addon.binding,
}));

let folder: string;
let samples: Sample[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sam-store-'));
  samples = await pictures(join(folder, 'images'), 5);
  calls.length = 0;
  onSlice = () => {};
  addon = fakeNative(calls, () => onSlice());
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function open(options: Partial<EmbeddingStoreOptions> = {}): Promise<EmbeddingStore> {
  return EmbeddingStore.open({
    encoder: { name: 'mobile-sam', encoder: 'encoder.pt', encoderHash: 'abc' },
    device: 'cpu',
    precision: 'bf16',
    cacheDir: join(folder, 'cache'),
    cache: true,
    ...options,
  });
}

/** The red of each picture, which the pretended encoder gives back. */
const reds = async (store: EmbeddingStore, of: readonly Sample[]) => [...(await store.read(of)).toFloat32Array()];

describe('EmbeddingStore', () => {
  it('encodes each image once, and gives them back in the order asked', async () => {
    const store = await open();
    const seen: [number, number][] = [];
    const result = await store.ensure(samples, { onProgress: ({ done, encoded }) => seen.push([done, encoded]) });
    expect(result).toMatchObject({ encoded: 5, cached: 0, skipped: [] });
    expect(result.seconds).toBeGreaterThan(0);
    expect(seen.at(-1)).toEqual([5, 5]);
    expect(await reds(store, [samples[3]!, samples[1]!])).toEqual([60, 20]);
    expect(await store.ensure(samples)).toMatchObject({ encoded: 0, cached: 5, seconds: 0, setupSeconds: 0 });
    expect(calls.filter((call) => call === 'loadEncoder')).toHaveLength(1);
    expect(calls).toContain('dispose encoder');
    expect(addon.encodingsAlive()).toBe(0);
    await store.dispose();
  });

  it('reads what nobody ensured', async () => {
    const store = await open();
    expect(await reds(store, [samples[2]!])).toEqual([40]);
    await store.dispose();
  });

  it('the same content under two names is encoded once', async () => {
    const path = join(folder, 'images', 'copy.png');
    await writeFile(path, await readFile(samples[0]!.image.path));
    const copy = { name: 'copy', image: { path } };
    const store = await open();
    expect(await store.ensure([...samples, copy])).toMatchObject({ encoded: 5, cached: 1 });
    expect(await reds(store, [copy])).toEqual([0]);
    await store.dispose();
  });

  it('an image of many samples is read and encoded once', async () => {
    const [picture] = await pictures(folder, 1);
    let reads = 0;
    const read = () => {
      reads++;
      return readFile(picture!.image.path);
    };
    // Made when they are asked for: what they share is the path.
    const samples = new SampleList(100, (index) => ({ name: `x#${index}`, image: { path: 'x', read } }));
    const store = await open();
    const progress: number[] = [];
    const result = await store.ensure(samples, { onProgress: ({ total }) => progress.push(total) });
    expect(result).toMatchObject({ encoded: 1, cached: 0, skipped: [] });
    expect(new Set(progress)).toEqual(new Set([1]));
    expect((await store.read([...firstOf(samples, 3)])).count).toBe(3);
    expect(reads).toBe(2); // for its hash, and for its pixels
    const views = allViews([{ name: 'y', image: { path: 'y', read } }], 'flips');
    expect(await store.ensure(views)).toMatchObject({ encoded: 3, cached: 1 });
    expect(reads).toBe(2 + 1 + 3);
    await store.dispose();
  });

  it('each view of an image is an embedding of its own', async () => {
    const path = join(folder, 'two.png');
    const pixels = Buffer.from([10, 0, 0, 90, 0, 0]);
    await sharp(pixels, { raw: { width: 2, height: 1, channels: 3 } })
      .png()
      .toFile(path);
    const sample: Sample = { name: 'two', image: { path } };
    const store = await open();
    expect(await store.ensure(allViews([sample], 'flips'))).toMatchObject({ encoded: 4, cached: 0 });
    expect(await store.ensure([...allViews([sample], 'flips'), sample])).toMatchObject({ encoded: 0, cached: 4 });
    expect(await reds(store, [sample, ...allViews([sample], 'flips')])).toEqual([10, 10, 90, 10, 90]);
    await store.dispose();
  });

  it('a bad image leaves out all its samples', async () => {
    const image = { path: join(folder, 'nothing.png') };
    const samples: Sample[] = [{ name: 'a#1', image }, { name: 'a#2', image }, ...(await pictures(folder, 1))];
    const store = await open();
    const warnings: string[] = [];
    const result = await store.ensure(samples, { skipBad: true, onWarning: (line) => warnings.push(line) });
    expect(result.skipped).toEqual(samples.slice(0, 2));
    expect(warnings).toHaveLength(1);
    await store.dispose();
  });

  it('decodes one image ahead, no more', async () => {
    let [begun, finished, most] = [0, 0, 0];
    onSlice = () => {
      begun = calls.filter((call) => call.startsWith('begin')).length;
      most = Math.max(most, begun - finished);
      if (++slices % 3 === 0) finished++;
    };
    let slices = 0;
    const store = await open();
    await store.ensure(samples);
    expect(most).toBeLessThanOrEqual(2);
    await store.dispose();
  });

  it('another encoder, precision or picture size is another embedding', async () => {
    const folders = new Set<string>();
    for (const options of [
      {},
      { precision: 'fp32' as const },
      { encoder: { name: 'x', encoder: 'x.pt', encoderHash: 'def' } },
      { imageSize: 256 },
    ]) {
      const store = await open(options);
      await store.ensure(samples.slice(0, 1));
      await store.dispose();
    }
    for (const cache of addon.caches) for (const key of cache.stored.keys()) folders.add(key);
    expect(folders.size).toBe(4);
    expect(await readdir(join(folder, 'cache', 'embeddings'))).toHaveLength(3); // the size is in the key alone
  });

  it('an embedding on disk is half as big unless fp32 is asked for', async () => {
    const sizes: number[] = [];
    for (const options of [
      {},
      { precision: 'fp32' as const },
      { precision: 'fp32' as const, cachePrecision: 'fp16' as const },
    ]) {
      const store = await open(options);
      sizes.push(store.bytesPerEmbedding);
      await store.dispose();
    }
    expect(sizes).toEqual([2 ** 21, 2 ** 22, 2 ** 21]);
  });
});

describe('bad pictures', () => {
  beforeEach(async () => {
    const good = await readFile(samples[4]!.image.path);
    await writeFile(samples[1]!.image.path, good.subarray(0, good.length / 2));
    await rm(samples[3]!.image.path);
  });

  it('are all named in one error', async () => {
    const store = await open();
    const failure = await store.ensure(samples).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'SAM_BAD_DATA', fix: expect.stringContaining('`skipBad`') });
    expect((failure as Error).message).toContain('picture1.png');
    expect((failure as Error).message).toContain('picture3.png');
    expect((failure as Error).message).toContain('2 images');
    expect(addon.encodingsAlive()).toBe(0);
    await store.dispose();
  });

  it('one alone keeps its own words', async () => {
    const store = await open();
    await expect(store.ensure(samples.slice(0, 3))).rejects.toThrow(/picture1\.png is truncated/);
    await store.dispose();
  });

  it('are left out with skipBad, each with a warning', async () => {
    const warnings: string[] = [];
    const store = await open();
    const result = await store.ensure(samples, { skipBad: true, onWarning: (line) => warnings.push(line) });
    expect(result.encoded).toBe(3);
    expect(result.skipped.map(({ name }) => name)).toEqual(['picture1', 'picture3']);
    expect(samples.map((sample) => result.usable({ ...sample, view: 2 }))).toEqual([true, false, true, false, true]);
    expect(warnings).toHaveLength(2);
    await store.dispose();
  });
});

describe('interruptions', () => {
  it('stop between two slices, and what was done stays', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    let slices = 0;
    onSlice = () => {
      if (++slices === 5) controller.abort(reason); // in the middle of the second image
    };
    const store = await open();
    await expect(store.ensure(samples, { signal: controller.signal })).rejects.toBe(reason);
    expect(slices).toBe(5);
    expect(addon.caches[0]!.stored.size).toBe(1);
    expect(calls.slice(-1)).toEqual(['flush']);
    expect(addon.encodingsAlive()).toBe(0);
    onSlice = () => {};
    expect(await store.ensure(samples)).toMatchObject({ encoded: 4, cached: 1 });
    await store.dispose();
  });

  it('damaged embeddings are encoded again, with a warning', async () => {
    const store = await open();
    await store.ensure(samples);
    const cache = addon.caches[0]!;
    cache.damaged = [...cache.stored.keys()].slice(0, 2);
    const warnings: string[] = [];
    const values = await store.read(samples, { onWarning: (line) => warnings.push(line) });
    expect([...values.toFloat32Array()]).toEqual([0, 20, 40, 60, 80]);
    expect(warnings).toHaveLength(1);
    expect(calls.filter((call) => call.startsWith('begin'))).toHaveLength(7);
    await store.dispose();
  });

  it('two readers of a damaged part do not encode it twice', async () => {
    const store = await open();
    await store.ensure(samples);
    addon.caches[0]!.damaged = [...addon.caches[0]!.stored.keys()];
    const [one, two] = await Promise.all([reds(store, samples), reds(store, samples)]);
    expect(one).toEqual(two);
    expect(calls.filter((call) => call.startsWith('begin'))).toHaveLength(10);
    await store.dispose();
  });
});

describe('without a cache', () => {
  it('nothing stays on disk', async () => {
    const store = await open({ cache: false });
    await store.ensure(samples);
    const parent = join(folder, 'cache', 'tmp');
    expect(await readdir(parent)).toHaveLength(1);
    await store.dispose();
    expect(await readdir(parent)).toEqual([]);
    expect(await readdir(join(folder, 'cache'))).toEqual(['tmp']);
  });
});

describe('the bound of the cache', () => {
  it('takes the longest unused shards first, never those of this run', async () => {
    const first = await open();
    await first.ensure(samples);
    await first.dispose();
    const [own] = await readdir(join(folder, 'cache', 'embeddings'));
    const ownShard = join(folder, 'cache', 'embeddings', own!, 'shard.safetensors');
    await utimes(ownShard, new Date(0), new Date(0)); // older than all others
    const other = join(folder, 'cache', 'embeddings', 'other');
    for (const [name, hours] of Object.entries({ old: 2, older: 3, recent: 1 })) {
      const path = join(other, `${name}.safetensors`);
      await writeSafetensors(path, ['key'], { pad: 'x'.repeat(5000) });
      const at = new Date(Date.now() - hours * 3600_000);
      await utimes(path, at, at);
    }
    const { size } = await stat(join(other, 'old.safetensors'));
    const store = await open({ cacheMax: 2 * size + (await stat(ownShard)).size });
    await store.ensure(samples);
    expect((await readdir(other)).sort()).toEqual(['old.safetensors', 'recent.safetensors']);
    expect(Date.now() - (await stat(ownShard)).mtimeMs).toBeLessThan(60_000);
    await store.dispose();
  });
});
