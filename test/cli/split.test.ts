/** `split` as a user runs it, with the real encoder: two flights over sample rivers, three frames each. */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseCsv } from '../../lib/core/csv.js';
import { drawRiver, SIDE } from '../../lib/samples/rivers/scene.js';
import type { SplitDataResult } from '../../lib/tasks/split/split.js';
import { compile, runCli } from './run-cli.js';

let dir: string;
const split = (...args: string[]) => runCli(['split', '--json', '--cache-dir', join(dir, 'cache'), ...args]);
const half = ['--train', '0.5', '--validation', '0.5', '--test', '0'];

/** Fields of each row: image, mask, split, name. */
const rowsOf = async (path: string) => [...parseCsv(await readFile(path, 'utf8'))].slice(1).map(({ fields }) => fields);

beforeAll(async () => {
  compile();
  dir = await mkdtemp(join(tmpdir(), 'sam-native-split-'));
  for (const part of ['images', 'masks']) await mkdir(join(dir, 'flights', 'train', part), { recursive: true });
  for (const [index, river] of ['a', 'b'].entries()) {
    const { pixels, mask } = drawRiver('train', index);
    for (const frame of [0, 1, 2]) {
      for (const [part, values, channels] of [['images', pixels, 3] as const, ['masks', mask, 1] as const]) {
        await sharp(values, { raw: { width: SIDE, height: SIDE, channels } })
          .extract({ left: 6 * frame, top: 0, width: SIDE - 12, height: SIDE })
          .png()
          .toFile(join(dir, 'flights', 'train', part, `${river}${frame}.png`));
      }
    }
  }
}, 300_000);
afterAll(() => rm(dir, { recursive: true, force: true }));

test('frames of one flight stay together, and then none is a near-duplicate across the splits', async () => {
  const out = join(dir, 'similar.csv');
  const outcome = await split('--data', join(dir, 'flights'), '--group-by-similarity', '--out', out, ...half);
  expect(outcome).toMatchObject({ code: 0 });
  expect(outcome.json<SplitDataResult>()).toMatchObject({
    splits: { train: 3, validation: 3, test: 0 },
    groups: 2,
    nearDuplicates: [],
    files: [out],
  });
  const splits = new Map((await rowsOf(out)).map(([, , part, name]) => [name, part]));
  for (const name of ['a1', 'a2']) expect(splits.get(name)).toBe(splits.get('a0'));
  expect(splits.get('b0')).not.toBe(splits.get('a0'));
});

test('cut apart, they are warned about by split and by train', async () => {
  const out = join(dir, 'cut.csv');
  const outcome = await split(
    '--data',
    join(dir, 'flights'),
    '--group-by',
    '([0-9])$',
    '--out',
    out,
    '--train',
    '0.67',
    '--validation',
    '0.33',
    '--test',
    '0',
  );
  const { nearDuplicates } = outcome.json<SplitDataResult>();
  expect(nearDuplicates?.map(({ image }) => image[0]).sort()).toEqual(['a', 'b']);
  for (const { image, train, similarity } of nearDuplicates!) {
    expect(train[0]).toBe(image[0]);
    expect(similarity).toBeGreaterThan(0.998);
  }
  expect(outcome.stderr).toMatch(/warning: 2 images held out are near-duplicates of a training image/);
  const trained = await runCli([
    ...['train', '--data', out, '--epochs', '1', '--out', join(dir, 'run'), '--cache-dir', join(dir, 'cache')],
  ]);
  expect(trained).toMatchObject({ code: 0 });
  expect(trained.stderr).toMatch(/warning: 2 images held out are near-duplicates of a training image/);
});

test('a threshold above every pair links nothing', async () => {
  const outcome = await split(
    '--data',
    join(dir, 'flights'),
    '--group-by-similarity',
    '1',
    '--out',
    join(dir, 'one.csv'),
    ...half,
  );
  expect(outcome.json<SplitDataResult>().groups).toBe(6);
});
