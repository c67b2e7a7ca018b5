/** The embedding cache and safetensors through the addon: what comes back, and what damage and lies lead to. */
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EmbeddingCache, NativeBinding } from '../../lib/addon/native.js';
import { readSafetensorsHeader } from '../../lib/runs/safetensors-header.js';
import { batchOf, EMBEDDING, loadModel, noise, STEP, TRAINING } from './children/inputs.mjs';
import { prepareAddon } from './support.js';

let addon: NativeBinding;
let folder: string;

beforeAll(async () => {
  addon = await prepareAddon();
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sam-storage-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const key = (i: number) => `${String(i).padStart(2, '0')}${'ab'.repeat(15)}`;
const valuesOf = (i: number) => noise(EMBEDDING, i + 1);
const shards = () => readdirSync(folder).filter((name) => name.endsWith('.safetensors'));
const open = (precision: 'fp16' | 'fp32' = 'fp16') => addon.openCache({ directory: folder, precision });

async function write(cache: EmbeddingCache, ...which: number[]): Promise<void> {
  for (const i of which) {
    const embeddings = addon.embeddingsFrom(valuesOf(i));
    await cache.write(key(i), embeddings);
    embeddings.dispose();
  }
}

async function read(cache: EmbeddingCache, ...which: number[]): Promise<Float32Array> {
  const embeddings = await cache.read(which.map(key));
  expect(embeddings.count).toBe(which.length);
  const values = embeddings.toFloat32Array();
  embeddings.dispose();
  return values;
}

/** Writes, then closes, a cache of these embeddings. */
async function filled(precision: 'fp16' | 'fp32', ...which: number[]): Promise<void> {
  const cache = await open(precision);
  await write(cache, ...which);
  await cache.flush();
  cache.dispose();
}

/** To the nearest number of 11 significant bits, ties to even, for numbers that are normal in fp16. */
function toHalf(value: number): number {
  if (value === 0) return 0;
  const step = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(value))), -14) - 10);
  const scaled = value / step;
  const below = Math.floor(scaled);
  const part = scaled - below;
  const up = part > 0.5 || (part === 0.5 && below % 2 !== 0);
  return (up ? below + 1 : below) * step;
}

/** Where two arrays first differ; -1 where they don't. (Comparing millions of numbers one by one with `toEqual` takes seconds.) */
function firstDifference(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Math.min(actual.length, expected.length);
  return actual.findIndex((value, i) => value !== expected[i]);
}

/** Turns over one bit of the last embedding in a file. */
function damage(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length - 1000] = bytes[bytes.length - 1000]! ^ 0x10;
  writeFileSync(path, bytes);
}

describe('the embedding cache', () => {
  it.each([
    ['fp16', 'rounded to half precision', toHalf],
    ['fp32', 'exactly', (value: number) => value],
  ] as const)('%s: gives back %s what was written, at once and after reopening', async (precision, _how, rounded) => {
    const cache = await open(precision);
    await write(cache, 0, 1, 2);
    expect(cache.size).toBe(3);
    const expected = new Float32Array(2 * EMBEDDING);
    expected.set(valuesOf(2).map(rounded));
    expected.set(valuesOf(0).map(rounded), EMBEDDING);
    expect(firstDifference(await read(cache, 2, 0), expected)).toBe(-1);
    expect(shards()).toEqual([]);
    await cache.flush();
    expect(shards()).toHaveLength(1);
    expect(firstDifference(await read(cache, 2, 0), expected)).toBe(-1);
    cache.dispose();

    const again = await open(precision);
    expect([again.size, again.has(key(1)), again.has(key(7))]).toEqual([3, true, false]);
    expect(firstDifference(await read(again, 2, 0), expected)).toBe(-1);
    again.dispose();
  });

  it('writes a shard by itself when 16 wait, as safetensors that others can read', async () => {
    const cache = await open();
    await write(cache, ...Array.from({ length: 17 }, (_, i) => i));
    expect(shards()).toHaveLength(1);
    const { tensors, metadata } = await readSafetensorsHeader(join(folder, shards()[0]!));
    expect(Object.keys(tensors).sort()).toEqual(Array.from({ length: 16 }, (_, i) => key(i)));
    expect(tensors[key(3)]).toEqual({
      dtype: 'F16',
      shape: [256, 64, 64],
      offset: expect.any(Number),
      bytes: EMBEDDING * 2,
    });
    expect(metadata[key(3)]).toMatch(/^[0-9a-f]{16}$/);
    await cache.flush();
    expect(shards()).toHaveLength(2);
    await cache.flush(); // nothing left to write
    expect(shards()).toHaveLength(2);
    cache.dispose();
  });

  it('an fp32 cache does not take what an fp16 cache wrote', async () => {
    await filled('fp16', 0);
    const cache = await open('fp32');
    expect(cache.size).toBe(0);
    expect(shards()).toHaveLength(1);
    cache.dispose();
  });

  it('a damaged bit: the keys asked for are named, the shard is deleted, others stay', async () => {
    await filled('fp16', 0, 1, 2);
    damage(join(folder, shards()[0]!));
    await filled('fp16', 3);
    const cache = await open();
    // Only the last one of the shard is damaged; it is deleted whole.
    expect(await read(cache, 0)).toHaveLength(EMBEDDING);
    await expect(cache.read([key(3), key(2), key(0)])).rejects.toMatchObject({
      code: 'SAM_CACHE_DAMAGED',
      keys: [key(2), key(0)],
      message: expect.stringContaining(folder),
    });
    expect([0, 1, 2, 3].map((i) => cache.has(key(i)))).toEqual([false, false, false, true]);
    expect(shards()).toHaveLength(1);
    await write(cache, 0, 1, 2);
    expect(firstDifference(await read(cache, 2), valuesOf(2).map(toHalf))).toBe(-1);
    cache.dispose();
  });

  it('a damaged shard takes nothing with it that a later shard holds too', async () => {
    await filled('fp16', 0, 1);
    const [first] = shards();
    const cache = await open();
    await write(cache, 0);
    await cache.flush();
    damage(join(folder, first!));
    await expect(cache.read([key(1)])).rejects.toMatchObject({ code: 'SAM_CACHE_DAMAGED', keys: [key(1)] });
    expect([cache.size, cache.has(key(0)), cache.has(key(1))]).toEqual([1, true, false]);
    expect(firstDifference(await read(cache, 0), valuesOf(0).map(toHalf))).toBe(-1);
    expect(shards()).toHaveLength(1);
    expect(shards()).not.toContain(first);
    cache.dispose();
  });

  it('a shard cut short is dropped when the cache is opened', async () => {
    await filled('fp16', 0, 1);
    truncateSync(join(folder, shards()[0]!), EMBEDDING * 3);
    const cache = await open();
    expect([cache.size, shards()]).toEqual([0, []]);
    cache.dispose();
  });

  it('a shard cut short, or deleted, while the cache is open', async () => {
    await filled('fp16', 0);
    const cache = await open();
    truncateSync(join(folder, shards()[0]!), 100_000);
    await expect(cache.read([key(0)])).rejects.toMatchObject({ code: 'SAM_CACHE_DAMAGED', keys: [key(0)] });
    await write(cache, 0);
    await cache.flush();
    rmSync(join(folder, shards()[0]!));
    await expect(cache.read([key(0)])).rejects.toMatchObject({ code: 'SAM_CACHE_DAMAGED', keys: [key(0)] });
    expect(cache.size).toBe(0);
    cache.dispose();
  });

  it('what is no shard is let be', async () => {
    writeFileSync(join(folder, 'notes.txt'), 'mine');
    writeFileSync(join(folder, 'empty.safetensors'), '');
    const cache = await open();
    expect(readdirSync(folder)).toEqual(['notes.txt']);
    cache.dispose();
  });

  it('two caches write to one folder at once', async () => {
    const [one, other] = await Promise.all([open(), open()]);
    const numbers = Array.from({ length: 10 }, (_, i) => i);
    // The same keys too: both processes may encode the same image.
    await Promise.all([write(one, ...numbers), write(other, ...numbers.map((i) => i + 5))]);
    await Promise.all([one.flush(), other.flush()]);
    one.dispose();
    other.dispose();
    const both = await open();
    expect(both.size).toBe(15);
    for (const i of [0, 7, 14]) {
      expect(firstDifference(await read(both, i), valuesOf(i).map(toHalf))).toBe(-1);
    }
    both.dispose();
  });

  it('exports as fp32 under other names', async () => {
    const cache = await open();
    await write(cache, 0, 1);
    await cache.flush();
    await write(cache, 2);
    const path = join(folder, 'out.bin');
    const names = ['river/ä "b"', 'second', 'third'];
    await cache.export({ path, keys: [2, 0, 1].map(key), names });
    const { tensors } = await readSafetensorsHeader(path);
    expect(Object.keys(tensors)).toEqual(names);
    expect(tensors.second).toEqual({
      dtype: 'F32',
      shape: [256, 64, 64],
      offset: expect.any(Number),
      bytes: EMBEDDING * 4,
    });
    const bytes = readFileSync(path);
    const start = 8 + Number(bytes.readBigUInt64LE(0));
    const second = new Float32Array(
      new Uint8Array(bytes.subarray(start + EMBEDDING * 4, start + EMBEDDING * 8)).buffer,
    );
    expect(firstDifference(second, valuesOf(0).map(toHalf))).toBe(-1);
    cache.dispose();
  });

  it('an export that fails leaves nothing behind', async () => {
    const cache = await open();
    await write(cache, 0);
    const options = { path: join(folder, 'out.bin'), keys: [key(0), key(9)], names: ['a', 'b'] };
    await expect(cache.export(options)).rejects.toMatchObject({ code: 'SAM_BAD_ARGUMENT' });
    expect(readdirSync(folder)).toEqual([]);
    cache.dispose();
  });

  it('refuses what it does not have, and what is no embedding', async () => {
    const cache = await open();
    const two = addon.embeddingsFrom(new Float32Array(2 * EMBEDDING));
    await expect(cache.read([key(0)])).rejects.toMatchObject({ code: 'SAM_BAD_ARGUMENT' });
    await expect(cache.write(key(0), two)).rejects.toMatchObject({ code: 'SAM_BAD_SHAPE' });
    expect(() => cache.has(7 as never)).toThrow(expect.objectContaining({ code: 'SAM_BAD_ARGUMENT' }));
    expect(() => cache.read([7] as never)).toThrow(expect.objectContaining({ code: 'SAM_BAD_ARGUMENT' }));
    expect(cache.size).toBe(0);
    two.dispose();
    cache.dispose();
    expect(() => cache.has(key(0))).toThrow(expect.objectContaining({ code: 'SAM_DISPOSED' }));
    expect(() => cache.size).toThrow(expect.objectContaining({ code: 'SAM_DISPOSED' }));
  });

  it('a folder that cannot be made', async () => {
    writeFileSync(join(folder, 'file'), '');
    const directory = join(folder, 'file', 'cache');
    await expect(addon.openCache({ directory, precision: 'fp16' })).rejects.toMatchObject({ code: 'SAM_IO' });
  });
});

describe('safetensors that are written', () => {
  it('hold names, shapes and values as given', async () => {
    const path = join(folder, 'tensors.safetensors');
    const values = Float32Array.of(1, -2, 3.5, 4, 5, 6, 1e-30, -0);
    await addon.saveTensors({ path, names: ['b', 'a "quoted" \n'], shape: [2, 2], values });
    const { tensors } = await readSafetensorsHeader(path);
    expect(tensors).toEqual({
      b: { dtype: 'F32', shape: [2, 2], offset: expect.any(Number), bytes: 16 },
      'a "quoted" \n': { dtype: 'F32', shape: [2, 2], offset: expect.any(Number), bytes: 16 },
    });
    const bytes = readFileSync(path);
    const length = Number(bytes.readBigUInt64LE(0));
    expect((8 + length) % 8).toBe(0);
    // In the order of their names.
    expect(new Float32Array(new Uint8Array(bytes.subarray(8 + length)).buffer)).toEqual(
      Float32Array.of(5, 6, 1e-30, -0, 1, -2, 3.5, 4),
    );
    expect(readdirSync(folder)).toEqual(['tensors.safetensors']);
  });

  it('may have a name as long as the file system allows', async () => {
    const name = `${'n'.repeat(243)}.safetensors`;
    await addon.saveTensors({ path: join(folder, name), names: ['a'], shape: [1], values: Float32Array.of(1) });
    expect(readdirSync(folder)).toEqual([name]);
  });

  it.each([
    ['too few values', [4], 3],
    ['a negative side', [-1, -1], 1],
    ['sides whose product overflows', [2 ** 32, 2 ** 32], 0],
  ])('not with %s', async (_what, shape, count) => {
    const path = join(folder, 'none.safetensors');
    const call = async () => addon.saveTensors({ path, names: ['a'], shape, values: new Float32Array(count) });
    await expect(call()).rejects.toMatchObject({ code: 'SAM_BAD_SHAPE' });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('a checkpoint brings a trainer back to where it was, bit for bit', async () => {
    const path = join(folder, 'checkpoint.safetensors');
    const batch = batchOf(addon);
    const [model, other] = [await loadModel(addon), await loadModel(addon)];
    const [trainer, resumed] = [addon.createTrainer(model, TRAINING), addon.createTrainer(other, TRAINING)];
    for (let i = 0; i < 2; i++) await trainer.step(batch, STEP);
    await trainer.save(path, { epoch: '2', note: 'ä "quoted"\n\u0001' });
    expect((await readSafetensorsHeader(path)).metadata).toEqual({ epoch: '2', note: 'ä "quoted"\n\u0001' });
    await resumed.restore(path);
    expect(await resumed.step(batch, STEP)).toEqual(await trainer.step(batch, STEP));
    for (const handle of [trainer, resumed, model, other, batch.embeddings]) handle.dispose();
  });
});

/** A file with this header, and 64 bytes of data. */
function withHeader(header: string | Buffer, claimed = BigInt(Buffer.byteLength(header))): string {
  const path = join(folder, 'attack.safetensors');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(claimed);
  writeFileSync(path, Buffer.concat([length, Buffer.from(header), Buffer.alloc(64)]));
  return path;
}

const tensor = (change: Record<string, unknown> = {}) => ({
  dtype: 'F32',
  shape: [4],
  data_offsets: [0, 16],
  ...change,
});
const withTensors = (...tensors: unknown[]) =>
  withHeader(JSON.stringify(Object.fromEntries(tensors.map((entry, i) => [`tensor${i}`, entry]))));

describe('weights that are not what they say', () => {
  const refused = async (path: string, message: RegExp) => {
    const options = { weights: path, device: 'cpu', precision: 'fp32' } as const;
    await expect(addon.loadModel(options)).rejects.toMatchObject({
      code: 'SAM_BAD_CHECKPOINT',
      message: expect.stringMatching(message),
    });
    await expect(addon.loadModel(options)).rejects.toThrow(path);
  };

  it.each<[string, () => string, RegExp]>([
    ['a header of 2^60 bytes', () => withHeader('{}', 2n ** 60n), /header claims 1152921504606846976 bytes/],
    ['a header of 2^64 - 1 bytes', () => withHeader('{}', 2n ** 64n - 1n), /header claims/],
    ['a header longer than the file', () => withHeader('{}', 67n), /header claims 67 bytes/],
    ['no header', () => withHeader('', 0n), /safetensors/],
    ['a header that is no JSON', () => withHeader('{"a":'), /safetensors/],
    ['a header that is not an object', () => withHeader('[]'), /not an object/],
    ['a header nested 100,000 deep', () => withHeader('['.repeat(100_000)), /safetensors/],
    ['bytes that are no text', () => withHeader(Buffer.alloc(32, 0xff)), /safetensors/],
    ['tensors that overlap', () => withTensors(tensor(), tensor({ data_offsets: [8, 24] })), /overlap/],
    ['two tensors in one place', () => withTensors(tensor(), tensor()), /overlap/],
    ['an unknown type', () => withTensors(tensor({ dtype: 'F7' })), /unknown type 'F7'/],
    ['a type that is a number', () => withTensors(tensor({ dtype: 32 })), /dtype/],
    ['offsets past the end', () => withTensors(tensor({ data_offsets: [56, 72] })), /cut short/],
    ['offsets far past the end', () => withTensors(tensor({ data_offsets: [2 ** 52, 2 ** 52 + 16] })), /cut short/],
    ['offsets that go back', () => withTensors(tensor({ data_offsets: [16, 0] })), /offsets/],
    ['negative offsets', () => withTensors(tensor({ data_offsets: [-16, 0] })), /offset/],
    ['offsets that are not whole', () => withTensors(tensor({ data_offsets: [0.5, 16.5] })), /offset/],
    ['three offsets', () => withTensors(tensor({ data_offsets: [0, 8, 16] })), /data_offsets/],
    ['offsets that do not fit the shape', () => withTensors(tensor({ shape: [5] })), /do not fit/],
    ['a shape that overflows', () => withTensors(tensor({ shape: [2 ** 32, 2 ** 32] })), /larger than the file/],
    ['a shape that overflows to what is there', () => withTensors(tensor({ shape: [2 ** 53, 2 ** 11, 4] })), /larger/],
    ['a negative side', () => withTensors(tensor({ shape: [-2, -2] })), /shape/],
    ['no shape', () => withTensors(tensor({ shape: undefined })), /shape/],
    ['a tensor that is a number', () => withTensors(7), /not described/],
    ['no weights in it', () => withTensors(tensor()), /attack/],
    ['no tensors in it', () => withTensors(), /attack/],
  ])('%s', async (_what, make, message) => {
    await refused(make(), message);
  });

  it.each([0, 7, 8, 5000])('real weights cut to %i bytes', async (bytes) => {
    const path = join(folder, 'cut.safetensors');
    writeFileSync(path, readFileSync(process.env.SAM_TEST_WEIGHTS!).subarray(0, bytes));
    await refused(path, /cut\.safetensors/);
  });

  it('real weights without their last byte', async () => {
    const path = join(folder, 'cut.safetensors');
    writeFileSync(path, readFileSync(process.env.SAM_TEST_WEIGHTS!).subarray(0, -1));
    await refused(path, /cut short/);
  });

  it('bytes after the tensors do no harm', async () => {
    const path = join(folder, 'long.safetensors');
    writeFileSync(path, readFileSync(process.env.SAM_TEST_WEIGHTS!));
    appendFileSync(path, 'more');
    const model = await addon.loadModel({ weights: path, device: 'cpu', precision: 'fp32' });
    model.dispose();
  });

  it('a checkpoint that cannot be restored leaves the trainer as it was', async () => {
    const model = await loadModel(addon);
    const trainer = addon.createTrainer(model, TRAINING);
    const batch = batchOf(addon);
    const before = await trainer.validate(batch);
    for (const path of [withTensors(tensor()), withHeader('{}', 2n ** 60n)]) {
      await expect(trainer.restore(path)).rejects.toMatchObject({ code: 'SAM_BAD_CHECKPOINT' });
      expect(await trainer.validate(batch)).toEqual(before);
    }
    for (const handle of [trainer, model, batch.embeddings]) handle.dispose();
  });
});
