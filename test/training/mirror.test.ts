import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Mirror } from '../../lib/training/mirror.js';
import { temporaryFolder } from './fake.js';

let dir: string;
beforeEach(async () => {
  dir = await temporaryFolder();
  await mkdir(join(dir, 'run', 'checkpoints'), { recursive: true });
});
afterEach(() => rm(dir, { recursive: true }));

test('the newest state of each file arrives, under the same names, with nothing else left', async () => {
  const failures: string[] = [];
  const mirror = new Mirror(join(dir, 'run'), join(dir, 'copy'), (message) => failures.push(message));
  const last = join(dir, 'run', 'checkpoints', 'last.safetensors');
  const config = join(dir, 'run', 'config.json');
  await writeFile(config, '{}');
  for (let i = 0; i < 50; i++) {
    await writeFile(last, `state ${i}`);
    mirror.copy([config, last]);
  }
  await mirror.finish();
  expect(await readFile(join(dir, 'copy', 'checkpoints', 'last.safetensors'), 'utf8')).toBe('state 49');
  expect((await readdir(join(dir, 'copy'), { recursive: true })).sort()).toEqual([
    'checkpoints',
    'checkpoints/last.safetensors',
    'config.json',
  ]);
  expect(failures).toEqual([]);
});

test('a place that is back after a failure gets the next copies; failures in a row are told once', async () => {
  const failures: string[] = [];
  const mirror = new Mirror(join(dir, 'run'), join(dir, 'copy'), (message) => failures.push(message));
  const files = ['a', 'b'].map((name) => join(dir, 'run', name));
  for (const file of files) await writeFile(file, 'x');
  await writeFile(join(dir, 'copy'), 'in the way');
  mirror.copy(files);
  await mirror.finish();
  expect(failures).toHaveLength(1);
  await rm(join(dir, 'copy'));
  mirror.copy(files);
  await mirror.finish();
  expect((await readdir(join(dir, 'copy'))).sort()).toEqual(['a', 'b']);
  expect(failures).toHaveLength(1);
});
