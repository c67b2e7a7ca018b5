/**
 * The main job, as the README has it: fine-tune on labelled pictures, and see that it helps. On the drawn rivers, which every
 * machine has, and on the real photographs where they lie beside the checkout.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PredictImagesResult } from '../lib/prediction/predict-images.js';
import type { TrainResult } from '../lib/runs/events.js';
import type { EvaluateResult } from '../lib/tasks/evaluate/evaluate.js';
import { compile, runCli } from './cli/run-cli.js';

const PHOTOGRAPHS = fileURLToPath(new URL('../../shared/data/stmarg-river', import.meta.url));

const SETS = [
  // Five epochs, as the README's first command; a rate that shows in so few steps.
  { name: 'drawn rivers', data: 'sample:rivers', epochs: 5, lr: 1e-4, gain: 0.05, least: 0.7 },
  ...(existsSync(PHOTOGRAPHS)
    ? [{ name: 'river photographs', data: PHOTOGRAPHS, epochs: 20, lr: 2e-5, gain: 0.05, least: 0.9 }]
    : []),
];

let dir: string;
beforeAll(async () => {
  compile();
  dir = await mkdtemp(join(tmpdir(), 'sam-native-end-to-end-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function json<T>(...args: string[]): Promise<T> {
  const outcome = await runCli([...args, '--json', '--cache-dir', join(dir, 'cache')]);
  expect(outcome).toMatchObject({ code: 0 });
  return outcome.json<T>();
}

describe.each(SETS)('$name', ({ name, data, epochs, lr, gain, least }) => {
  const run = () => join(dir, name, 'run');
  let trained: TrainResult;

  beforeAll(async () => {
    const recipe = ['--model', 'mobile-sam', '--epochs', String(epochs), '--lr', String(lr), '--batch-size', '4'];
    trained = await json<TrainResult>('train', '--data', data, ...recipe, '--out', run());
  }, 600_000);

  test('each image is encoded once, and the loss falls', () => {
    expect(trained.encodedImages).toBe(trained.trainImages + trained.validationImages);
    expect(trained.trainedSamples).toBe(trained.trainImages * epochs);
    expect(trained.trainLosses).toHaveLength(epochs);
    expect(trained.trainLosses.at(-1)!).toBeLessThan(trained.trainLosses[0]!);
    expect(trained.bestLoss).toBe(Math.min(...trained.validationLosses));
  });

  test('held-out masks are better than the untuned ones', async () => {
    const out = join(dir, name, 'scores');
    const { models, perImage } = await json<EvaluateResult>(
      ...['evaluate', '--models', `untuned,${run()}`, '--data', data, '--out', out],
    );
    const [untuned, tuned] = models;
    expect(tuned!.meanIou).toBeGreaterThan(untuned!.meanIou + gain);
    expect(tuned!.meanIou).toBeGreaterThan(least);
    expect((await readFile(perImage, 'utf8')).trim().split('\n')).toHaveLength(1 + 2 * tuned!.count);
  });

  test('masks are written at the size of their pictures', async () => {
    const split =
      data === 'sample:rivers' ? join(dir, 'cache', 'samples', 'rivers-1', 'validation') : join(data, 'validation');
    const { outputs } = await json<PredictImagesResult>(
      ...['predict', join(split, 'images'), '--masks', join(split, 'masks'), '--model', run()],
      ...['--out', join(dir, name, 'masks')],
    );
    expect(outputs).toHaveLength(trained.validationImages);
    for (const { image, mask, score } of outputs) {
      const [picture, drawn] = await Promise.all([sharp(image).metadata(), sharp(mask).metadata()]);
      expect([drawn.width, drawn.height, drawn.channels]).toEqual([picture.width, picture.height, 1]);
      expect(score).toBeGreaterThan(0.3);
    }
  });
});
