import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { randomFor } from '../../lib/core/random.js';
import { decodeImage, decodeMask, imageSize } from '../../lib/data/decode.js';
import { toLowRes } from '../../lib/data/low-res.js';
import { type OpenDataOptions, openData, openImages, openSplit } from '../../lib/data/open-data.js';
import { drawPrompt } from '../../lib/prompts/draw.js';
import { dataSet, write } from './pictures.js';

const options = (data: string, changes: Partial<OpenDataOptions> = {}): OpenDataOptions => ({
  data,
  cacheDir: '/nonexistent',
  ...changes,
});

const names = (samples: Iterable<{ name: string }>) => Array.from(samples, ({ name }) => name);
const crops = ['p1_a', 'p1_b', 'p2_a', 'p2_b', 'p3_a', 'p3_b', 'p4_a', 'p4_b', 'p5_a', 'p5_b'];

test('both splits are read, --limit takes the first of each', async () => {
  const root = await dataSet({ train: ['b', 'a', 'c'], validation: ['y', 'x'] });
  const all = await openData(options(root));
  expect([names(all.train), names(all.validation)]).toEqual([
    ['a', 'b', 'c'],
    ['x', 'y'],
  ]);
  const few = await openData(options(root, { limit: 1 }));
  expect([names(few.train), names(few.validation)]).toEqual([['a'], ['x']]);
  expect(names(await openSplit({ data: root, split: 'validation', skipBad: false, cacheDir: '/nonexistent' }))).toEqual(
    ['x', 'y'],
  );
});

test('what has no partner is named for both splits in one error', async () => {
  const root = await dataSet({ train: ['a', 'b'], validation: ['x', 'y'] });
  await rm(join(root, 'train', 'masks', 'b.png'));
  await rm(join(root, 'validation', 'images', 'x.jpg'));
  await expect(openData(options(root))).rejects.toThrow(/images\/b\..*masks\/x\./);
});

test('no validation split: the error names --validation-fraction and what is there', async () => {
  const root = await dataSet({ train: ['a', 'b'], val: ['x'] });
  await expect(openData(options(root))).rejects.toMatchObject({
    code: 'SAM_BAD_DATA',
    message: expect.stringMatching(/'validation' .*train, val/),
    fix: expect.stringContaining('`validationFraction`'),
  });
  expect(names((await openData(options(root, { validationSplit: 'val' }))).validation)).toEqual(['x']);
});

test('a fraction is cut off by whole groups, the same for one seed, never all or nothing', async () => {
  const root = await dataSet({ train: crops });
  await fc.assert(
    fc.asyncProperty(fc.double({ min: 0.01, max: 0.99, noNaN: true }), fc.nat(), async (validationFraction, seed) => {
      const cut = options(root, { validationFraction, seed, groupBy: '^(p\\d)_' });
      const { train, validation } = await openData(cut);
      const again = await openData(cut);
      expect([[...again.train], [...again.validation]]).toEqual([[...train], [...validation]]);
      expect([...names(train), ...names(validation)].sort()).toEqual(crops);
      expect(train.length).toBeGreaterThan(0);
      expect(validation.length).toBeGreaterThan(0);
      const pictures = new Set(names(train).map((name) => name.slice(0, 2)));
      for (const name of names(validation)) expect(pictures.has(name.slice(0, 2))).toBe(false);
      if (validationFraction > 0.1 && validationFraction < 0.9) {
        expect(Math.abs(validation.length - validationFraction * 10)).toBeLessThanOrEqual(1);
      }
    }),
    { numRuns: 40 },
  );
});

test('without --group-by each image is alone, another seed takes others', async () => {
  const root = await dataSet({ train: crops });
  const cut = async (seed: number) =>
    names((await openData(options(root, { validationFraction: 0.3, seed }))).validation);
  expect(await cut(1)).toHaveLength(3);
  expect(new Set(await Promise.all([1, 2, 3, 4, 5].map(async (seed) => String(await cut(seed))))).size).toBeGreaterThan(
    2,
  );
});

test('a pattern that is none, matches nothing, or leaves one group', async () => {
  const root = await dataSet({ train: crops });
  const cut = (groupBy: string) => openData(options(root, { validationFraction: 0.3, groupBy }));
  await expect(cut('(')).rejects.toMatchObject({ code: 'SAM_BAD_OPTION', exitCode: 2 });
  await expect(cut('^zzz')).rejects.toMatchObject({ code: 'SAM_BAD_OPTION' });
  await expect(cut('^(p)')).rejects.toMatchObject({
    code: 'SAM_BAD_DATA',
    message: expect.stringContaining('one group of 10'),
  });
});

test('a source of an unknown kind is told so', async () => {
  for (const data of ['sample:lakes', 's3://bucket/x']) {
    await expect(openData(options(data))).rejects.toMatchObject({
      code: 'SAM_BAD_OPTION',
      message: expect.stringContaining(data),
      fix: expect.stringContaining('sample:rivers'),
    });
  }
});

test('a file of an unknown kind is told which kinds there are, not that it has no validation split', async () => {
  const root = await dataSet({ train: ['a'] });
  for (const name of ['data.zip', 'model.bin', 'empty']) {
    const path = await write(join(root, name), name === 'empty' ? '' : 'PK\x03\x04 and more');
    await expect(openData(options(path))).rejects.toMatchObject({
      code: 'SAM_BAD_OPTION',
      message: `the file ${path} is no data set of a kind that can be read`,
      fix: expect.stringContaining('Parquet files, COCO JSON, a CSV or JSONL file'),
    });
  }
});

test('images are opened by file and by folder, in the order given', async () => {
  const root = await dataSet({ train: ['b', 'a'] });
  const single = await write(join(root, 'loose', 'z.tif'), '');
  await write(join(root, 'loose', 'deep', 'y.png'), '');
  expect(names(await openImages([single, join(root, 'train')]))).toEqual(['z', 'a', 'b']);
  expect(names(await openImages([join(root, 'loose'), single]))).toEqual(['deep/y', 'z']);
  await expect(openImages([join(root, 'none.png')])).rejects.toMatchObject({ code: 'SAM_NOT_FOUND', exitCode: 2 });
  await expect(openImages([join(root, 'train/masks'), join(root, 'train/images')])).rejects.toThrow(
    'two images are named a',
  );
  await write(join(root, 'empty', 'notes.txt'), '');
  await expect(openImages([join(root, 'empty')])).rejects.toThrow('holds no image');
});

test("a folder of save_to_disk is called one, whole and a split's", async () => {
  const root = await dataSet({ train: ['a'] });
  const saved = join(root, 'saved');
  await write(join(saved, 'dataset_dict.json'), '{"splits": ["train"]}');
  for (const name of ['data-00000-of-00001.arrow', 'dataset_info.json', 'state.json'])
    await write(join(saved, 'train', name), '{}');
  for (const data of [saved, join(saved, 'train'), join(saved, 'train', 'data-00000-of-00001.arrow')]) {
    await expect(openData(options(data))).rejects.toMatchObject({
      code: 'SAM_BAD_OPTION',
      message: `${data} holds Arrow files, as save_to_disk of datasets writes them, which are not read`,
      fix: expect.stringContaining('to_parquet'),
    });
  }
});

const shared = fileURLToPath(new URL('../../../shared/data/stmarg-river', import.meta.url));

// Where the photographs lie beside the checkout.
if (existsSync(shared)) {
  test('the real river photographs: 20 and 8, masks fit, prompts lie in the water', async () => {
    const { train, validation } = await openData(options(shared));
    expect([train.length, validation.length]).toEqual([20, 8]);
    for (const sample of validation) {
      const { width, height, pixels } = await decodeImage(sample);
      expect([width, height, pixels.length]).toEqual([512, 512, 512 * 512 * 3]);
      const mask = await decodeMask(sample, await imageSize(sample));
      const asked = {
        kind: 'points',
        numPositive: 3,
        numNegative: 0,
        erode: true,
        dynamicDistance: true,
        perturbation: 10,
        pointSets: 'joint',
        padTo: 0,
      } as const;
      const { points } = drawPrompt(toLowRes(mask, 256), asked, randomFor(42, 1, sample.name, 0));
      // On so broad a river the first point may leave no room for others.
      expect(points.length).toBeGreaterThan(0);
      for (const [x, y] of points) expect(mask.values[Math.floor(y + 0.5) * 512 + Math.floor(x + 0.5)]).toBe(1);
    }
    const cut = await openData(options(shared, { validationFraction: 0.2, groupBy: '^StMarg_(\\d+)' }));
    expect([cut.train.length, cut.validation.length]).toEqual([16, 4]);
  });
}
