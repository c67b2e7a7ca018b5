/**
 * The commands on Parquet files, as a user runs them: what is learnt is what is learnt from the same pictures in folders. On the
 * drawn rivers, which every machine has, and on the real photographs where they lie beside the checkout.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSplit } from '../../lib/data/open-data.js';
import type { EmbedImagesResult } from '../../lib/embeddings/embed-images.js';
import type { TrainResult } from '../../lib/runs/events.js';
import type { EvaluateResult } from '../../lib/tasks/evaluate/evaluate.js';
import { type Picture, writePictures } from '../data/parquet-fixtures.js';
import { compile, runCli } from './run-cli.js';

const PHOTOGRAPHS = fileURLToPath(new URL('../../../shared/data/stmarg-river', import.meta.url));
const LIMIT = 4;

let dir: string;
beforeAll(async () => {
  compile();
  dir = await mkdtemp(join(tmpdir(), 'sam-native-parquet-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const cli = (args: string[], cwd = dir) => runCli([...args, '--json', '--cache-dir', join(dir, 'cache')], { cwd });
async function json<T>(args: string[], cwd?: string): Promise<T> {
  const outcome = await cli(args, cwd);
  expect(outcome).toMatchObject({ code: 0 });
  return outcome.json<T>();
}

/** The first samples of a split, as a Parquet file of small row groups, its rows in an order of their own. */
async function toParquet(data: string, split: string, path: string): Promise<void> {
  const all = await openSplit({ data, split, limit: LIMIT, skipBad: false, cacheDir: join(dir, 'cache') });
  const samples = [...all.slice(2), ...all.slice(0, 2)];
  const read = (file: string): Promise<Picture> => readFile(file).then((bytes) => ({ bytes, path: basename(file) }));
  const photo = await Promise.all(samples.map(({ image }) => read(image.path)));
  const water = await Promise.all(samples.map(({ mask }) => read(mask!.path)));
  await writePictures(path, { photo, water }, { rowGroupSize: 3 });
}

describe.each([
  { name: 'drawn rivers', data: 'sample:rivers' },
  ...(existsSync(PHOTOGRAPHS) ? [{ name: 'river photographs', data: PHOTOGRAPHS }] : []),
])('$name', ({ name, data }) => {
  const columns = ['--image-column', 'photo', '--label-column', 'water'];
  const recipe = ['--model', 'mobile-sam', '--epochs', '1', '--batch-size', '2', '--limit', String(LIMIT)];
  const set = () => join(dir, name);
  const run = () => join(dir, `${name} run`);
  let folder: TrainResult;
  let parquet: TrainResult;

  beforeAll(async () => {
    await toParquet(data, 'train', join(set(), 'data', 'train-00000-of-00001.parquet'));
    await toParquet(data, 'validation', join(set(), 'data', 'val-00000-of-00001.parquet'));
    folder = await json(['train', '--data', data, ...recipe, '--out', join(dir, `${name} folder`)]);
    // From another folder than that of the later commands, by a relative path.
    parquet = await json(['train', '--data', 'data', ...columns, ...recipe, '--out', run()], set());
  }, 600_000);

  test('train: the same losses as from folders, and the same embeddings', () => {
    expect(parquet).toMatchObject({ trainImages: LIMIT, validationImages: LIMIT, encodedImages: 0 });
    expect(parquet.trainLosses).toEqual(folder.trainLosses);
    expect(parquet.validationLosses).toEqual(folder.validationLosses);
  });

  test('--resume finds data and columns again', async () => {
    const { trainLosses } = await json<TrainResult>(['train', '--resume', run(), '--epochs', '2']);
    expect(trainLosses).toHaveLength(2);
    expect(trainLosses[0]).toBe(parquet.trainLosses[0]);
  });

  test('evaluate and embed', async () => {
    const scored = [
      'evaluate',
      '--models',
      'mobile-sam',
      '--limit',
      String(LIMIT),
      '--out',
      join(dir, `${name} scores`),
    ];
    const [own] = (await json<EvaluateResult>([...scored, '--data', set(), ...columns])).models;
    const [other] = (await json<EvaluateResult>([...scored, '--data', data])).models;
    expect(own).toEqual(other);
    const embedded = await json<EmbedImagesResult>(['embed', '--data', set(), ...columns]);
    expect(embedded).toMatchObject({ count: 2 * LIMIT, encoded: 0 });
  });
});

test('bad files are one clear line, and exit code 2', async () => {
  const path = join(dir, 'bad', 'train.parquet');
  await writePictures(path, { image: [], label: [] });
  const refused = async (error: string, fix: string) => {
    const { code, stderr, json } = await cli(['train', '--data', path, '--validation-fraction', '0.5']);
    expect({ code, stderr }).toMatchObject({ code: 2 });
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(json()).toMatchObject({
      error: { code: 'SAM_BAD_DATA', message: error, fix: expect.stringContaining(fix) },
    });
  };
  await refused(`the split 'train' in ${path} holds no row`, '--image-column');
  await writePictures(path, { picture: [], label: [] });
  await refused(`${path} has no column 'image' (there: picture, label)`, '--image-column');
  await truncate(path, 100);
  await refused(`${path} is cut short: its end is missing`, 'copy or download');
});
