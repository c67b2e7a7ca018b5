/** `prompts`, and rough masks in `train`, `evaluate` and `predict`, as a user runs them: on the drawn rivers, tuned on their training split. */
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { PredictImagesResult } from '../../lib/prediction/predict-images.js';
import type { EvaluateResult } from '../../lib/tasks/evaluate/evaluate.js';
import type { PreviewResult } from '../../lib/tasks/preview/preview.js';
import type { FitRoughMaskResult } from '../../lib/tasks/rough-thresholds/fit-rough-mask.js';
import { compile, type Outcome, runCli } from './run-cli.js';

let dir: string;
let cacheDir: string;
let config: string;
let images: string;
let tuned: FitRoughMaskResult;

const sam = (command: string, ...args: string[]) => runCli([command, '--json', '--cache-dir', cacheDir, ...args]);

beforeAll(async () => {
  compile();
  dir = await mkdtemp(join(tmpdir(), 'sam-native-prompts-'));
  cacheDir = join(dir, 'cache');
  config = join(dir, 'river.yaml');
  const outcome = await sam('prompts', '--tune', '--data', 'sample:rivers', '--limit', '8', '--out', config);
  expect(outcome).toMatchObject({ code: 0 });
  expect(outcome.stderr).toMatch(/mean IoU 0\.\d+ {2}\S/);
  tuned = outcome.json<FitRoughMaskResult>();
  images = join(cacheDir, 'samples', 'rivers-1', 'validation', 'images');
}, 300_000);
afterAll(() => rm(dir, { recursive: true, force: true }));

function expectFailure({ code, stderr, json }: Outcome, error: string, ...says: string[]) {
  expect({ code, stderr }).toMatchObject({ code: 2 });
  expect(json()).toMatchObject({ error: { code: error } });
  for (const part of says) expect(stderr).toContain(part);
}

describe('prompts', () => {
  test('--tune writes a config of options, with the search', async () => {
    expect(tuned).toMatchObject({ config, images: 8, options: { roughMask: 'hsv', minArea: 50 } });
    expect(tuned.meanIou).toBeGreaterThan(0.4);
    expect(tuned.search.length).toBeGreaterThan(1);
    const written = parse(await readFile(config, 'utf8')) as Record<string, unknown>;
    expect(written).toMatchObject({ 'rough-mask': 'hsv', 'min-area': 50, largest: false });
  });

  test('a picture for each image, and what it shows', async () => {
    const out = join(dir, 'pictures');
    const args = ['--config', config, '--prompt', 'points+box', '--num-negative', '2', '--out', out];
    const { items, skipped } = (await sam('prompts', images, ...args)).json<PreviewResult>();
    expect(items).toHaveLength(8);
    expect(skipped).toEqual([]);
    for (const item of items) {
      expect(item.promptSource).toBe('rough');
      expect(item.labels[0]).toBe(1);
      expect(item.labels).toHaveLength(item.points.length);
      expect(item.box).toHaveLength(4);
      expect(item.maskArea).toBeGreaterThan(50);
      expect(await sharp(item.overlay).metadata()).toMatchObject({ format: 'png', width: 1024 });
    }
    const labelled = await sam('prompts', '--data', 'sample:rivers', '--limit', '1', '--config', config, '--out', out);
    expect(labelled.json<PreviewResult>().items[0]!.iou).toBeGreaterThan(0);
  });

  test('without a rough mask from the labels; without labels it says what to do', async () => {
    const drawn = await sam('prompts', '--data', 'sample:rivers', '--limit', '1', '--out', join(dir, 'labels'));
    expect(drawn.json<PreviewResult>().items[0]).toMatchObject({ promptSource: 'ground-truth' });
    expectFailure(await sam('prompts', images), 'SAM_BAD_OPTION', '--rough-mask');
    expectFailure(await sam('prompts'), 'SAM_BAD_OPTION', '--data');
    expectFailure(await sam('prompts', '--tune', images), 'SAM_BAD_OPTION', '--data');
  });

  test('a band that is missing is no matter of thresholds', async () => {
    const failed = await sam('prompts', images, '--rough-mask', 'ndwi', '--nir', '4', '--out', join(dir, 'bands'));
    expectFailure(failed, 'SAM_BAD_DATA', 'has 3 bands, no band 4', 'mend them');
  });

  test('what leaves nothing is told with the values, or left out', async () => {
    const none = ['--rough-mask', 'hsv', '--value', '1-1', '--saturation', '0.99-1'];
    const failed = await sam('prompts', images, ...none, '--out', join(dir, 'none'));
    expectFailure(failed, 'SAM_BAD_DATA', 'river-01', 'river-08', '(least/median/greatest)', '--on-empty skip');
    const skipped = await sam('prompts', images, ...none, '--on-empty', 'skip', '--out', join(dir, 'none'));
    expect(skipped.json<PreviewResult>()).toMatchObject({ items: [], skipped: Array(8).fill(expect.anything()) });
    await expect(stat(join(dir, 'none'))).rejects.toThrow('ENOENT');
  });

  test('bands that are missing, names that are wrong', async () => {
    expectFailure(await sam('prompts', images, '--rough-mask', 'ndwi'), 'SAM_BAD_OPTION', '--nir');
    expectFailure(
      await sam('prompts', images, '--rough-mask', 'ndwi', '--nir', '4'),
      'SAM_BAD_DATA',
      'has 3 bands, no band 4',
    );
    expectFailure(await sam('prompts', images, '--rough-mask', 'ndwi', '--nir', 'b8'), 'SAM_BAD_DATA', 'named b8');
    expectFailure(await sam('prompts', images, '--rough-mask', 'hsv', '--hue', '20..40'), 'SAM_BAD_OPTION', '--hue');
    expectFailure(await sam('prompts', images, '--prompt-source', 'rough'), 'SAM_BAD_OPTION', '--rough-mask hsv');
  });
});

describe('a run that was trained on rough masks', () => {
  let run: string;
  beforeAll(async () => {
    run = join(dir, 'run');
    const args = ['--config', config, '--prompt-source', 'mixed', '--limit', '2', '--epochs', '1', '--out', run];
    expect(await sam('train', '--data', 'sample:rivers', ...args)).toMatchObject({ code: 0 });
  }, 300_000);

  test('evaluate: prompts from labels and from rough masks side by side, and the rough mask itself', async () => {
    const args = ['--data', 'sample:rivers', '--limit', '2', '--out', join(dir, 'scores.csv')];
    const { models, perImage } = (await sam('evaluate', '--models', `${run},untuned`, ...args)).json<EvaluateResult>();
    expect(models.map(({ name, promptSource }) => [name, promptSource])).toEqual([
      ['run', 'ground-truth'],
      ['run', 'rough'],
      ['untuned', 'ground-truth'],
      ['untuned', 'rough'],
      ['rough-mask', 'rough'],
    ]);
    for (const { count, meanIou } of models) {
      expect(count).toBe(2);
      expect(meanIou).toBeGreaterThan(0);
    }
    expect(models[0]!.meanIou).not.toBe(models[1]!.meanIou);
    const lines = (await readFile(perImage, 'utf8')).trimEnd().split('\n');
    expect(lines).toHaveLength(1 + 5 * 2);
    expect(lines.at(-1)).toMatch(/^rough-mask,.*,rough,,/);
    const labels = await sam('evaluate', '--models', run, '--prompt-source', 'ground-truth', ...args);
    expect(labels.json<EvaluateResult>().models).toHaveLength(1);
  });

  test('predict: the rough masks that it was trained with, several attempts, refined', async () => {
    const one = join(images, 'river-01.png');
    const plain = (await sam('predict', one, '--model', run, '--out', join(dir, 'p'))).json<PredictImagesResult>();
    expect(plain.outputs[0]).toMatchObject({ promptSource: 'rough' });
    expect(plain.outputs[0]).not.toHaveProperty('attempt');
    const again = ['--attempts', '4', '--out', join(dir, 'q')];
    const best = (await sam('predict', one, '--model', run, ...again)).json<PredictImagesResult>();
    expect(best.outputs[0]!.score).toBeGreaterThanOrEqual(plain.outputs[0]!.score);
    expect(best.outputs[0]!.attempt).toBeGreaterThanOrEqual(1);
    const refined = ['--refine', '2', '--out', join(dir, 'r')];
    const third = (await sam('predict', one, '--model', run, ...refined)).json<PredictImagesResult>();
    expect(third.outputs[0]!.points).toEqual(plain.outputs[0]!.points);
    expect(third.outputs[0]!.score).not.toBe(plain.outputs[0]!.score);
    const found = ['--prompt-source', 'ground-truth', '--out', join(dir, 's')];
    const grid = (await sam('predict', one, '--model', run, ...found)).json<PredictImagesResult>();
    expect(grid.outputs[0]).toMatchObject({ promptSource: 'grid' });
  });
});
