/** The public model, with the real weights, on pictures drawn here: a bright disc on dark ground. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../lib/addon/native.js';
import { bestOf } from '../../lib/prediction/attempts.js';
import type { ImageEmbedding } from '../../lib/prediction/image-embedding.js';
import { SamModel } from '../../lib/prediction/sam-model.js';
import { confusion, scores } from '../../lib/scoring/metrics.js';

const [width, height] = [320, 200];
const centre = [210, 90] as const;
const RADIUS = 50;

let dir: string;
let cacheDir: string;
let model: SamModel;
let embedding: ImageEmbedding;
const pixels = new Uint8Array(width * height * 3);
const disc = new Uint8Array(width * height);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sam-native-model-'));
  cacheDir = join(dir, 'cache');
  for (let i = 0; i < disc.length; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    disc[i] = Math.hypot(x - centre[0], y - centre[1]) <= RADIUS ? 1 : 0;
    pixels.set(disc[i] ? [230, 200, 60] : [40, 60, 50], i * 3);
  }
  model = await SamModel.load('mobile-sam', { cacheDir, device: 'cpu', precision: 'fp32' });
  embedding = await model.embed({ pixels, width, height });
}, 300_000);

afterAll(async () => {
  embedding?.dispose();
  model?.dispose();
  await rm(dir, { recursive: true, force: true });
});

const iou = async (mask: Uint8Array) => scores(await confusion(mask, disc)).iou;

describe('SamModel', () => {
  it('says what it is', () => {
    expect(model.info).toMatchObject({ spec: 'mobile-sam', name: 'mobile-sam' });
    expect([model.device, model.precision]).toEqual(['cpu', 'fp32']);
    expect([embedding.width, embedding.height]).toEqual([width, height]);
  });

  it('finds the disc from a point in it, and from a box around it', async () => {
    const byPoint = await model.predict(embedding, { points: [centre] });
    expect(byPoint.mask).toHaveLength(width * height);
    expect(await iou(byPoint.mask)).toBeGreaterThan(0.95);
    expect(byPoint.score).toBeGreaterThan(0.8);
    expect(byPoint.lowResLogits).toHaveLength(256 * 256);
    const [x, y] = centre;
    const byBox = await model.predict(embedding, {
      box: [x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS],
      maskOutput: 'single',
    });
    expect(await iou(byBox.mask)).toBeGreaterThan(0.95);
  });

  it('predicts an IoU of 1 at most, and still tells the better of two masks', async () => {
    const [inside, apart] = [
      { points: [centre], labels: [1] },
      { points: [centre, [40, 150]], labels: [1, 0] },
    ] as const;
    const guesses = [];
    for (const { points, labels } of [inside, apart]) {
      const { lowResLogits: _, ...decoded } = await model.decode(embedding, [{ points, labels, box: null }]);
      guesses.push(Math.max(...decoded.iouPredictions));
      expect((await model.predict(embedding, { points, labels })).score).toBe(1);
    }
    expect(guesses[0]).toBeGreaterThan(1); // what the decoder says: a linear layer, bounded by nothing
    expect(guesses[1]).toBeGreaterThan(guesses[0]!);
    const prompts = [inside, apart, inside].map((prompt) => ({ ...prompt, box: null }));
    expect(await bestOf(model, embedding, prompts, {})).toMatchObject({ attempt: 2, prediction: { score: 1 } });
  });

  it('finds the rest from a point outside', async () => {
    const { mask } = await model.predict(embedding, { points: [[40, 150]] });
    expect(mask[centre[1] * width + centre[0]]).toBe(0);
    expect(mask[150 * width + 40]).toBe(255);
  });

  it('takes each point for itself, too', async () => {
    const points = [centre, [centre[0] + 15, centre[1]]] as const;
    for (const multiMask of ['best', 'mean'] as const) {
      const { mask } = await model.predict(embedding, { points, pointSets: 'separate', multiMask });
      expect(await iou(mask)).toBeGreaterThan(0.9);
    }
  });

  it("pads missing points as the article's training does, if asked", async () => {
    const how = { points: [centre], pointSets: 'separate', multiMask: 'mean' } as const;
    const plain = await model.predict(embedding, how);
    expect((await model.predict(embedding, { ...how, padTo: 1 })).lowResLogits).toEqual(plain.lowResLogits);
    // The masks of the padding count in the mean.
    const padded = await model.predict(embedding, { ...how, padTo: 3 });
    expect(padded.lowResLogits).not.toEqual(plain.lowResLogits);
    const more = await model.predict(embedding, { ...how, padTo: 2 });
    const [one, two, three] = [plain, more, padded].map(({ lowResLogits }) => lowResLogits[5000]!);
    expect(three! * 3 - one!).toBeCloseTo(2 * (two! * 2 - one!), 3);
  });

  it('a path, a file in memory and pixels are one picture', async () => {
    const png = await sharp(pixels, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    const path = join(dir, 'disc.png');
    await sharp(png).toFile(path);
    for (const image of [path, png]) {
      const other = await model.embed(image);
      expect(other.embeddings.toFloat32Array()).toEqual(embedding.embeddings.toFloat32Array());
      other.dispose();
    }
  });

  it('a squashed picture gives its masks at the original size', async () => {
    const squashed = await model.embed({ pixels, width, height }, { imageSize: 256 });
    const { mask } = await model.predict(squashed, { points: [centre] });
    expect(await iou(mask)).toBeGreaterThan(0.9);
    squashed.dispose();
  });

  it('refuses what makes no sense', async () => {
    await expect(model.predict(embedding, {})).rejects.toMatchObject({ code: 'SAM_BAD_ARGUMENT' });
    await expect(model.predict(embedding, { points: [[500, 20]] })).rejects.toThrow('320 x 200');
    await expect(model.embed(join(dir, 'gone.png'))).rejects.toMatchObject({ code: 'SAM_NOT_FOUND' });
    await expect(model.embed(Buffer.from('no picture'))).rejects.toMatchObject({ code: 'SAM_BAD_DATA' });
    await expect(SamModel.load('mobile-sam', { device: 'cuda:99', cacheDir })).rejects.toMatchObject({
      code: 'SAM_NO_CUDA',
    });
  });

  it('stops when aborted, with the reason', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const work = model.embed({ pixels, width, height }, { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 30);
    await expect(work).rejects.toBe(reason);
    await expect(model.embed({ pixels, width, height }, { signal: controller.signal })).rejects.toBe(reason);
    await expect(model.predict(embedding, { points: [centre], signal: controller.signal })).rejects.toBe(reason);
    await expect(SamModel.load('mobile-sam', { cacheDir, signal: controller.signal })).rejects.toBe(reason);
  });

  it('frees what it held', async () => {
    const before = native().info().liveHandles;
    const other = await SamModel.load('mobile-sam', { cacheDir, device: 'cpu', precision: 'fp32' });
    const [one, two] = await Promise.all([
      other.embed({ pixels, width, height }),
      other.embed({ pixels, width, height }),
    ]);
    expect(one.embeddings.toFloat32Array()).toEqual(two.embeddings.toFloat32Array());
    one.dispose();
    two.dispose();
    other.dispose();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(native().info().liveHandles).toBe(before);
    await expect(other.embed({ pixels, width, height })).rejects.toMatchObject({ code: 'SAM_DISPOSED' });
    await expect(other.predict(embedding, { points: [centre] })).rejects.toMatchObject({ code: 'SAM_DISPOSED' });
  });
});
