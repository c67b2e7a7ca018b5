/** `train` as a user runs it, on six of the sample rivers, with the real weights: results, interruptions, bad input. */
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TrainResult } from '../../lib/runs/events.js';
import { readSafetensorsHeader } from '../../lib/runs/safetensors-header.js';
import type { EvaluateResult } from '../../lib/tasks/evaluate/evaluate.js';
import { compile, type Outcome, type RunOptions, runCli, startCli } from './run-cli.js';

let dir: string;
let cacheDir: string;
/** The uninterrupted run that others are compared with. */
let whole: TrainResult;

const EPOCHS = 2;
const LIMIT = 6;
const recipe = () => [
  ...['--data', 'sample:rivers', '--model', 'mobile-sam', '--limit', String(LIMIT), '--epochs', String(EPOCHS)],
  ...['--batch-size', '2', '--schedule', 'cosine', '--cache-dir', cacheDir],
];
const trainCli = (args: string[], options?: RunOptions) => runCli(['train', '--json', ...args], options);

function expectFailure(
  { code, stdout, stderr, json }: Outcome,
  expected: { code: number; error: string; says: string },
) {
  expect({ code, stderr }).toMatchObject({ code: expected.code });
  expect(stderr.trimEnd().split('\n').at(-1)).toMatch(/^error: /);
  expect(stderr).toContain(expected.says);
  expect(stderr).not.toMatch(/^ +at /m);
  expect(stdout).not.toBe('');
  expect(json<{ error: { code: string } }>().error.code).toBe(expected.error);
}

beforeAll(async () => {
  compile();
  dir = await mkdtemp(join(tmpdir(), 'sam-native-train-'));
  cacheDir = join(dir, 'cache');
  const outcome = await trainCli([...recipe(), '--out', join(dir, 'whole')]);
  expect(outcome).toMatchObject({ code: 0 });
  whole = outcome.json<TrainResult>();
}, 600_000);
afterAll(() => rm(dir, { recursive: true, force: true }));

async function historyLines(run: string): Promise<number> {
  return (await readFile(join(run, 'history.jsonl'), 'utf8').catch(() => '')).split('\n').length - 1;
}

/** Starts the recipe and signals it when its history has so many lines. */
async function signalled(run: string, signal: NodeJS.Signals, lines: number, more: string[] = []): Promise<Outcome> {
  const running = startCli(['train', '--json', ...recipe(), '--out', run, ...more]);
  while ((await historyLines(run)) < lines && running.child.exitCode === null) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  running.child.kill(signal);
  return running.outcome;
}

async function expectSameAsWhole(run: string) {
  const outcome = await trainCli(['--resume', run]);
  expect(outcome).toMatchObject({ code: 0 });
  const result = outcome.json<TrainResult>();
  expect(result.trainLosses).toEqual(whole.trainLosses);
  expect(result.validationLosses).toEqual(whole.validationLosses);
  expect(result.validationIous).toEqual(whole.validationIous);
  const steps = async (folder: string) =>
    (await readFile(join(folder, 'history.jsonl'), 'utf8'))
      .split('\n')
      .filter((line) => line.includes('"type":"step"'));
  expect(await steps(run)).toEqual(await steps(whole.runDir));
}

describe('a whole run', () => {
  test('keeps the contract of --json', () => {
    expect(whole).toMatchObject({ epochs: EPOCHS, encodedImages: 2 * LIMIT, trainedSamples: EPOCHS * LIMIT });
    expect(whole.trainLosses).toHaveLength(EPOCHS);
    expect(whole.validationLosses).toHaveLength(EPOCHS);
    expect(whole.bestLoss).toBe(Math.min(...whole.validationLosses));
    const { setup, encode, train, validate, total } = whole.seconds;
    expect(Math.min(setup, encode, train, validate)).toBeGreaterThan(0);
    expect(total).toBeGreaterThanOrEqual(encode + train + validate);
    expect(whole.samplesPerSecond).toBeCloseTo(whole.trainedSamples / train, 6);
  });

  test('leaves its folder, with checkpoints that hold decoder and optimiser', async () => {
    expect((await readdir(whole.runDir)).sort()).toEqual([
      'checkpoints',
      'config.json',
      'history.jsonl',
      'report.html',
      'tensorboard',
    ]);
    expect((await readdir(join(whole.runDir, 'checkpoints'))).sort()).toEqual(['best.safetensors', 'last.safetensors']);
    const { tensors, metadata } = await readSafetensorsHeader(whole.bestCheckpoint);
    expect(Object.keys(tensors).filter((name) => name.startsWith('mask_decoder.')).length).toBeGreaterThan(100);
    expect(Object.keys(tensors).some((name) => name.startsWith('optimizer.'))).toBe(true);
    for (const value of Object.values(metadata)) JSON.parse(value);
  });

  test('finds its embeddings again, and gives the same losses from the same seed', async () => {
    const again = await trainCli([...recipe(), '--out', join(dir, 'again')]);
    const result = again.json<TrainResult>();
    expect(result.encodedImages).toBe(0);
    expect(result.seconds.encode).toBe(0);
    expect(result.trainLosses).toEqual(whole.trainLosses);
  });

  test('--resume of it just reports', async () => {
    const outcome = await trainCli(['--resume', whole.runDir]);
    expect(outcome.json<TrainResult>()).toMatchObject({ trainLosses: whole.trainLosses, trainedSamples: 0 });
  });

  test('without --json says an epoch a line on stderr and the checkpoint on stdout', async () => {
    const outcome = await runCli(['train', ...recipe(), '--epochs', '1', '--out', join(dir, 'plain')]);
    expect(outcome.stderr).toMatch(/^epoch 1\/1 {2}train loss [\d.]+ {2}validation loss [\d.]+ {2}IoU [\d.]+/m);
    expect(outcome.stdout.trimEnd().split('\n').at(-1)).toBe(join(dir, 'plain', 'checkpoints', 'best.safetensors'));
  });
});

describe('the untuned score', () => {
  test('is that of `evaluate` at 256, and stays with the run', async () => {
    const set = ['--data', 'sample:rivers', '--limit', String(LIMIT), '--cache-dir', cacheDir];
    const scored = await runCli([
      'evaluate',
      '--json',
      '--models',
      'untuned',
      ...set,
      '--out',
      join(dir, 'untuned.csv'),
    ]);
    const [untuned] = scored.json<EvaluateResult>().models;
    expect(whole.untunedIou).toBeCloseTo(untuned!.at256.iou.mean!, 2);
    expect(whole.worseThanUntuned).toBe(whole.validationIous[whole.bestEpoch - 1]! < whole.untunedIou!);
    const again = await trainCli(['--resume', whole.runDir]);
    expect(again.json<TrainResult>()).toMatchObject({ untunedIou: whole.untunedIou });
  });

  test('above all epochs: one warning, also of a run that goes on, and the end says so', async () => {
    const out = join(dir, 'ruined');
    const ruinous = ['--data', 'sample:rivers', '--limit', '4', '--lr', '0.1', '--batch-size', '2'];
    const begun = await runCli(['train', ...ruinous, '--epochs', '2', '--cache-dir', cacheDir, '--out', out]);
    expect(begun).toMatchObject({ code: 0 });
    expect(begun.stderr).not.toContain('worse than untuned');
    expect(begun.stdout).toMatch(/^worse than untuned: mean IoU .* less\); lower --lr, or see sam-native tune$/m);
    const ended = await trainCli(['--resume', out, '--epochs', '4']);
    expect(ended).toMatchObject({ code: 0 });
    expect(ended.stderr.match(/.*worse than untuned.*/g)).toEqual([
      expect.stringMatching(
        /^warning: for 3 epochs worse than untuned: mean IoU [\d.]+, untuned [\d.]+ \([\d.]+ less\); lower --lr \(it is 0.1\), or see sam-native tune$/,
      ),
    ]);
    expect(ended.json<TrainResult>()).toMatchObject({ epochs: 4, encodedImages: 0, worseThanUntuned: true });
    const report = await readFile(join(out, 'report.html'), 'utf8');
    expect(report).toContain('It is worse than untuned: mean IoU');
  });
});

describe('an interrupted run', () => {
  test.each([1, 4, 5])('goes on bit for bit after kill -9 behind %i lines of history', async (lines) => {
    const run = join(dir, `killed-${lines}`);
    expect((await signalled(run, 'SIGKILL', lines, ['--save-every', '0.001'])).signal).toBe('SIGKILL');
    await expectSameAsWhole(run);
  });

  test('saves on Ctrl-C in mid-epoch, says how to resume, exits 130, and goes on bit for bit', async () => {
    const run = join(dir, 'interrupted');
    const outcome = await signalled(run, 'SIGINT', 2);
    expectFailure(outcome, { code: 130, error: 'SAM_INTERRUPTED', says: `npx sam-native train --resume ${run}` });
    await expectSameAsWhole(run);
  });

  test('the second Ctrl-C ends at once', async () => {
    const run = join(dir, 'twice');
    const running = startCli(['train', ...recipe(), '--epochs', '500', '--out', run]);
    while ((await historyLines(run)) < 1) await new Promise((resolve) => setTimeout(resolve, 10));
    running.child.kill('SIGINT');
    while (!running.stderr().includes('stopping')) await new Promise((resolve) => setTimeout(resolve, 1));
    running.child.kill('SIGINT');
    expect(await running.outcome).toMatchObject({ code: 130 });
  });
});

describe('bad input', () => {
  const refused = async (
    args: string[],
    expected: { code: number; error: string; says: string },
    options?: RunOptions,
  ) => {
    const out = join(dir, 'refused');
    expectFailure(await trainCli([...recipe(), '--out', out, ...args], options), expected);
    expect(existsSync(out)).toBe(false);
  };

  test('no such folder', () =>
    refused(['--data', join(dir, 'none')], { code: 2, error: 'SAM_BAD_DATA', says: 'none' }));

  test('no such GPU', () => refused(['--device', 'cuda:7'], { code: 2, error: 'SAM_NO_CUDA', says: 'cuda:7' }));

  test('an --out with a run', async () => {
    const outcome = await trainCli([...recipe(), '--out', whole.runDir]);
    expectFailure(outcome, { code: 2, error: 'SAM_RUN_EXISTS', says: '--overwrite' });
  });

  test('options that disagree with the run that is resumed', async () => {
    const outcome = await trainCli(['--resume', whole.runDir, '--lr', '0.1']);
    expectFailure(outcome, { code: 2, error: 'SAM_BAD_OPTION', says: '--lr is 0.1 here and 0.00002 in the run' });
  });

  test('weights that are cut short, or are none', async () => {
    const weights = join(dir, 'weights.safetensors');
    await cp(whole.bestCheckpoint, weights);
    await truncate(weights, 1_000_000);
    await refused(['--model', weights], { code: 2, error: 'SAM_BAD_CHECKPOINT', says: 'cut short' });
    await writeFile(weights, 'not weights at all, just text');
    await refused(['--model', weights], { code: 2, error: 'SAM_BAD_CHECKPOINT', says: weights });
  });

  test('an encoder that is not TorchScript', async () => {
    const encoder = join(dir, 'encoder.pt');
    await writeFile(encoder, 'nothing');
    await refused(['--encoder', encoder, '--no-cache'], { code: 2, error: 'SAM_BAD_ENCODER', says: encoder });
  });

  test('images that are cut short, masks of another size, black masks: all named', async () => {
    const data = join(dir, 'bad-data');
    const [rivers] = (await readdir(join(cacheDir, 'samples'))).filter((name) => name.startsWith('rivers-'));
    await cp(join(cacheDir, 'samples', rivers!), data, { recursive: true });
    const names = (await readdir(join(data, 'train', 'images'))).sort();
    const mask = (index: number) => join(data, 'train', 'masks', names[index]!);
    const size = { width: 20, height: 20, channels: 3 as const, background: '#fff' };
    await sharp({ create: size }).png().toFile(mask(0));
    const { width, height } = await sharp(mask(1)).metadata();
    await sharp({ create: { ...size, width, height, background: '#000' } })
      .png()
      .toFile(`${mask(1)}.new`);
    await cp(`${mask(1)}.new`, mask(1));
    await rm(`${mask(1)}.new`);
    const labels = await trainCli([...recipe(), '--data', data, '--out', join(dir, 'refused')]);
    expectFailure(labels, { code: 2, error: 'SAM_BAD_DATA', says: mask(0) });
    expect(labels.stderr).toContain(mask(1));
    const image = join(data, 'train', 'images', names[2]!);
    await truncate(image, 20_000);
    const skipped = await trainCli([
      ...recipe(),
      '--data',
      data,
      '--skip-bad',
      '--epochs',
      '1',
      '--out',
      join(dir, 'skipped'),
    ]);
    expect(skipped.json<TrainResult>()).toMatchObject({ trainImages: LIMIT - 3 });
    expect(skipped.stderr).toContain(names[2]!.replace('.png', ''));
    await cp(join(cacheDir, 'samples', rivers!, 'train', 'masks'), join(data, 'train', 'masks'), { recursive: true });
    await refused(['--data', data], { code: 2, error: 'SAM_BAD_DATA', says: image });
  });

  test('a loss that is not a number stops the run and names the images; without a checkpoint, no folder is left', async () => {
    const out = join(dir, 'nan');
    const outcome = await trainCli([...recipe(), '--lr', '1e30', '--warmup-steps', '0', '--out', out]);
    expectFailure(outcome, { code: 1, error: 'SAM_NAN_LOSS', says: 'images of the batch: river-' });
    expect(existsSync(out)).toBe(false);
  });

  test('a full disk while saving leaves the checkpoint before as it was', async () => {
    const run = join(dir, 'full');
    await trainCli([...recipe(), '--epochs', '1', '--schedule', 'constant', '--out', run]);
    const last = join(run, 'checkpoints', 'last.safetensors');
    const before = await readFile(last);
    // No file may grow beyond 8 MB; a checkpoint is larger. Node turns the signal that comes with it into an error.
    const outcome = await trainCli(['--resume', run, '--epochs', '2'], { before: 'ulimit -f 8000 &&' });
    expectFailure(outcome, { code: 1, error: 'SAM_IO', says: 'safetensors' });
    expect((await readFile(last)).equals(before)).toBe(true);
    expect((await readdir(join(run, 'checkpoints'))).sort()).toEqual(['best.safetensors', 'last.safetensors']);
    expect(await trainCli(['--resume', run, '--epochs', '2'])).toMatchObject({ code: 0 });
  });
});
