/** `embed` and `cache` as a user runs them, with the real encoder, on two of the sample rivers. */
import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EmbedImagesResult } from '../../lib/embeddings/embed-images.js';
import { readSafetensorsHeader } from '../../lib/runs/safetensors-header.js';
import { compile, runCli } from './run-cli.js';

let dir: string;
let cacheDir: string;
let first: EmbedImagesResult;

const embed = (...args: string[]) => runCli(['embed', '--json', '--cache-dir', cacheDir, ...args]);
const rivers = ['--data', 'sample:rivers', '--split', 'validation', '--limit', '2'];

beforeAll(async () => {
  compile();
  dir = await mkdtemp(join(tmpdir(), 'sam-native-embed-'));
  cacheDir = join(dir, 'cache');
  const outcome = await embed(...rivers, '--export', join(dir, 'embeddings.safetensors'), '--precision', 'fp32');
  expect(outcome).toMatchObject({ code: 0 });
  first = outcome.json<EmbedImagesResult>();
}, 300_000);
afterAll(() => rm(dir, { recursive: true, force: true }));

/** The fp32 numbers of each tensor, by name. */
async function tensorsOf(path: string): Promise<Map<string, Float32Array>> {
  const bytes = await readFile(path);
  const length = Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<
    string,
    { data_offsets: [number, number] }
  >;
  const data = bytes.subarray(8 + length);
  const named = Object.entries(header).filter(([name]) => name !== '__metadata__');
  return new Map(
    named.map(
      ([
        name,
        {
          data_offsets: [begin, end],
        },
      ]) => [name, new Float32Array(data.buffer.slice(data.byteOffset + begin, data.byteOffset + end))],
    ),
  );
}

/** The only shard in the cache. */
async function shardPath(): Promise<string> {
  const parent = join(cacheDir, 'embeddings');
  for (const folder of await readdir(parent)) {
    const shard = (await readdir(join(parent, folder))).find((name) => name.endsWith('.safetensors'));
    if (shard !== undefined) return join(parent, folder, shard);
  }
  throw new Error('no shard');
}

describe('embed', () => {
  test('keeps the contract of --json', () => {
    expect(first).toMatchObject({
      count: 2,
      cached: 0,
      encoded: 2,
      bytes: 2 * 2 ** 22,
      skipped: [],
      precision: 'fp32',
    });
    expect(first.secondsPerImage).toBeGreaterThan(0);
    expect(first.model.weightsHash).toMatch(/^[0-9a-f]{64}$/);
  });

  test('finds them again', async () => {
    const again = (await embed(...rivers, '--precision', 'fp32')).json<EmbedImagesResult>();
    expect(again).toMatchObject({ count: 2, cached: 2, encoded: 0, secondsPerImage: 0, model: first.model });
  });

  test('exports fp32 embeddings under the names of the images', async () => {
    const path = join(dir, 'embeddings.safetensors');
    const { tensors } = await readSafetensorsHeader(path);
    expect(Object.values(tensors).map(({ dtype, shape }) => ({ dtype, shape }))).toEqual(
      Array(2).fill({ dtype: 'F32', shape: [256, 64, 64] }),
    );
    expect(Object.keys(tensors)).toEqual(['river-01', 'river-02']);
    const values = [...(await tensorsOf(path)).values()];
    expect(values[0]).not.toEqual(values[1]);
    const deviation = Math.sqrt(values[0]!.reduce((sum, value) => sum + value * value, 0) / values[0]!.length);
    expect(deviation).toBeGreaterThan(0.05);
  });

  test('a damaged shard is noticed, told, and its images are encoded again to the same numbers', async () => {
    const shard = await shardPath();
    const bytes = await readFile(shard);
    bytes.fill(0x55, bytes.length - 4000, bytes.length - 3000);
    await writeFile(shard, bytes);
    const mended = join(dir, 'mended.safetensors');
    const outcome = await embed(...rivers, '--precision', 'fp32', '--export', mended);
    expect(outcome).toMatchObject({ code: 0 });
    expect(outcome.stderr).toContain('damaged');
    expect(await tensorsOf(mended)).toEqual(await tensorsOf(join(dir, 'embeddings.safetensors')));
  });

  test('--no-cache leaves nothing', async () => {
    const before = await readdir(join(cacheDir, 'embeddings'));
    const outcome = await embed(...rivers, '--no-cache', '--precision', 'bf16');
    expect(outcome.json<EmbedImagesResult>()).toMatchObject({ count: 2, encoded: 2 });
    expect(await readdir(join(cacheDir, 'embeddings'))).toEqual(before);
    expect(await readdir(join(cacheDir, 'tmp'))).toEqual([]);
  });

  test('names all pictures that cannot be read; nothing half-written', async () => {
    const source = join(dir, 'photos');
    await cp(join(cacheDir, 'samples', 'rivers-1'), source, { recursive: true });
    const images = (await readdir(join(source, 'validation', 'images'))).sort();
    for (const name of images.slice(0, 2)) await truncate(join(source, 'validation', 'images', name), 2000);
    const args = ['--data', source, '--split', 'validation', '--limit', '3', '--precision', 'fp32'];
    const out = join(dir, 'none.safetensors');
    const failed = await embed(...args, '--export', out);
    expect(failed.code).toBe(2);
    expect(failed.json()).toMatchObject({
      error: { code: 'SAM_BAD_DATA', fix: expect.stringContaining('--skip-bad') },
    });
    for (const name of images.slice(0, 2)) expect(failed.stderr).toContain(name);
    await expect(readFile(out)).rejects.toThrow('ENOENT');
    const skipped = await embed(...args, '--skip-bad');
    expect(skipped.json<EmbedImagesResult>()).toMatchObject({
      count: 1,
      skipped: [expect.anything(), expect.anything()],
    });
  });

  test('an encoder that is none, one that gives something else', async () => {
    const rubbish = join(dir, 'rubbish.pt');
    await writeFile(rubbish, 'not TorchScript');
    const failed = await embed(...rivers, '--encoder', rubbish);
    expect(failed.code).toBe(2);
    expect(failed.json()).toMatchObject({ error: { code: 'SAM_BAD_ENCODER' } });
    expect(failed.stderr).toContain(rubbish);
  });
});

describe('cache', () => {
  test('ls says what is kept, gc makes it smaller', async () => {
    const listed = await runCli(['cache', 'ls', '--json', '--cache-dir', cacheDir]);
    const { bytes, embeddings, models } = listed.json<{
      bytes: number;
      embeddings: { bytes: number; model: string }[];
      models: { path: string }[];
    }>();
    expect(bytes).toBeGreaterThanOrEqual(2 * 2 ** 22);
    expect(embeddings.reduce((sum, folder) => sum + folder.bytes, 0)).toBe(bytes);
    expect(embeddings[0]!.model).toBe('mobile-sam');
    expect(models).toHaveLength(1);
    const collected = await runCli(['cache', 'gc', '--json', '--cache-dir', cacheDir, '--cache-max', '0']);
    expect(collected.json()).toMatchObject({ removedBytes: bytes, bytes: 0 });
    const human = await runCli(['cache', 'ls', '--cache-dir', cacheDir]);
    expect(human.stdout).toContain('0 bytes of embeddings');
  });

  test('an unknown action is refused', async () => {
    expect(await runCli(['cache', 'clear'])).toMatchObject({ code: 2 });
  });
});
