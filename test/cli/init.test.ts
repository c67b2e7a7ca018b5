/** `init` as a user runs it: the config that it writes is one that `train` runs. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TrainResult } from '../../lib/runs/events.js';
import type { InitResult } from '../../lib/tasks/init/init.js';
import { compile, runCli } from './run-cli.js';

let dir: string;
let cacheDir: string;
beforeAll(async () => {
  compile();
  dir = await mkdtemp(join(tmpdir(), 'sam-native-init-'));
  cacheDir = join(dir, 'cache');
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const init = (...args: string[]) => runCli(['init', '--cache-dir', cacheDir, ...args], { cwd: dir });

test('the config trains as it is', async () => {
  const outcome = await init('--data', 'sample:rivers', '--limit', '2', '--json');
  expect(outcome).toMatchObject({ code: 0, stderr: expect.not.stringContaining('warning') });
  const { config, options, found } = outcome.json<InitResult>();
  expect(config).toBe(join(dir, 'sam-native.yaml'));
  expect(options).toMatchObject({ data: 'sample:rivers', limit: 2, prompt: 'points', batchSize: 2 });
  expect(found).toMatchObject({
    train: { split: 'train', samples: 2 },
    validation: { split: 'validation', samples: 2 },
  });
  const trained = await runCli(['train', '--config', 'sam-native.yaml', '--cache-dir', cacheDir, '--json'], {
    cwd: dir,
  });
  expect(trained).toMatchObject({ code: 0 });
  const result = trained.json<TrainResult>();
  expect(result).toMatchObject({ trainImages: 2, epochs: expect.any(Number) });
  expect(result.epochs).toBeLessThanOrEqual(Number(options.epochs));
}, 600_000);

test('a second time it is refused, and --overwrite replaces it', async () => {
  const before = await readFile(join(dir, 'sam-native.yaml'), 'utf8');
  const again = await init('--data', 'sample:rivers');
  expect(again).toMatchObject({ code: 2, stdout: '' });
  expect(again.stderr).toMatch(/^error: .*sam-native\.yaml is there already — replace it \(--overwrite\), or/);
  expect(await readFile(join(dir, 'sam-native.yaml'), 'utf8')).toBe(before);
  const replaced = await init('--data', 'sample:rivers', '--overwrite');
  expect(replaced.code).toBe(0);
  expect(replaced.stdout).toMatch(
    /^24 samples to train on, 8 to validate: data sample:rivers, .*\n.*sam-native\.yaml\n$/,
  );
});

test('without data it says where it looked, and writes nothing', async () => {
  const outcome = await init('--out', 'other.yaml');
  expect(outcome).toMatchObject({ code: 2, stdout: '' });
  expect(outcome.stderr).toContain(
    'no folder here is laid out as SRC/<split>/{images,masks} — name the data set with --data',
  );
  expect(await readdir(dir)).not.toContain('other.yaml');
});
