/** `bench` as a user runs it, as quickly as it goes. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BenchResult } from '../../lib/tasks/bench/result.js';
import { compile, type Outcome, runCli, startCli } from './run-cli.js';

let dir: string;
let outcome: Outcome;
let result: BenchResult;

beforeAll(async () => {
  compile();
  dir = await mkdtemp(join(tmpdir(), 'sam-native-bench-'));
  outcome = await runCli([
    'bench',
    '--quick',
    '--models',
    'mobile-sam',
    '--device',
    'cpu',
    '--json',
    '--out',
    join(dir, 'bench.md'),
  ]);
  result = outcome.json<BenchResult>();
}, 300_000);
afterAll(() => rm(dir, { recursive: true, force: true }));

describe('bench --quick', () => {
  test('times encoder, steps and prompts, each rate the inverse of its seconds', () => {
    expect(outcome.code).toBe(0);
    for (const speed of result.encoder) {
      expect(speed.model).toBe('mobile-sam');
      expect(speed.imagesPerSecond).toBeCloseTo(1 / speed.secondsPerImage);
      expect(speed.gflopPerSecond! / speed.gflopPerImage!).toBeCloseTo(speed.imagesPerSecond);
    }
    expect(result.encoder.at(-1)!.precision).toBe(result.precision);
    const [step] = result.steps;
    expect(step!.imagesPerSecond).toBeCloseTo(step!.batch / step!.secondsPerStep);
    expect(result.prompts.map(({ prompts }) => prompts)).toEqual([1, 64]);
    for (const { promptsPerSecond, secondsPerPrompt } of result.prompts)
      expect(promptsPerSecond).toBeCloseTo(1 / secondsPerPrompt);
  });

  test('says what it means, from what it measured', () => {
    const [means] = result.means;
    expect(means!.encodingHours).toBeCloseTo((1000 * result.encoder.at(-1)!.secondsPerImage) / 3600);
    expect(means!.trainingHours).toBeCloseTo(50_000 / result.steps[0]!.imagesPerSecond / 3600);
    expect(means!.t4?.kind).toBe('projected');
  });

  test('writes the tables, which say that the T4 is projected and how the arithmetic was counted', async () => {
    const text = await readFile(join(dir, 'bench.md'), 'utf8');
    expect(text).toContain('| mobile-sam |');
    expect(text).toContain('projected');
    expect(text).toContain('65 TFLOP/s');
    expect(text).not.toMatch(/NaN|undefined/);
  });

  test('keeps progress on stderr', () => {
    expect(outcome.stderr).toContain('s an image');
    expect(outcome.stdout.trim().split('\n')).toHaveLength(1);
  });
});

test('an unknown size is refused', async () => {
  const refused = await runCli(['bench', '--sizes', 'base,tiny']);
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).toContain('--sizes');
});

test('Ctrl-C ends it with 130 and leaves no weights behind', async () => {
  const running = startCli([
    'bench',
    '--quick',
    '--sizes',
    'base',
    '--device',
    'cpu',
    '--cache-dir',
    join(dir, 'cache'),
  ]);
  await expect.poll(running.stderr, { timeout: 120_000, interval: 50 }).toContain('drawing random weights');
  running.child.kill('SIGINT');
  expect(await running.outcome).toMatchObject({ code: 130, stdout: '' });
  expect(await readdir(join(dir, 'cache', 'tmp'))).toEqual([]);
});
