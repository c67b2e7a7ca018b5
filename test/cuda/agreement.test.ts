/** A GPU computes what the CPU does: embeddings, masks, training; in all three precisions. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Embeddings, native, type Precision, type SamModel, type Trainer } from '../../lib/addon/native.js';
import { resolveDevice } from '../../lib/device.js';
import { parseLoss } from '../../lib/options.js';
import {
  DEVICE,
  diskBatch,
  encodeOnce,
  iou,
  largestDifference,
  loadModel,
  predictMask,
  SELECTION,
  type Where,
} from './support.js';

const CPU: Where = { device: 'cpu', precision: 'fp32' };
const PRECISIONS: Precision[] = ['fp32', 'bf16', 'fp16'];

let folder: string;
let reference: { embeddings: Embeddings; values: Float32Array; mask: Uint8Array };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sam-cuda-'));
  // Before the CPU computes anything, as one must.
  native().info({ probeCuda: true });
  const embeddings = await encodeOnce(CPU);
  const model = await loadModel(CPU);
  reference = { embeddings, values: embeddings.toFloat32Array(), mask: await predictMask(model, embeddings) };
  model.dispose();
});
afterAll(() => {
  reference.embeddings.dispose();
  rmSync(folder, { recursive: true, force: true });
});

describe('encoding and prediction', () => {
  it('fp32 embeddings agree to 1e-3', async () => {
    const embeddings = await encodeOnce({ device: DEVICE, precision: 'fp32' });
    expect(largestDifference(embeddings.toFloat32Array(), reference.values)).toBeLessThan(1e-3);
    embeddings.dispose();
  });

  it.each(PRECISIONS)('%s masks agree, IoU at least 0.99', async (precision) => {
    const where = { device: DEVICE, precision };
    const embeddings = await encodeOnce(where);
    const model = await loadModel(where);
    expect(iou(await predictMask(model, embeddings), reference.mask)).toBeGreaterThanOrEqual(0.99);
    model.dispose();
    embeddings.dispose();
  });
});

const OPTIONS = { weightDecay: 2e-4, loss: parseLoss('dice+bce+iou'), selection: SELECTION };
const UPDATE = { learningRate: 1e-4, update: true, scale: 1 };

async function withTrainer<T>(where: Where, work: (trainer: Trainer, model: SamModel) => Promise<T>): Promise<T> {
  const model = await loadModel(where);
  const trainer = native().createTrainer(model, OPTIONS);
  try {
    return await work(trainer, model);
  } finally {
    trainer.dispose();
    model.dispose();
  }
}

const lossesOf = (where: Where) =>
  withTrainer(where, async (trainer) => {
    const losses: number[] = [];
    for (let step = 0; step < 10; step++)
      losses.push((await trainer.step(diskBatch(reference.embeddings), UPDATE)).loss);
    return losses;
  });

describe('the cache', () => {
  it('reads into memory that the GPU copies without waiting: masks are those of the embedding itself', async () => {
    const options = { directory: join(folder, 'cache'), precision: 'fp32', device: DEVICE } as const;
    const cache = await native().openCache(options);
    await cache.write('picture', reference.embeddings);
    await cache.flush();
    const model = await loadModel({ device: DEVICE, precision: 'fp32' });
    for (let i = 0; i < 3; i++) {
      const embeddings = await cache.read(['picture']);
      expect(iou(await predictMask(model, embeddings), reference.mask)).toBeGreaterThanOrEqual(0.99);
      embeddings.dispose();
    }
    model.dispose();
    cache.dispose();
  });
});

describe('training', () => {
  it('ten steps in fp32 have the losses of the CPU', async () => {
    const ours = await lossesOf({ device: DEVICE, precision: 'fp32' });
    for (const [i, theirs] of (await lossesOf(CPU)).entries()) {
      expect(Math.abs(ours[i]! - theirs) / theirs).toBeLessThan(1e-2);
    }
  });

  it.each(['bf16', 'fp16'] as const)('ten steps in %s lower the loss', async (precision) => {
    const losses = await lossesOf({ device: DEVICE, precision });
    expect(losses.every(Number.isFinite)).toBe(true);
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
  });

  it('the loss scaler leaves out a step that overflows, and is saved and restored', async () => {
    const where: Where = { device: DEVICE, precision: 'fp16' };
    const path = join(folder, 'fp16.safetensors');
    const batch = diskBatch(reference.embeddings);
    const next = await withTrainer(where, async (trainer) => {
      await trainer.step(batch, UPDATE);
      const { losses: before } = await trainer.validate(batch);
      const skipped = await trainer.step(batch, { ...UPDATE, scale: 1e30 });
      expect(skipped.gradientNorm).not.toSatisfy(Number.isFinite);
      expect(skipped.loss).toSatisfy(Number.isFinite);
      expect((await trainer.validate(batch)).losses).toEqual(before);
      await trainer.save(path, {});
      return (await trainer.step(batch, UPDATE)).loss;
    });
    await withTrainer(where, async (trainer) => {
      await trainer.restore(path);
      expect(Math.abs((await trainer.step(batch, UPDATE)).loss - next)).toBeLessThan(1e-3);
    });
  });

  it('what a GPU has saved, the CPU goes on with', async () => {
    const path = join(folder, 'fp32.safetensors');
    const batch = diskBatch(reference.embeddings);
    const [loss] = await withTrainer({ device: DEVICE, precision: 'fp32' }, async (trainer) => {
      await trainer.step(batch, UPDATE);
      await trainer.save(path, {});
      return (await trainer.validate(batch)).losses;
    });
    await withTrainer(CPU, async (trainer) => {
      await trainer.restore(path);
      expect(Math.abs((await trainer.validate(batch)).losses[0]! - loss!)).toBeLessThan(1e-3);
    });
  });
});

describe('several models', () => {
  it('two on the GPU and one on the CPU, at once, don’t disturb each other', async () => {
    const models = await Promise.all([
      loadModel({ device: DEVICE, precision: 'fp32' }),
      loadModel({ device: DEVICE, precision: resolveDevice(DEVICE, 'auto').precision }),
      loadModel(CPU),
    ]);
    for (let round = 0; round < 3; round++) {
      const masks = await Promise.all(models.map((model) => predictMask(model, reference.embeddings)));
      for (const mask of masks) expect(iou(mask, reference.mask)).toBeGreaterThanOrEqual(0.99);
    }
    models.pop()!.dispose();
    models.pop()!.dispose();
    expect(iou(await predictMask(models[0]!, reference.embeddings), reference.mask)).toBeGreaterThanOrEqual(0.99);
    models[0]!.dispose();
  });
});
