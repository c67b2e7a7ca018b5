/** Random weights: whole models that the addon takes for SAM's, the same for the same seed, and ordinary numbers come out of them. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { native } from '../../lib/addon/native.js';
import { defaultCacheDir } from '../../lib/core/cache-dir.js';
import { ENCODERS, namesOf } from '../../lib/models/encoders.js';
import { resolveModel } from '../../lib/models/resolve.js';
import { readTensors } from './pth.js';

const folder = mkdtempSync(join(tmpdir(), 'sam-random-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function write(encoder: string, seed: number): Promise<string> {
  const output = join(folder, `${encoder}-${seed}.safetensors`);
  await native().randomWeights({ encoder, seed, output });
  return output;
}

const shapesIn = (path: string) =>
  Object.fromEntries(Object.entries(readTensors(path)).map(([name, { shape }]) => [name, shape]));
const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

function deviation(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

test.each([
  ['TinyViT', 'meta'],
  ['ViT-B', 'hugging-face'],
])('a %s is found whole, in names that its kind has', async (encoder, names) => {
  const path = await write(encoder, 1);
  const whole = { names, promptEncoder: true, maskDecoder: true, encoder, buildable: true };
  expect(await native().inspectWeights({ path })).toEqual(whole);
});

test('a TinyViT has MobileSAM’s tensors, in their shapes', async () => {
  const { weights } = await resolveModel('mobile-sam', { cacheDir: defaultCacheDir() });
  expect(shapesIn(await write('TinyViT', 1))).toEqual(shapesIn(weights));
});

test('every parameter is random', async () => {
  for (const [name, { bytes }] of Object.entries(readTensors(await write('TinyViT', 1)))) {
    const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    expect(values.length === 1 || values.some((value) => value !== values[0]), name).toBe(true);
  }
});

test('the seed decides', async () => {
  const first = digest(await write('TinyViT', 5));
  expect(digest(await write('TinyViT', 6))).not.toBe(first);
  expect(digest(await write('TinyViT', 5))).toBe(first);
});

test.each(['TinyViT', 'ViT-B'])('%s: embedding and masks neither vanish nor grow', async (name) => {
  const path = await write(name, 1);
  const device = { device: 'cpu', precision: 'fp32' } as const;
  const encoder = await native().loadEncoder({ path, ...device });
  const model = await native().loadModel({ weights: path, ...device });
  const pixels = Uint8Array.from({ length: 64 * 64 * 3 }, (_, index) => (index * 7919) % 251);
  const encoding = await encoder.begin({ pixels, width: 64, height: 64 });
  while (!(await encoding.advance()));
  const embeddings = encoding.embeddings();
  const prompts = { images: 1, promptsPerImage: 1, pointsPerPrompt: 0, boxes: Float32Array.of(200, 300, 700, 800) };
  const { lowResLogits } = await model.decode({ embeddings, prompts, maskOutput: 'multi' });
  for (const values of [embeddings.toFloat32Array(), lowResLogits]) {
    expect(deviation(values)).toBeGreaterThan(0.05);
    expect(deviation(values)).toBeLessThan(20);
  }
  for (const held of [embeddings, encoding, model, encoder]) held.dispose();
});

test('another encoder is refused with the names of those that can be', async () => {
  const output = join(folder, 'never');
  await expect(native().randomWeights({ encoder: 'ViT-G', seed: 0, output })).rejects.toMatchObject({
    code: 'SAM_BAD_ARGUMENT',
    message: expect.stringContaining(namesOf(ENCODERS)),
  });
  expect(existsSync(output)).toBe(false);
});
