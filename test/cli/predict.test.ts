/** `predict`, `evaluate` and `export` as a user runs them, with the real weights, on two of the sample rivers. */
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PredictImagesResult } from '../../lib/prediction/predict-images.js';
import type { TrainResult } from '../../lib/runs/events.js';
import { readSafetensorsHeader } from '../../lib/runs/safetensors-header.js';
import { confusion, scores } from '../../lib/scoring/metrics.js';
import type { EvaluateResult, ModelScores } from '../../lib/tasks/evaluate/evaluate.js';
import { geoTiff, rasterFile } from '../raster/rasters.js';
import { compile, type Outcome, runCli } from './run-cli.js';

let dir: string;
let cacheDir: string;
let split: string;
let image: string;
/** One epoch on four rivers: enough to be a run of its own. */
let runDir: string;
let compared: EvaluateResult;

const withCache = (command: string, ...args: string[]) => runCli([command, '--json', '--cache-dir', cacheDir, ...args]);

beforeAll(async () => {
  compile();
  dir = await mkdtemp(join(tmpdir(), 'sam-native-predict-'));
  cacheDir = join(dir, 'cache');
  runDir = join(dir, 'runs', 'first');
  const trained = await withCache('train', '--data', 'sample:rivers', '--limit', '2', '--epochs', '1', '--out', runDir);
  expect(trained).toMatchObject({ code: 0 });
  expect(trained.json<TrainResult>().runDir).toBe(runDir);
  const evaluated = await withCache(
    'evaluate',
    '--models',
    `${runDir},untuned,mobile-sam`,
    '--data',
    'sample:rivers',
    '--limit',
    '2',
  );
  expect(evaluated).toMatchObject({ code: 0 });
  compared = evaluated.json<EvaluateResult>();
  split = join(cacheDir, 'samples', 'rivers-1', 'validation');
  image = join(split, 'images', 'river-01.png');
}, 600_000);
afterAll(() => rm(dir, { recursive: true, force: true }));

function expectFailure({ code, stderr, json }: Outcome, error: string, says: string) {
  expect({ code, stderr }).toMatchObject({ code: 2 });
  expect(json()).toMatchObject({ error: { code: error } });
  expect(stderr).toContain(says);
}

/** A mask's pixels; it must be a PNG of one 8-bit channel. */
async function inside(path: string): Promise<Uint8Array> {
  expect(await sharp(path).metadata()).toMatchObject({ format: 'png', channels: 1, depth: 'uchar' });
  return new Uint8Array(await sharp(path).toColourspace('b-w').raw().toBuffer());
}

/** Pixels of a scene's side, and the share of it that is water. */
const SCENE = 420;
const WATER = 0.18;

/** Red, green, blue and infrared of a river that runs down a meadow. */
function riverScene(): Uint8Array[] {
  const [meadow, water] = [
    [90, 110, 70, 170],
    [60, 90, 100, 30],
  ] as const;
  const half = (WATER * SCENE) / 2;
  return meadow.map((_, band) =>
    Uint8Array.from({ length: SCENE * SCENE }, (_, pixel) => {
      const [x, y] = [pixel % SCENE, Math.floor(pixel / SCENE)];
      const middle = SCENE / 2 + 60 * Math.sin(y / 60);
      const grain = (x * 7 + y * 13) % 9;
      return (Math.abs(x - middle) < half ? water : meadow)[band]! + grain;
    }),
  );
}

const shareOf = (mask: Uint8Array) => mask.reduce((sum, value) => sum + (value === 0 ? 0 : 1), 0) / mask.length;

async function iouWithLabel(mask: string, name: string): Promise<number> {
  return scores(await confusion(await inside(mask), await inside(join(split, 'masks', `${name}.png`)))).iou;
}

describe('evaluate', () => {
  test('keeps the contract of --json', () => {
    expect(compared.models.map(({ name }) => name)).toEqual(['first', 'untuned', 'mobile-sam']);
    for (const model of compared.models) {
      expect(model.count).toBe(2);
      for (const value of [model.medianIou, model.meanIou, model.medianF1, model.meanF1]) {
        expect(value).toBeGreaterThan(0);
        expect(value).toBeLessThanOrEqual(1);
      }
      expect(model.meanF1).toBeGreaterThanOrEqual(model.meanIou);
    }
    const [first, untuned, original] = compared.models;
    expect(first!.checkpointHash).toMatch(/^[0-9a-f]{64}$/);
    expect(first!.weightsHash).toBe(untuned!.weightsHash);
    expect(first!.meanIou).not.toBe(untuned!.meanIou);
    // Untuned is what the run started from, and all saw the same prompts.
    expect({ ...untuned, name: '', spec: '' }).toEqual({ ...original, name: '', spec: '' });
  });

  test('a line for each model and image, beside the run', async () => {
    expect(compared.perImage.startsWith(runDir)).toBe(true);
    const lines = (await readFile(compared.perImage, 'utf8')).trimEnd().split('\n');
    expect(lines).toHaveLength(1 + 3 * 2);
    const ious = lines
      .slice(1)
      .map((line) => line.split(','))
      .filter(([model]) => model === 'first')
      .map((row) => Number(row[2]));
    expect((ious[0]! + ious[1]!) / 2).toBeCloseTo(compared.models[0]!.meanIou, 5);
  });

  test('agrees with predict and the same prompts', async () => {
    const out = join(dir, 'same');
    const args = [join(split, 'images'), '--model', runDir, '--masks', join(split, 'masks'), '--out', out];
    expect(await withCache('predict', ...args)).toMatchObject({ code: 0 });
    const ious = [
      await iouWithLabel(join(out, 'river-01.png'), 'river-01'),
      await iouWithLabel(join(out, 'river-02.png'), 'river-02'),
    ];
    expect((ious[0]! + ious[1]!) / 2).toBeCloseTo(compared.models[0]!.meanIou, 9);
  });

  test('prompts of the flags go to all models', async () => {
    const outcome = await withCache(
      'evaluate',
      '--models',
      runDir,
      '--data',
      'sample:rivers',
      '--limit',
      '1',
      '--prompt',
      'box',
      '--out',
      join(dir, 'box.csv'),
    );
    const { models, perImage } = outcome.json<EvaluateResult>();
    expect(models[0]!.prompts.prompt).toBe('box');
    expect(perImage).toBe(join(dir, 'box.csv'));
  });

  test('kinds of prompts side by side, worse prompts, Parquet', async () => {
    const out = join(dir, 'kinds.parquet');
    const outcome = await withCache(
      ...['evaluate', '--models', `untuned,${runDir}`, '--data', 'sample:rivers', '--limit', '2', '--out', out],
      ...['--prompt-kinds', 'points,box,automatic', '--robustness'],
    );
    const { models, differences, robustness, perImage } = outcome.json<EvaluateResult>();
    const ways = [
      ['points', 'ground-truth'],
      ['box', 'ground-truth'],
      ['points', 'automatic'],
    ];
    expect(models.map(({ name, promptKind, promptSource }) => [name, promptKind, promptSource])).toEqual(
      ['untuned', 'first'].flatMap((name) => ways.map((way) => [name, ...way])),
    );
    // Points from the labels are what they are without the others beside them.
    expect(models[0]!.own).toEqual(compared.models[1]!.own);
    expect(models[3]!.meanIou).toBe(compared.models[0]!.meanIou);
    for (const { own, at256, calibration, belowHalf } of models) {
      expect(own.iou.q1!).toBeLessThanOrEqual(own.iou.median!);
      expect(own.iou.meanInterval![0]).toBeLessThanOrEqual(own.iou.mean!);
      expect(Math.abs(own.iou.mean! - at256.iou.mean!)).toBeLessThan(0.05);
      expect(calibration!.bins.reduce((sum, { count }) => sum + count, 0)).toBe(2);
      expect(belowHalf).toBeLessThanOrEqual(2);
    }
    const gain = differences.find(({ a, b }) => a.name !== b.name)!;
    expect(gain.mean).toBeCloseTo(models[3]!.meanIou - models[0]!.meanIou, 12);
    expect(gain.greater + gain.lesser + gain.equal).toBe(2);
    // Three pairs with the same prompts, three pairs of prompts for each model; five scores in two resolutions.
    expect(differences).toHaveLength((3 + 2 * 3) * 5 * 2);
    expect(robustness!.map(({ name, disturbance, steps }) => [name, disturbance, steps.length])).toEqual(
      ['untuned', 'first'].flatMap((name) => [
        [name, 'box-jitter', 5],
        [name, 'mislabelled-points', 3],
        [name, 'points', 5],
      ]),
    );
    // No point wrong of three is three points.
    expect(robustness![1]!.steps[0]!.meanIou).toBe(robustness![2]!.steps[2]!.meanIou);
    const bytes = await readFile(perImage);
    const rows = await parquetReadObjects({ file: new Uint8Array(bytes).buffer });
    expect(rows).toHaveLength(6 * 2);
    expect(Object.keys(rows[0]!)).toHaveLength(23);
  });

  test('bad calls', async () => {
    expectFailure(
      await withCache('evaluate', '--models', join(dir, 'no-run'), '--data', 'sample:rivers'),
      'SAM_NOT_FOUND',
      'no-run',
    );
    expectFailure(
      await withCache('evaluate', '--models', runDir, '--data', 'sample:rivers', '--split', 'test'),
      'SAM_BAD_DATA',
      'test',
    );
    expectFailure(
      await withCache('evaluate', '--models', runDir, '--data', 'sample:rivers', '--prompt-kinds', 'box,circle'),
      'SAM_BAD_OPTION',
      'points+box, automatic',
    );
    expectFailure(
      await withCache(
        ...['evaluate', '--models', runDir, '--data', 'sample:rivers'],
        ...['--prompt-kinds', 'box', '--prompt', 'points'],
      ),
      'SAM_BAD_OPTION',
      '--prompt-kinds',
    );
  });

  test('pictures too small or too narrow, and masks all ones', async () => {
    const data = join(dir, 'tiny');
    for (const [name, width, height] of [
      ['a', 1, 1],
      ['b', 40, 30],
      ['c', 2, 600],
    ] as const) {
      const one = sharp({ create: { width, height, channels: 3, background: '#fff' } }).png();
      for (const kind of ['images', 'masks']) {
        await mkdir(join(data, 'validation', kind), { recursive: true });
        await one.toFile(join(data, 'validation', kind, `${name}.png`));
      }
    }
    const args = ['--models', runDir, '--data', data, '--out', join(dir, 'tiny.csv')];
    expectFailure(await withCache('evaluate', ...args), 'SAM_BAD_DATA', 'a.png is 1 x 1 pixels: too small to segment');
    const points = (await withCache('evaluate', ...args, '--skip-bad')).json<EvaluateResult>();
    expect([points.models[0]!.count, points.skipped]).toEqual([2, ['a']]);
    expectFailure(await withCache('evaluate', ...args, '--prompt', 'box'), 'SAM_BAD_DATA', 'no room for a box');
    const left = (await withCache('evaluate', ...args, '--prompt', 'box', '--skip-bad')).json<EvaluateResult>();
    const [{ count, own }] = left.models as [ModelScores];
    expect([count, own.hd95.missing, left.skipped]).toEqual([1, 0, ['a', 'c']]);
  });
});

describe('predict', () => {
  test('points given', async () => {
    const out = join(dir, 'points');
    const outcome = await withCache(
      'predict',
      image,
      '--point',
      '100,100,1',
      '--point',
      '5.5,5,0',
      '--out',
      out,
      '--save-logits',
    );
    const { outputs } = outcome.json<PredictImagesResult>();
    expect(outputs).toHaveLength(1);
    expect(outputs[0]).toMatchObject({
      image,
      mask: join(out, 'river-01.png'),
      logits: join(out, 'river-01.safetensors'),
      points: [
        [100, 100],
        [5.5, 5],
      ],
      labels: [1, 0],
      box: null,
      promptSource: 'given',
    });
    const { width, height } = await sharp(image).metadata();
    const mask = await inside(outputs[0]!.mask);
    expect(mask).toHaveLength(width * height);
    expect([...new Set(mask)].sort()).toEqual([0, 255]);
    const { tensors } = await readSafetensorsHeader(outputs[0]!.logits!);
    expect(tensors).toEqual({
      low_res_logits: { dtype: 'F32', shape: [256, 256], offset: expect.any(Number), bytes: 4 * 65536 },
    });
  });

  test('a folder, without a prompt: a rough mask is found', async () => {
    const out = join(dir, 'grid');
    const folder = join(dir, 'two');
    await mkdir(join(folder, 'deep'), { recursive: true });
    await copyFile(image, join(folder, 'one.png'));
    await sharp(image)
      .resize(300, 200, { fit: 'fill' })
      .jpeg()
      .toFile(join(folder, 'deep', 'two.jpg'));
    const { outputs } = (
      await withCache('predict', folder, '--model', runDir, '--out', out)
    ).json<PredictImagesResult>();
    expect(outputs.map(({ mask }) => mask).sort()).toEqual([join(out, 'deep', 'two.png'), join(out, 'one.png')]);
    for (const { promptSource, points, width, height } of outputs) {
      expect(promptSource).toBe('grid');
      expect(points.length).toBeGreaterThan(0);
      expect(points.every(([x, y]) => x >= 0 && x < width && y >= 0 && y < height)).toBe(true);
    }
    expect(await inside(join(out, 'deep', 'two.png'))).toHaveLength(300 * 200);
  });

  test('a guess is said to be one, once and on each line, with how much the mask covers', async () => {
    const out = join(dir, 'guessed');
    const pictures = ['river-01', 'river-02'].map((name) => join(split, 'images', `${name}.png`));
    const args = ['predict', ...pictures, '--model', runDir, '--cache-dir', cacheDir, '--out', out];
    const { stdout, stderr } = await runCli(args);
    expect(stderr.match(/no prompt was given.*/g)).toEqual([
      'no prompt was given: the model looks for what stands out, which need not be what you mean; ' +
        'give --point, --box, --masks or --rough-mask',
    ]);
    expect(stdout.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/river-01\.png {2}guessed, predicted IoU [01]\.\d{3}, covers \d+(\.\d)? %$/),
      expect.stringMatching(/river-02\.png {2}guessed, predicted IoU [01]\.\d{3}, covers \d+(\.\d)? %$/),
    ]);
    const { outputs } = (await runCli([...args, '--json'])).json<PredictImagesResult>();
    for (const { mask, guessed, coverage, roughMask } of outputs) {
      expect({ guessed, roughMask }).toEqual({ guessed: true, roughMask: null });
      expect(coverage).toBe(shareOf(await inside(mask)));
    }
    const given = await withCache('predict', pictures[0]!, '--point', '100,100', '--out', out);
    expect(given.stderr).not.toContain('no prompt');
    expect(given.json<PredictImagesResult>().outputs[0]).toMatchObject({ guessed: false, roughMask: null });
  });

  test('a mask that prompts are drawn from stands beside the one that came of it', async () => {
    const rough = join(dir, 'rough');
    await mkdir(rough, { recursive: true });
    const drawnFromFile = join(rough, 'river-01.png');
    await copyFile(join(split, 'masks', 'river-02.png'), drawnFromFile); // another one's
    const args = ['predict', image, '--cache-dir', cacheDir];
    const [output] = (
      await runCli([...args, '--masks', rough, '--json', '--out', join(dir, 'beside')])
    ).json<PredictImagesResult>().outputs;
    const [mask, drawnFrom] = [await inside(output!.mask), await inside(drawnFromFile)];
    const { iou } = scores(await confusion(mask, drawnFrom));
    expect(output).toMatchObject({ guessed: false, coverage: shareOf(mask) });
    expect(output!.roughMask).toEqual({ coverage: shareOf(drawnFrom), iou });
    const colour = ['--rough-mask', 'hsv', '--value', '0-0.4', '--out', join(dir, 'colour')];
    const { stdout, stderr } = await runCli([...args, ...colour]);
    expect(stdout).toMatch(
      / {2}predicted IoU [01]\.\d{3}, covers [\d.]+ %; rough mask [\d.]+ %, IoU of the two [01]\.\d{3}\n$/,
    );
    expect(stderr).not.toContain('no prompt');
  });

  test.each([
    ['0', 1],
    ['256', 4],
  ])('a rough mask of a raster is measured too, --tile %s', async (tile, total) => {
    const scene = await rasterFile('scene.tif', geoTiff(riverScene(), SCENE, SCENE));
    const args = [
      '--rough-mask',
      'ndwi',
      '--bands',
      '1,2,3',
      '--nir',
      '4',
      '--tile',
      tile,
      '--out',
      join(dir, `naip-${tile}`),
    ];
    const outcome = await withCache('predict', scene, ...args);
    const [output] = outcome.json<PredictImagesResult>().outputs;
    expect(output!.tiles).toMatchObject({ total });
    const mask = new Uint8Array(await sharp(output!.mask).toColourspace('b-w').raw().toBuffer());
    expect(output!.coverage).toBe(shareOf(mask));
    expect(output!.roughMask!.coverage).toBeCloseTo(WATER, 2);
    expect(output!.roughMask!.iou).toBeGreaterThan(0);
    expect(output!.roughMask!.iou).toBeLessThan(1);
  });

  test('bad calls write nothing', async () => {
    const out = join(dir, 'never');
    const bad = (...args: string[]) => withCache('predict', ...args, '--out', out);
    expectFailure(await bad(image, '--point', '9000,10,1'), 'SAM_BAD_ARGUMENT', 'point 9000,10 lies outside');
    expectFailure(await bad(image, '--box', '40,40,10,90'), 'SAM_BAD_ARGUMENT', 'no area');
    expectFailure(await bad(image, '--point', '1;2'), 'SAM_BAD_OPTION', '--point 1;2');
    expectFailure(await bad(join(dir, 'gone.jpg'), '--point', '1,2,1'), 'SAM_NOT_FOUND', 'gone.jpg');
    const both = ['--point', '10,10,1', '--masks', join(dir, 'runs')];
    expectFailure(await bad(image, ...both), 'SAM_BAD_OPTION', '--masks');
    expectFailure(await bad(image, '--masks', join(dir, 'runs')), 'SAM_BAD_DATA', 'river-01');
    await expect(stat(out)).rejects.toThrow('ENOENT');
  });

  test('a truncated picture and a broken checkpoint are named', async () => {
    const broken = join(dir, 'broken.png');
    await writeFile(broken, await readFile(image));
    await truncate(broken, 5000);
    expectFailure(
      await withCache('predict', broken, '--point', '1,2,1', '--out', join(dir, 'b')),
      'SAM_BAD_DATA',
      'broken.png',
    );
    const checkpoint = join(dir, 'cut.safetensors');
    await writeFile(checkpoint, await readFile(join(runDir, 'checkpoints', 'best.safetensors')));
    await truncate(checkpoint, 100_000);
    expectFailure(await withCache('predict', image, '--model', checkpoint), 'SAM_BAD_CHECKPOINT', checkpoint);
  });
});

describe('export', () => {
  test('writes the encoder, which then serves as --encoder and gives the same masks', async () => {
    const file = join(dir, 'encoder.pt');
    const exported = await withCache('export', runDir, '--to', 'torchscript', '--part', 'encoder', '--out', file);
    expect(exported.json<{ files: string[] }>().files).toEqual([file]);
    expect((await readdir(dir)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    const point = ['--point', '100,100,1'];
    await withCache('predict', image, ...point, '--out', join(dir, 'own'));
    await withCache('predict', image, ...point, '--out', join(dir, 'exported'), '--encoder', file);
    expect(await inside(join(dir, 'exported', 'river-01.png'))).toEqual(await inside(join(dir, 'own', 'river-01.png')));
  });

  test('a format that is not offered is refused', async () => {
    expect(await withCache('export', 'mobile-sam', '--to', 'tflite')).toMatchObject({ code: 2 });
  });
});

test('weights with NaN are named by predict and evaluate, which end', async () => {
  const folder = (await readdir(join(cacheDir, 'models'))).find((name) => name.startsWith('mobile-sam-'))!;
  const weights = join(dir, 'nan.safetensors');
  const bytes = await readFile(join(cacheDir, 'models', folder, 'mobile_sam.safetensors'));
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<
    string,
    { data_offsets: [number, number] }
  >;
  const name = Object.keys(header).find((key) => key.startsWith('mask_decoder.iou_prediction_head.'))!;
  bytes.writeFloatLE(Number.NaN, 8 + length + header[name]!.data_offsets[0]);
  await writeFile(weights, bytes);
  const calls = [
    withCache('predict', image, '--model', weights, '--box', '20,20,90,60', '--out', join(dir, 'nan')),
    withCache(
      'evaluate',
      '--models',
      weights,
      '--data',
      'sample:rivers',
      '--limit',
      '1',
      '--out',
      join(dir, 'nan.csv'),
    ),
  ];
  for (const outcome of await Promise.all(calls)) {
    expect(outcome).toMatchObject({ code: 2 });
    expect(outcome.stderr).toContain(`${weights} holds NaN or infinity: 1 of `);
    expect(outcome.stderr).toContain(`of its tensor ${name}; get the weights again`);
  }
}, 300_000);
