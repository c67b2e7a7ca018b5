/** Random weights: the addon takes them for SAM's, and what comes out of them are ordinary numbers. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { native } from '../../../lib/addon/native.js';
import { runEncoding } from '../../../lib/embeddings/encode.js';
import { decoderShapes, encoderShapes } from '../../../lib/tasks/bench/architecture.js';
import { writeRandomWeights } from '../../../lib/tasks/bench/random-weights.js';

const SMALL = { dim: 32, layers: 3, heads: 2, mlp: 64, globalLayers: [1] };
let dir: string;
let path: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sam-native-random-'));
  path = join(dir, 'model.safetensors');
  await writeRandomWeights(path, { ...encoderShapes(SMALL), ...decoderShapes() });
});
afterAll(() => rm(dir, { recursive: true, force: true }));

test('every tensor is there, under Hugging Face’s names', async () => {
  const info = await native().inspectWeights({ path });
  expect(info).toMatchObject({ names: 'hugging-face', promptEncoder: true, maskDecoder: true, buildable: true });
});

test('an embedding neither vanishes nor grows', async () => {
  const encoder = await native().loadEncoder({ path, device: 'cpu', precision: 'fp32' });
  const pixels = Uint8Array.from({ length: 64 * 64 * 3 }, (_, index) => (index * 7919) % 251);
  const encoding = await encoder.begin({ pixels, width: 64, height: 64 });
  const values = (await runEncoding(encoding)).toFloat32Array();
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
  expect(deviation).toBeGreaterThan(0.1);
  expect(deviation).toBeLessThan(10);
  encoding.dispose();
  encoder.dispose();
});

test('an abort ends the writing', async () => {
  const signal = AbortSignal.abort(new Error('stop'));
  await expect(writeRandomWeights(join(dir, 'other.safetensors'), decoderShapes(), signal)).rejects.toThrow('stop');
});
