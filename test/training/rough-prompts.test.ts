import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseOptions } from '../../lib/core/parse-options.js';
import type { Epoch } from '../../lib/core/random.js';
import type { DataSplits } from '../../lib/data/sample.js';
import { type TrainOptions, trainOptionsSchema } from '../../lib/options.js';
import { planBatches, prepareBatch } from '../../lib/training/batches.js';
import { checkSamples } from '../../lib/training/check-samples.js';
import { LowResMasks } from '../../lib/training/masks.js';
import { RoughPrompts } from '../../lib/training/rough-prompts.js';
import { fakeEnvironment, temporaryFolder, writeSplits } from './fake.js';

let dir: string;
let splits: DataSplits;

/** The labels are boxes at the left; the rough masks a column at the right; that of `t0` is empty. */
beforeAll(async () => {
  dir = await temporaryFolder();
  splits = await writeSplits(dir, 30, 3);
  await mkdir(join(dir, 'rough'));
  for (const { name } of [...splits.train, ...splits.validation]) {
    const pixels = Buffer.alloc(16 * 12);
    for (let y = 0; y < 12; y++) pixels[y * 16 + 15] = name === 't0' ? 0 : 255;
    await sharp(pixels, { raw: { width: 16, height: 12, channels: 1 } })
      .png()
      .toFile(join(dir, 'rough', `${name}.png`));
  }
});
afterAll(() => rm(dir, { recursive: true }));

const optionsOf = (more: Partial<TrainOptions>) =>
  parseOptions(trainOptionsSchema, {
    data: dir,
    roughMask: 'file',
    roughMasks: join(dir, 'rough'),
    minArea: 0,
    numPositive: 1,
    maskSize: 64,
    ...more,
  });

/** Whether the point of each training image lies at the right, where only rough masks are. */
async function fromRough(more: Partial<TrainOptions>, epoch: Epoch, batchSize = 30): Promise<boolean[]> {
  const rough = RoughPrompts.open(optionsOf(more));
  const model = await fakeEnvironment(splits).openModel({} as never, {} as never, {} as never);
  const prompts = {
    kind: 'points',
    numPositive: 1,
    numNegative: 0,
    erode: true,
    dynamicDistance: true,
    perturbation: 0,
    pointSets: 'joint',
    padTo: 0,
  } as const;
  const masks = new LowResMasks(64, undefined);
  const source = { masks, embeddings: model.embeddings, prompts, seed: 1, rough };
  const found: boolean[] = [];
  for (const plan of planBatches(splits.train, batchSize)) {
    const { batch, dispose } = await prepareBatch(source, plan, epoch);
    dispose();
    plan.samples.forEach((_, index) => {
      found.push(batch.prompts.points![index * 2]! > 14.5 * 64);
    });
    // Targets stay the labels.
    expect(batch.targets[63]).toBe(0);
  }
  await rough?.dispose();
  return found;
}

test('rough: all from rough masks; ground-truth: none', async () => {
  expect((await fromRough({}, 0)).slice(1)).toEqual(Array(29).fill(true));
  expect(await fromRough({ promptSource: 'ground-truth' }, 0)).toEqual(Array(30).fill(false));
});

test('mixed: about half, by seed, epoch and image alone; validation takes rough masks', async () => {
  const first = await fromRough({ promptSource: 'mixed' }, 0);
  const count = first.filter(Boolean).length;
  expect(count).toBeGreaterThan(7);
  expect(count).toBeLessThan(23);
  expect(first[0]).toBe(false);
  expect(await fromRough({ promptSource: 'mixed' }, 0, 7)).toEqual(first);
  expect(await fromRough({ promptSource: 'mixed' }, 1)).not.toEqual(first);
  expect((await fromRough({ promptSource: 'mixed' }, 'validation')).slice(1)).toEqual(Array(29).fill(true));
});

test('an empty rough mask: an error that says why, left out, or the label', async () => {
  const masks = new LowResMasks(64, undefined);
  const warnings: string[] = [];
  const onWarning = (line: string) => warnings.push(line);
  const check = (more: Partial<TrainOptions>) => {
    const options = optionsOf(more);
    return checkSamples(splits, masks, { ...options, onWarning, rough: RoughPrompts.open(options) });
  };
  await expect(check({})).rejects.toMatchObject({
    code: 'SAM_BAD_DATA',
    message: expect.stringMatching(/t0\.png: the rough mask is empty: it has no pixel/),
    fix: expect.stringContaining('`onEmpty` skip'),
  });
  expect((await check({ onEmpty: 'skip' })).train).toHaveLength(29);
  expect(warnings.join()).toContain('t0.png');
  expect((await check({ promptSource: 'mixed' })).train).toHaveLength(30);
  expect(warnings.at(-1)).toMatch(/from the label where the rough mask is empty: t0$/);
});

test('rough masks that nothing describes are refused', () => {
  const open = (more: Partial<TrainOptions>) => () =>
    RoughPrompts.open(parseOptions(trainOptionsSchema, { data: 'x', ...more }));
  expect(open({ promptSource: 'rough' })).toThrow('`promptSource` rough needs a rough mask');
  const mixed = { promptSource: 'mixed', roughMask: 'hsv', hue: '1-2', maskPrompt: true } as const;
  expect(open(mixed)).toThrow('`maskPrompt` does not go');
  expect(open({ roughMask: 'hsv' })).toThrow('at least one of `hue`');
  expect(open({ roughMask: 'file' })).toThrow('needs `roughMasks`');
  for (const hue of ['20', '20-', '-20-30', '20-400', 'a-b'])
    expect(open({ roughMask: 'hsv', hue })).toThrow(`\`hue\` "${hue}"`);
  expect(open({ roughMask: 'hsv', value: '0.9-0.1' })).toThrow('`value` "0.9-0.1"');
  // @ts-expect-error
  expect(open({ roughMask: 'ndwi', threshold: 'high' })).toThrow('`threshold` "high": expected a number, or otsu');
});
