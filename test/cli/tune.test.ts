/** Settings searched for as a user does, and what is said where that can't be. */
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { trialTable, verdict } from '../../lib/cli/tune-tables.js';
import type { TrainResult } from '../../lib/runs/events.js';
import { makeRivers } from '../../lib/samples/sample-rivers.js';
import type { SearchResult, TrialResult } from '../../lib/tasks/search/search.js';
import type { SearchComparison } from '../../lib/tasks/workbench/compare.js';
import { compile, runCli, startCli } from './run-cli.js';

let dir: string;
/** The sample's rivers, three of them in a test split. */
let data: string;
beforeAll(async () => {
  compile();
  dir = await mkdtemp(join(tmpdir(), 'sam-native-tune-'));
  data = join(dir, 'rivers');
  await cp(await makeRivers(join(dir, 'cache'), {}), data, { recursive: true });
  for (const kind of ['images', 'masks']) {
    await mkdir(join(data, 'test', kind), { recursive: true });
    const last = (await readdir(join(data, 'train', kind))).sort().slice(-3);
    for (const name of last) await rename(join(data, 'train', kind, name), join(data, 'test', kind, name));
  }
}, 600_000);
afterAll(() => rm(dir, { recursive: true, force: true }));

const cached = () => ['--cache-dir', join(dir, 'cache')];
const small = () => ['--data', data, '--limit', '3', '--batch-size', '3', '--warmup-steps', '0'];
const axes = ['--lr', '0.01', '--lrs', '1e-4,1e12', '--losses', 'dice', '--prompt-kinds', 'points,box'];

async function refused(...args: string[]): Promise<string> {
  const { code, stderr, stdout } = await runCli(['tune', ...args], { cwd: dir });
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(stderr.trim().split('\n')).toHaveLength(1);
  return stderr;
}

test('from data to a config that train takes', async () => {
  const out = join(dir, 'found');
  const search = ['tune', ...small(), ...axes, '--epochs', '4', '--min-epochs', '2', '--eta', '2', '--seed', '7'];
  const outcome = await runCli([...search, ...cached(), '--out', out, '--json'], { cwd: dir });
  expect(outcome).toMatchObject({ code: 0 });
  const result = outcome.json<SearchResult>();
  expect(result).toMatchObject({ given: 1, trainImages: 3, validationImages: 3, testImages: 3, encodedImages: 9 });
  expect(result.rungs[0]).toEqual({ epochs: 2, trials: [1, 2, 3, 4, 5] });
  expect(result.rungs[1]!.trials).toContain(1);
  const { trials, winner, comparisons } = result;
  expect(trials.map(({ rank }) => rank)).toEqual([1, 2, 3, 4, 5]);
  expect(trials.find(({ number }) => number === 1)).toMatchObject({ lr: 0.01, prompt: 'points', epochs: 4 });
  expect(trials[0]).toMatchObject({ number: winner, epochs: 4, failure: null });

  // Trials are told as they end, with their pace.
  expect(outcome.stderr).toContain('rung 1/2: up to 2 epochs');
  expect(outcome.stderr).toMatch(
    /1\/5 {2}trial 1 {2}lr 0\.01 .* points {2}IoU 0\.\d{4} {2}[\d.]+ images\/s {2}\d+:\d\d left/,
  );

  // Only the winner and the settings given keep their weights.
  const kept = new Set([1, winner]);
  expect(trials.filter(({ failure }) => failure !== null).map(({ lr }) => lr)).toEqual([1e12, 1e12]);
  for (const { number, failure } of trials) {
    const run = join(out, 'trials', `0${number}`);
    expect(existsSync(join(run, 'config.json'))).toBe(failure === null); // one that failed at once left nothing
    expect(existsSync(join(run, 'checkpoints', 'best.safetensors'))).toBe(kept.has(number));
  }
  expect(winner).not.toBe(1); // whose rate ruins the weights
  expect(comparisons.map(({ split }) => split)).toEqual(['validation', 'test']);
  for (const { models, difference } of comparisons) {
    expect(difference.count).toBe(3);
    expect(difference.mean).toBeCloseTo(models[1].meanIou - models[0].meanIou, 9);
    const [low, high] = difference.meanInterval;
    expect(low).toBeLessThanOrEqual(difference.mean);
    expect(high).toBeGreaterThanOrEqual(difference.mean);
  }
  const record = JSON.parse(await readFile(result.record, 'utf8'));
  expect(record).toMatchObject({
    formatVersion: 1,
    winner,
    options: { eta: 2 },
    versions: { node: process.versions.node },
  });

  // From another folder the config makes the winner's run again.
  const again = ['train', '--config', result.config, '--out', join(dir, 'again'), '--no-report', '--json'];
  const trained = await runCli(again, { cwd: tmpdir() });
  expect(trained).toMatchObject({ code: 0 });
  const { validationIous, bestEpoch } = trained.json<TrainResult>();
  expect(validationIous[bestEpoch - 1]).toBe(trials[0]!.iou);

  expect(await refused(...small(), '--out', out)).toContain(`${out} already holds a search — replace it (--overwrite)`);
}, 600_000);

test('without a cache each image is still encoded once; --keep-trials keeps all', async () => {
  const out = join(dir, 'kept');
  const args = [
    ...small(),
    '--lrs',
    '1e-4',
    '--losses',
    'dice',
    '--prompt-kinds',
    'points',
    '--epochs',
    '1',
    '--no-cache',
  ];
  const search = ['tune', ...args, ...cached(), '--test-split', 'none', '--keep-trials', '--out', out];
  const outcome = await runCli([...search, '--json'], { cwd: dir });
  expect(outcome).toMatchObject({ code: 0 });
  expect(outcome.json()).toMatchObject({ encodedImages: 6, testImages: 0 });
  for (const number of ['01', '02']) {
    expect(await readdir(join(out, 'trials', number, 'checkpoints'))).toContain('best.safetensors');
  }
  expect(await readdir(join(dir, 'cache', 'tmp'))).toEqual([]);
  const again = await runCli([...search, '--overwrite'], { cwd: dir });
  expect(again).toMatchObject({ code: 0 });
  expect(again.stdout).toContain('each trial with its own kind of prompt');
}, 600_000);

test('Ctrl-C says what is there and how to go on', async () => {
  const out = join(dir, 'stopped');
  const running = startCli(['tune', ...small(), ...cached(), '--epochs', '30', '--out', out], { cwd: dir });
  while (!running.stderr().includes('1/12  trial 1')) await new Promise((resolve) => setTimeout(resolve, 50));
  running.child.kill('SIGINT');
  const { code, stderr } = await running.outcome;
  expect(code).toBe(130);
  expect(stderr).toMatch(
    /error: interrupted: \d trials? ha(s|ve) begun, their runs are in .*stopped\/trials — the same command with --overwrite/,
  );
  expect(existsSync(join(out, 'tune.json'))).toBe(false);
  expect(await refused(...small(), '--out', out)).toContain('already holds a search');
}, 600_000);

describe('bad input is one clear line', () => {
  test('and leaves no folder', async () => {
    const out = ['--out', join(dir, 'not-made', 'deep')];
    expect(await refused(...small(), ...out, '--losses', 'dice,dise')).toContain('"dise" is not one of them');
    expect(await refused(...small(), ...out, '--lrs', ',')).toContain('--lrs ",": "" is not one of them');
    expect(await refused(...small(), ...out, '--trials', '0')).toContain('--trials 0: expected at least 2');
    expect(await refused(...small(), ...out, '--num-positive', '0')).toContain('leave no prompt');
    const same = ['--lrs', '2e-5', '--losses', 'bce+dice+iou:5', '--prompt-kinds', 'points'];
    expect(await refused(...small(), ...out, ...same)).toContain('there is nothing to search');
    expect(await refused('--data', join(dir, 'nowhere'), ...out, ...cached())).toContain('nowhere');
    expect(await refused(...out)).toContain('--data is missing');
    expect(existsSync(join(dir, 'not-made'))).toBe(false);
  }, 600_000);

  test('for a place that cannot be written', async () => {
    await writeFile(join(dir, 'file'), '');
    expect(await refused(...small(), '--out', join(dir, 'file', 'deep'))).toContain('a file is in the way');
    expect(await refused(...small(), '--out', '/proc/deep')).toContain('cannot write /proc/deep');
  }, 600_000);

  test('in the data, as train says it', async () => {
    const broken = join(dir, 'broken');
    await cp(data, broken, { recursive: true });
    const [image] = await readdir(join(broken, 'train', 'images'));
    await writeFile(join(broken, 'train', 'images', image!), 'no picture');
    const out = ['--out', join(dir, 'never'), ...cached()];
    expect(await refused('--data', broken, ...out)).toContain(image!);
    expect(existsSync(join(dir, 'never'))).toBe(false);
  }, 600_000);
});

describe('what is said in the end', () => {
  const trial = (number: number, more: Partial<TrialResult> = {}): TrialResult => {
    const setting = { lr: 2e-5, loss: 'dice', prompt: 'points' } as const;
    return { number, rank: number, ...setting, epochs: 10, bestEpoch: 9, iou: 0.9, failure: null, seconds: 2, ...more };
  };
  const compared = (split: 'validation' | 'test', low: number, high: number) =>
    ({ split, difference: { meanInterval: [low, high], count: 9 } }) as unknown as SearchComparison;
  const result = (comparisons: SearchComparison[], winner = 2, prompt: TrialResult['prompt'] = 'points') =>
    ({ trials: [trial(2, { prompt }), trial(1)], winner, given: 1, comparisons }) as SearchResult;

  test.each([
    [result([], 1), 'Nothing that was tried is better than the settings given.'],
    [result([]), 'The settings given failed'],
    [
      result([compared('validation', 0.01, 0.05)]),
      'better than the settings given by more than chance on the 9 validation images. With more',
    ],
    [result([compared('validation', 0.01, 0.05), compared('test', -0.01, 0.05)]), 'the 9 test images do not say'],
    [
      result([compared('validation', 0.01, 0.05), compared('test', -0.05, -0.01)]),
      'On the 9 test images the winner is worse',
    ],
    [result([compared('test', 0.01, 0.05)], 2, 'box'), 'on the 9 test images, each with its own kind of prompt.'],
  ])('%#', (found, sentence) => {
    expect(verdict(found)).toContain(sentence);
  });

  test('the table names the trials, the winner and what failed', () => {
    const failed = trial(3, { iou: null, failure: 'the loss is not finite', epochs: 0 });
    const lines = trialTable({ ...result([]), trials: [trial(2), trial(1), failed] }).split('\n');
    expect(lines[1]).toBe('2     2, winner          dice  points   0.00002      10   0.900      2.0');
    expect(lines[2]).toContain(' 1, settings given ');
    expect(lines[3]).toMatch(/^3 +3 .* failed /);
  });
});
