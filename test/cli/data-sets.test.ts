/**
 * Data sets of every kind, trained on as a user does, all made of the same drawn rivers: as COCO JSON, as a list with several objects
 * to a mask, and as a data set on a (local) Hugging Face Hub.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeMask, imageSize } from '../../lib/data/decode.js';
import { openSplit } from '../../lib/data/open-data.js';
import type { Sample } from '../../lib/data/sample.js';
import { toRle } from '../../lib/data/sources/coco/rle.js';
import type { EmbedImagesResult } from '../../lib/embeddings/embed-images.js';
import type { TrainResult } from '../../lib/runs/events.js';
import type { EvaluateResult } from '../../lib/tasks/evaluate/evaluate.js';
import type { PreviewResult } from '../../lib/tasks/preview/preview.js';
import { pictureColumns } from '../data/parquet-fixtures.js';
import { HubServer } from '../hub-server.js';
import { compile, runCli } from './run-cli.js';

const [TRAIN, VALIDATION] = [2, 1];

let dir: string;
let splits: Record<'train' | 'validation', Sample[]>;

beforeAll(async () => {
  compile();
  dir = await mkdtemp(join(tmpdir(), 'sam-native-sets-'));
  const rivers = { data: 'sample:rivers', skipBad: false, cacheDir: join(dir, 'cache') };
  splits = {
    train: await openSplit({ ...rivers, split: 'train', limit: TRAIN }),
    validation: await openSplit({ ...rivers, split: 'validation', limit: VALIDATION }),
  };
}, 600_000);
afterAll(() => rm(dir, { recursive: true, force: true }));

async function json<T>(args: string[], env: Record<string, string> = {}): Promise<T> {
  const outcome = await runCli([...args, '--json', '--cache-dir', join(dir, 'cache')], { cwd: dir, env });
  expect(outcome).toMatchObject({ code: 0 });
  return outcome.json<T>();
}

const recipe = ['--model', 'mobile-sam', '--epochs', '1', '--batch-size', '4'];
const train = (name: string, data: string[], env?: Record<string, string>) =>
  json<TrainResult>(['train', ...data, ...recipe, '--out', join(dir, 'runs', name)], env);

const maskOf = async (sample: Sample) => decodeMask(sample, await imageSize(sample));

/** Two annotations an image: its water as RLE, and a square of land or water. */
async function cocoOf(samples: readonly Sample[]): Promise<string> {
  const images: object[] = [];
  const annotations: object[] = [];
  for (const [index, sample] of samples.entries()) {
    const mask = await maskOf(sample);
    const { width, height } = mask;
    images.push({ id: index, file_name: basename(sample.image.path), width, height });
    const rle = toRle(mask.values, width, height);
    const square = [[100, 100, 300, 100, 300, 300, 100, 300]];
    annotations.push({ id: index * 2, image_id: index, category_id: 1, segmentation: rle });
    annotations.push({ id: index * 2 + 1, image_id: index, category_id: 2, segmentation: square });
  }
  const categories = [
    { id: 1, name: 'water' },
    { id: 2, name: 'square' },
  ];
  return JSON.stringify({ images, annotations, categories });
}

test('COCO JSON: each annotation is a sample, each image encoded once', async () => {
  for (const [split, samples] of Object.entries(splits))
    await writeFile(join(dir, `${split}.json`), await cocoOf(samples));
  const images = join(splits.train[0]!.image.path, '..', '..', '..');
  const one = ['--data', join(dir, 'train.json'), '--images', join(images, 'train', 'images')];
  const run = await train('coco', [...one, '--validation-fraction', '0.5']);
  expect(run).toMatchObject({ trainImages: 2, validationImages: 2, encodedImages: TRAIN });
  const water = await train('water', [...one, '--categories', 'water', '--validation-fraction', '0.5']);
  expect(water).toMatchObject({ trainImages: 1, validationImages: 1, encodedImages: 0 });
  const embedded = await json<EmbedImagesResult>(['embed', ...one]);
  expect(embedded).toMatchObject({ count: TRAIN, cached: TRAIN });
  const pictures = join(dir, 'pictures');
  const prompts = await json<PreviewResult>(['prompts', ...one, '--out', pictures]);
  expect(prompts.items).toHaveLength(2 * TRAIN);
  expect(prompts.items[1]).toMatchObject({ promptSource: 'ground-truth', maskArea: 200 * 200 });
  const { models, perImage } = await json<EvaluateResult>([
    'evaluate',
    '--models',
    join(dir, 'runs', 'coco'),
    ...one,
    '--split',
    'train',
  ]);
  expect(models[0]!.count).toBe(2 * TRAIN);
  expect(await readFile(perImage, 'utf8')).toContain(`${basename(splits.train[0]!.image.path).split('.')[0]}#0,`);
}, 600_000);

test('a list of masks with several objects', async () => {
  const rows = ['image,mask,split'];
  for (const [split, samples] of Object.entries(splits)) {
    for (const sample of samples) {
      const { values, width, height } = await maskOf(sample);
      // The water left and right of the middle.
      const halves = values.map((value, at) => value * (at % width < width / 2 ? 1 : 2));
      const mask = `${split}-${basename(sample.image.path)}.png`;
      await sharp(halves, { raw: { width, height, channels: 1 } })
        .toColourspace('b-w')
        .png()
        .toFile(join(dir, mask));
      rows.push(`${sample.image.path},${mask},${split}`);
    }
  }
  const list = join(dir, 'rivers.csv');
  await writeFile(list, `${rows.join('\n')}\n`);
  const run = await train('instances', ['--data', list, '--instances', '--on-empty', 'skip']);
  expect(run.trainImages).toBeGreaterThan(TRAIN);
  const left = await train('class', ['--data', list, '--class', '1', '--on-empty', 'skip']);
  expect(left).toMatchObject({ trainImages: TRAIN, validationImages: VALIDATION, encodedImages: 0 });
  expect(left.trainLosses).not.toEqual(run.trainLosses);
}, 600_000);

test('a data set on the Hub: what is learnt is what is learnt from the same pictures in folders', async () => {
  const hub = await HubServer.start();
  const files: Record<string, { bytes: Buffer; lfs: boolean }> = {};
  for (const [split, samples] of Object.entries(splits)) {
    const picture = async (path: string) => ({ bytes: await readFile(path), path: basename(path) });
    const image = await Promise.all(samples.map((sample) => picture(sample.image.path)));
    const mask = await Promise.all(samples.map((sample) => picture(sample.mask!.path)));
    const bytes = Buffer.from(pictureColumns({ image, mask }));
    files[`data/${split}-00000-of-00001.parquet`] = { bytes, lfs: true };
  }
  files['data/test-00000-of-00001.parquet'] = { bytes: Buffer.from('not wanted'), lfs: true };
  const commit = 'c'.repeat(40);
  hub.repositories['someone/rivers'] = {
    dataset: true,
    commits: { [commit]: files },
    refs: { main: commit },
    token: 'mine',
  };
  hub.tokens.push('mine');
  const env = { HF_ENDPOINT: hub.url, HF_HOME: join(dir, 'home'), HF_TOKEN: 'mine' };
  const source = ['--data', 'hf:someone/rivers', '--label-column', 'mask'];
  try {
    const run = await train('hub', source, env);
    expect(hub.paths('files')).toHaveLength(2);
    const folder = await train('folder', ['--data', 'sample:rivers', '--limit', String(TRAIN)]);
    expect(run).toMatchObject({ trainImages: TRAIN, validationImages: VALIDATION });
    expect(run.trainLosses).toEqual(folder.trainLosses);
    const refused = await runCli(['train', ...source, ...recipe, '--json'], {
      cwd: dir,
      env: { ...env, HF_TOKEN: '', HF_HOME: dir },
    });
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('it is private: set HF_TOKEN') });
  } finally {
    await hub.stop();
  }
  const again = await train('offline', source, { ...env, HF_HUB_OFFLINE: '1' });
  expect(again).toMatchObject({ trainImages: TRAIN, encodedImages: 0 });
}, 600_000);

test('--augment: each view is encoded once, and seen in later epochs', async () => {
  const data = ['--data', 'sample:rivers', '--limit', String(TRAIN), '--augment', 'flips'];
  const embedded = await json<EmbedImagesResult>(['embed', ...data]);
  expect(embedded).toMatchObject({ count: 4 * TRAIN + TRAIN });
  expect(embedded.encoded).toBeGreaterThanOrEqual(3 * TRAIN);
  const run = await train('flips', data);
  expect(run.encodedImages).toBe(0);
  expect(run.trainedSamples).toBe(TRAIN);
  const again = await json<TrainResult>(['train', '--resume', join(dir, 'runs', 'flips'), '--epochs', '2']);
  expect(again).toMatchObject({ encodedImages: 0, epochs: 2 });
  const plain = await train('plain', ['--data', 'sample:rivers', '--limit', String(TRAIN)]);
  expect(plain.encodedImages).toBe(0);
  expect(plain.trainLosses[0]).not.toBe(run.trainLosses[0]);
}, 600_000);
