/** Prompts that a picture's embedding is asked with: one, many, and all masks of each; with the real weights. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PredictPrompt } from '../../lib/prediction/ask-decoder.js';
import { ImageEmbedding } from '../../lib/prediction/image-embedding.js';
import type { Prediction } from '../../lib/prediction/prediction.js';
import { SamModel } from '../../lib/prediction/sam-model.js';

const [width, height] = [320, 200];
const discs = [
  [70, 60],
  [160, 130],
  [260, 80],
] as const;
const RADIUS = 30;
const isIn = ([x0, y0]: readonly [number, number], x: number, y: number) => Math.hypot(x - x0, y - y0) <= RADIUS;

let dir: string;
let model: SamModel;
let embedding: ImageEmbedding;
const pixels = new Uint8Array(width * height * 3);
for (let at = 0; at < width * height; at++) {
  const [x, y] = [at % width, Math.floor(at / width)];
  pixels.set(discs.some((disc) => isIn(disc, x, y)) ? [230, 200, 60] : [40, 60, 50], at * 3);
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sam-native-embedding-'));
  model = await SamModel.load('mobile-sam', { cacheDir: join(dir, 'cache'), device: 'cpu', precision: 'fp32' });
  embedding = await model.embed({ pixels, width, height });
}, 300_000);

afterAll(async () => {
  embedding?.dispose();
  model?.dispose();
  await rm(dir, { recursive: true, force: true });
});

/** Share of pixels that two masks agree about. */
function agreement(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, value, at) => sum + (value === b[at] ? 1 : 0), 0) / a.length;
}

function expectSame(one: Prediction, other: Prediction): void {
  expect(agreement(one.mask, other.mask)).toBeGreaterThan(0.999);
  expect(one.rawScore).toBeCloseTo(other.rawScore, 4);
  for (const at of [0, 5000, 20000]) expect(one.lowResLogits[at]).toBeCloseTo(other.lowResLogits[at]!, 2);
}

test('one prompt: what the model predicts, with its options before or behind', async () => {
  const prompt = { points: [discs[0]] };
  const one = await embedding.predict(prompt);
  expect(one.mask).toEqual((await model.predict(embedding, prompt)).mask);
  const single = await embedding.predict(prompt, { maskOutput: 'single' });
  expect(single.lowResLogits).toEqual((await embedding.predict({ ...prompt, maskOutput: 'single' })).lowResLogits);
  expect(single.lowResLogits).not.toEqual(one.lowResLogits);
});

test('many prompts: the masks that each has alone, in their order, of few calls', async () => {
  const [first, second, third] = discs;
  const box = [second[0] - RADIUS, second[1] - RADIUS, second[0] + RADIUS, second[1] + RADIUS] as const;
  const before = await embedding.predict({ points: [third] });
  const prompts: PredictPrompt[] = [
    { points: [first] },
    { box },
    { points: [third, [20, 180]], labels: [1, 0] },
    { points: [second] },
    { points: [third], maskPrompt: before.lowResLogits },
    { points: [third] },
  ];
  const found = await embedding.predict(prompts);
  expect(found).toHaveLength(prompts.length);
  for (const [index, prompt] of prompts.entries()) expectSame(found[index]!, await embedding.predict(prompt));
  const there = found.map(({ mask }) => discs.findIndex(([x, y]) => mask[y * width + x] === 255));
  expect(there).toEqual([0, 1, 2, 1, 2, 2]);
  expect(found[0]!.lowResLogits.buffer.byteLength).toBe(256 * 256 * 4); // nobody else's are kept with them
});

test('more prompts than go through at once', async () => {
  const prompts = Array.from({ length: 34 }, (_, index) => ({ points: [discs[index % 3]!] }));
  const found = await embedding.predict(prompts);
  expect(found.map(({ mask }) => discs.findIndex(([x, y]) => mask[y * width + x] === 255))).toEqual(
    prompts.map((_, index) => index % 3),
  );
});

test('no prompts: no masks', async () => {
  expect(await embedding.predict([])).toEqual([]);
});

test('multimask: the three masks of a prompt, best first', async () => {
  const prompt = { points: [discs[0]] };
  const all = await embedding.predict(prompt, { multimask: true });
  expect(all).toHaveLength(3);
  const scores = all.map(({ rawScore }) => rawScore);
  expect(scores).toEqual([...scores].sort((a, b) => b - a));
  expectSame(all[0]!, await embedding.predict(prompt));
  const { iouPredictions } = await model.decode(embedding, [{ ...prompt, labels: [1], box: null }]);
  expect([...iouPredictions].sort((a, b) => b - a)).toEqual(scores);
  expect((await embedding.predict({ ...prompt, multimask: true }))[2]!.mask).toEqual(all[2]!.mask);
  expect((await model.predict(embedding, { ...prompt, multimask: true }))[1]!.mask).toEqual(all[1]!.mask);
});

test('multimask of many prompts, of one mask, and of separate points', async () => {
  const prompts = discs.map((disc) => ({ points: [disc] }));
  const found = await embedding.predict(prompts, { multimask: true });
  expect(found.map((masks) => masks.length)).toEqual([3, 3, 3]);
  for (const [index, [best]] of found.entries()) expectSame(best!, await embedding.predict(prompts[index]!));
  expect(await embedding.predict(prompts[0]!, { multimask: true, maskOutput: 'single' })).toHaveLength(1);
  const apart = { points: discs.slice(0, 2), pointSets: 'separate' } as const;
  const each = await embedding.predict(apart, { multimask: true });
  expect(each).toHaveLength(6);
  expectSame(each[0]!, await embedding.predict(apart));
});

test('separate points and padding answer many prompts as they do one', async () => {
  const prompts = [{ points: discs.slice(0, 2) }, { points: discs.slice(1) }];
  for (const how of [{ pointSets: 'separate', multiMask: 'mean' }, { padTo: 4 }] as const) {
    const found = await embedding.predict(prompts, how);
    for (const [index, prompt] of prompts.entries()) expectSame(found[index]!, await embedding.predict(prompt, how));
  }
});

test('where there is no picture there is no mask, of any prompt', async () => {
  const valid = new Uint8Array(width * height).fill(1);
  valid.fill(0, 0, 60 * width);
  using half = await model.embed({ pixels, width, height, valid });
  const found = await half.predict(discs.map((disc) => ({ points: [disc] })));
  for (const { mask, box } of found) {
    expect(mask.subarray(0, 60 * width).includes(255)).toBe(false);
    expect(box![1]).toBeGreaterThanOrEqual(60);
  }
});

test('a mask of a picture from a Blob, as PNG', async () => {
  const png = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  using other = await model.embed(new Blob([new Uint8Array(png)]));
  const { mask } = await other.predict({ points: [discs[1]] });
  expect(mask).toEqual((await embedding.predict({ points: [discs[1]] })).mask);
});

describe('refused', () => {
  test('what is no key of a prompt, with its place and the key that was meant', async () => {
    // @ts-expect-error
    await expect(embedding.predict({ point: [[1, 1]] })).rejects.toMatchObject({
      message: 'unknown option `point`',
      fix: 'did you mean `points`?',
    });
    // @ts-expect-error
    await expect(embedding.predict([{ points: [[1, 1]] }, { boxes: [1, 1, 9, 9] }])).rejects.toMatchObject({
      code: 'SAM_BAD_OPTION',
      message: 'prompt 2 of 2: unknown option `boxes`',
      fix: 'did you mean `box`?',
    });
    // @ts-expect-error
    await expect(embedding.predict({ points: [[1, 1]] }, { multimasks: true })).rejects.toMatchObject({
      fix: expect.stringMatching(/^did you mean `multi[mM]ask`\?$/),
    });
    await expect(embedding.predict([{ points: [[999, 1]] }])).rejects.toMatchObject({
      code: 'SAM_BAD_ARGUMENT',
      message: expect.stringMatching(/^prompt 1 of 1: point 999,1 lies outside/),
    });
    await expect(embedding.predict({ points: [[1, 1]], maskPrompt: new Float32Array(9) })).rejects.toMatchObject({
      message: '`maskPrompt` (a Float32Array): expected the 256 x 256 logits of a mask, a Float32Array',
    });
  });

  test('padding that no memory would hold', async () => {
    await expect(embedding.predict({ points: [[1, 1]], padTo: 1e9 })).rejects.toMatchObject({
      code: 'SAM_BAD_OPTION',
      message: '`padTo` 1000000000: expected at most 2000',
    });
  });

  test('an embedding that no model made', async () => {
    const own = new ImageEmbedding(embedding.embeddings, width, height);
    await expect(own.predict({ points: [[1, 1]] })).rejects.toMatchObject({
      code: 'SAM_BAD_ARGUMENT',
      fix: 'ask a model with it: model.predict(embedding, prompt)',
    });
    expect((await model.predict(own, { points: [discs[0]] })).area).toBeGreaterThan(0);
  });

  test('a signal that is aborted, before and between calls of the decoder', async () => {
    const reason = new Error('enough');
    const prompts = Array.from({ length: 200 }, () => ({ points: [discs[0]] }));
    await expect(embedding.predict(prompts, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const work = embedding.predict(prompts, { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 1);
    await expect(work).rejects.toBe(reason);
    const decoding = model.decode(embedding, [{ points: [[1, 1]], labels: [1], box: null }], 'multi', {
      signal: AbortSignal.abort(reason),
    });
    await expect(decoding).rejects.toBe(reason);
  });

  test('an embedding or model that is disposed of', async () => {
    const other = await model.embed({ pixels, width, height });
    other.dispose();
    await expect(other.predict({ points: [[1, 1]] })).rejects.toMatchObject({ code: 'SAM_DISPOSED' });
  });
});
