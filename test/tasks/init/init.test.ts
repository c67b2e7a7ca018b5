/** `initConfig`: what it finds in data sets of many kinds, what it makes of that, and that `train` takes the config. */
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { parse as parseCall } from '../../../lib/cli/parser.js';
import { camel } from '../../../lib/core/suggest.js';
import { trainOptionsSchema } from '../../../lib/options.js';
import { initConfig } from '../../../lib/tasks/init/init.js';
import { kindOf } from '../../../lib/tasks/init/look.js';
import type { InitOptions } from '../../../lib/tasks/init/options.js';
import { picture, temporaryFolder, write } from '../../data/pictures.js';
import { geoTiff } from '../../raster/rasters.js';

const [WIDTH, HEIGHT] = [64, 48];
const pixels = (value: (x: number, y: number) => number) =>
  Uint8Array.from({ length: WIDTH * HEIGHT }, (_, at) => value(at % WIDTH, Math.floor(at / WIDTH)));
const png = (values: Uint8Array) => picture(values, WIDTH, HEIGHT, 1).png().toBuffer();
const inDisk = (x: number, y: number, cx = 30) => Math.hypot(x - cx, y - 24) < 12;
const disk = pixels((x, y) => (inDisk(x, y) ? 255 : 0));

/** Pictures of a disk in splits, so many each. */
async function dataSet(splits: Record<string, number>, masks: Uint8Array[] = [disk], image = pixels((x) => x)) {
  const root = await temporaryFolder();
  for (const [split, count] of Object.entries(splits)) {
    for (let index = 0; index < count; index++) {
      await write(join(root, split, 'images', `${index}.png`), await png(image));
      await write(join(root, split, 'masks', `${index}.png`), await png(masks[index % masks.length]!));
    }
  }
  return root;
}

async function init(given: InitOptions & { data: string }) {
  const warnings: string[] = [];
  const out = join(await temporaryFolder(), 'sam-native.yaml');
  const result = await initConfig({ out, ...given }, { onWarning: (line) => warnings.push(line) });
  return { ...result, warnings, text: await readFile(result.config, 'utf8') };
}

/** What `train --config` reads of a config; nothing is trained. */
async function readByTrain(config: string): Promise<Record<string, unknown>> {
  let given = {};
  await parseCall(['train', '--config', config], async (command, argv) => {
    ({ given } = (await command.read(argv)) as { given: object });
  });
  return given;
}

test('a folder of splits: what it holds, settings with a reason each, and all the rest as comments', async () => {
  const data = await dataSet({ train: 5, validation: 2, test: 1 });
  const { config, options, found, text, warnings } = await init({ data });
  expect(found).toMatchObject({
    data,
    train: { split: 'train', samples: 5 },
    validation: { split: 'validation', samples: 2 },
    otherSplits: ['test'],
    pictures: { looked: 5, width: { least: WIDTH, median: WIDTH, most: WIDTH }, bands: [1], bandNames: ['grey'] },
    labels: { kind: 'one', values: ['255'], empty: 0 },
    roughMasks: [],
    doubts: [],
  });
  expect(found.labels.box).toBeCloseTo((23 * 23) / (WIDTH * HEIGHT), 1);
  expect(warnings).toEqual([]);
  expect(options).toEqual({ data, model: 'mobile-sam', prompt: 'points', epochs: 50, batchSize: 2, earlyStop: 10 });
  expect(await readByTrain(config)).toEqual(options);
  expect(text).toMatch(/^# yaml-language-server: \$schema=\S+\n# sam-native train --config /);
  expect(text).toMatch(/^# 5 samples to train on, 2 to validate; .*Other splits: test\.\ndata: /m);
  for (const line of text.split('\n')) expect(line.length).toBeLessThan(140);
});

test('every option of train stands in it once, and is a config again with the # taken away', async () => {
  const { config, text } = await init({ data: await dataSet({ train: 3, validation: 1 }) });
  const names = [...text.matchAll(/^(?:# )?([a-z][a-z-]*):(?: \S+)?$/gm)].map(([, name]) => camel(name!));
  const options = Object.keys(trainOptionsSchema.shape).filter((name) => name !== 'resume');
  expect(names.filter((name) => name !== 'yamlLanguageServer').sort()).toEqual(options.sort());
  const all = text.replace(/^# (?!yaml-)([a-z][a-z-]*:)(.*)$/gm, '$1$2');
  const schema = JSON.parse(await readFile('config.schema.json', 'utf8'));
  const takes = new Ajv({ allowUnionTypes: true }).compile(schema);
  const said = Object.entries(parse(all) as object).filter(([, value]) => value !== null);
  expect(said.length).toBeGreaterThan(40);
  expect([takes(Object.fromEntries(said)), takes.errors]).toEqual([true, null]);
  await write(config, all);
  expect(Object.keys(await readByTrain(config))).toHaveLength(said.length);
});

test('splits by other names; a share is cut off where none is there to validate', async () => {
  const other = await init({ data: await dataSet({ training: 4, val: 2 }) });
  expect(other.options).toMatchObject({ trainSplit: 'training', validationSplit: 'val' });
  const { options, found } = await init({ data: await dataSet({ all: 10 }) });
  expect(options).toMatchObject({ trainSplit: 'all', validationFraction: 0.2 });
  expect([found.train.samples, found.validation]).toEqual([8, { split: null, samples: 2 }]);
  const one = await init({ data: await dataSet({ train: 2 }) });
  expect(one.text).toContain('1 sample to train on, 1 to validate');
  expect(one.text.replaceAll('\n# ', ' ')).toContain("1 sample of 'train' is cut off");
  const ambiguous = init({ data: await dataSet({ here: 1, there: 1 }) });
  await expect(ambiguous).rejects.toMatchObject({ code: 'SAM_BAD_DATA', fix: 'name it with `trainSplit`' });
});

test('what is given is taken, and written', async () => {
  const data = await dataSet({ train: 9, validation: 2 });
  const given = { data, validationFraction: 0.5, limit: 4, model: 'facebook/sam-vit-base' };
  const { options, found, config } = await init(given);
  expect(options).toMatchObject(given);
  expect(found.train.samples).toBe(4);
  expect(await readByTrain(config)).toEqual(options);
});

test('ids make samples of objects; classes are for the reader to choose; doubts and empty masks are told', async () => {
  const ids = [pixels((x) => Math.min(3, 1 + Math.floor(x / 24))), pixels((x) => 1 + Math.floor(x / 32))];
  const objects = await init({ data: await dataSet({ train: 4, validation: 2 }, ids) });
  expect(objects.options).toMatchObject({ instances: true, prompt: 'box' });
  expect(objects.found).toMatchObject({ train: { samples: 10 }, labels: { kind: 'ids', values: ['1', '2', '3'] } });

  const classes = pixels((x, y) => (inDisk(x, y) ? 3 : x < 8 ? 7 : 0));
  const empty = pixels(() => 0);
  const kinds = await init({ data: await dataSet({ train: 4, validation: 2 }, [classes, empty]) });
  expect(kinds.options).toMatchObject({ onEmpty: 'skip' });
  expect(kinds.options).not.toHaveProperty('class');
  expect(kinds.text).toMatch(/# Masks hold the values 3, 7: [^:]*\n(# .*\n)*# class:\n/);
  expect(kinds.found).toMatchObject({
    train: { samples: 2 },
    labels: { kind: 'classes', values: ['3', '7'], empty: 3 },
  });

  const borders = pixels((x, y) => (inDisk(x, y) ? 1 : Math.abs(x - 50) < 3 ? 255 : 0));
  const doubtful = await init({ data: await dataSet({ train: 2, validation: 1 }, [borders]) });
  expect(doubtful.found.doubts).toEqual([expect.stringContaining("one that elsewhere means 'no label'")]);
  expect(doubtful.warnings).toEqual(doubtful.found.doubts);
  expect(doubtful.text).toMatch(/^# To look at first:\n# - mask /m);
});

test('ids are told from classes', () => {
  expect(kindOf([['1'], ['1']])).toBe('one');
  expect(kindOf([['255'], []])).toBe('one');
  expect(
    kindOf([
      ['1', '2', '3'],
      ['1', '2'],
    ]),
  ).toBe('ids');
  expect(
    kindOf([
      ['1', '2'],
      ['1', '2'],
    ]),
  ).toBe('classes');
  expect(
    kindOf([
      ['1', '3'],
      ['1', '2', '3'],
    ]),
  ).toBe('classes');
  expect(kindOf([Array.from({ length: 40 }, (_, index) => String(index + 1))])).toBe('ids');
  expect(kindOf([['ff0000', '00ff00'], ['ff0000']])).toBe('classes');
});

/** Rasters with bands in another order and an infrared one, dark in the disk or all alike. */
async function rasters(inside: number): Promise<string> {
  const root = await temporaryFolder();
  const bands = [30, 60, 90].map((value) => Uint16Array.from(pixels(() => value)));
  const nir = Uint16Array.from(pixels((x, y) => (inDisk(x, y) ? inside : 200)));
  for (const split of ['train', 'validation']) {
    for (const name of ['a', 'b']) {
      const tiff = geoTiff([...bands, nir], WIDTH, HEIGHT, { names: ['blue', 'green', 'red', 'nir'] });
      await write(join(root, split, 'images', `${name}.tif`), tiff);
      await write(join(root, split, 'masks', `${name}.png`), await png(disk));
    }
  }
  return root;
}

test('infrared: the index whose rough masks meet the labels is taken, a poor one is not', async () => {
  const { options, found, config } = await init({ data: await rasters(10) });
  expect(options).toMatchObject({ bands: 'red,green,blue', roughMask: 'ndwi', promptSource: 'mixed' });
  expect(found.roughMasks[0]).toMatchObject({ kind: 'ndwi', images: 2 });
  expect(found.roughMasks[0]!.meanIou).toBeGreaterThan(0.9);
  expect(found.pictures).toMatchObject({ bands: [4], bandNames: ['blue', 'green', 'red', 'nir'] });
  expect(await readByTrain(config)).toEqual(options);

  const poor = await init({ data: await rasters(200) });
  expect(poor.options).not.toHaveProperty('roughMask');
  expect(poor.text).toMatch(/^# Infrared is there, but no index finds the labels well\..*\n(# .*\n)*# rough-mask:$/m);
});

test('no data set: what is missing is said, and nothing is written', async () => {
  const root = await temporaryFolder();
  const refused = async (data: string, message: string, fix: string, code = 'SAM_BAD_DATA') => {
    const out = join(root, 'none.yaml');
    await expect(initConfig({ data, out })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
      fix: expect.stringContaining(fix),
    });
    expect(existsSync(out)).toBe(false);
  };
  await mkdir(join(root, 'empty'));
  await refused(join(root, 'empty'), 'holds no picture', 'SRC/train/masks');
  await refused(join(root, 'nowhere'), 'there is no data', 'check the path', 'SAM_NOT_FOUND');
  await write(join(root, 'loose', 'a.png'), await png(disk));
  await refused(join(root, 'loose'), 'holds 1 picture (a.png is it), but no masks in', 'put images into');
  await write(join(root, 'flat', 'images', 'a.png'), await png(disk));
  await write(join(root, 'flat', 'masks', 'a.png'), await png(disk));
  await refused(join(root, 'flat'), 'no split above them', `move both folders into ${join(root, 'flat', 'train')}`);
  const above = await dataSet({ train: 2, validation: 1 });
  await refused(
    join(above, 'train'),
    "is the split 'train' of a data set, not the whole",
    `name the folder above it: ${above}`,
  );
  await write(join(root, 'bare', 'train', 'images', 'a.png'), await png(disk));
  await refused(join(root, 'bare'), 'has no mask: images/a.png', 'give each image one mask');
  const file = await write(join(root, 'notes.txt'), 'hello');
  await refused(file, 'is no data set of a kind that can be read', 'give a folder', 'SAM_BAD_OPTION');
  const other = await dataSet({ train: 2, validation: 1 });
  await write(join(other, 'train', 'masks', '1.png'), await picture(disk.subarray(0, 64), 8, 8, 1).png().toBuffer());
  await refused(other, 'is 8 x 8 pixels', 'skip');
});

test('a file that is there is replaced only if that is asked for; it is YAML', async () => {
  const data = await dataSet({ train: 2, validation: 1 });
  const out = await write(join(await temporaryFolder(), 'a.yaml'), 'mine: true\n');
  await expect(initConfig({ data, out })).rejects.toMatchObject({
    code: 'SAM_BAD_OPTION',
    fix: expect.stringContaining('overwrite'),
  });
  expect(await readFile(out, 'utf8')).toBe('mine: true\n');
  await initConfig({ data, out, overwrite: true });
  expect(await readFile(out, 'utf8')).toContain('batch-size: 2');
  await expect(initConfig({ data, out: 'a.json' })).rejects.toThrow('expected a name that ends in .yaml');
});
