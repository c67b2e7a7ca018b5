/** COCO files as tools write them; areas are pycocotools' (`scripts/make_coco_fixtures.py`). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { decodeMask, imageSize } from '../../../../lib/data/decode.js';
import type { Sample, SplitReading } from '../../../../lib/data/sample.js';
import { type CocoOptions, findCoco } from '../../../../lib/data/sources/coco/coco.js';
import { toRle } from '../../../../lib/data/sources/coco/rle.js';
import { grey, temporaryFolder, write } from '../../pictures.js';

const SQUARE = [[2, 1, 6, 1, 6, 4, 2, 4]];
const image = (id: unknown, name = 'a.png', more: object = {}) => ({
  id,
  file_name: name,
  width: 8,
  height: 6,
  ...more,
});
const annotation = (id: unknown, imageId: unknown = 1, more: object = {}) => ({
  id,
  image_id: imageId,
  category_id: 1,
  segmentation: SQUARE,
  ...more,
});
const WATER = { id: 1, name: 'water' };
const text = (images: object[], annotations: object[], categories: object[] = [WATER]) =>
  JSON.stringify({ images, annotations, categories });

/** Reads a file beside these pictures, as the split `train`. */
async function read(
  content: string | Uint8Array,
  { pictures = ['a.png'], ...options }: CocoOptions & { pictures?: string[] } = {},
  reading: Partial<SplitReading> = {},
) {
  const root = await temporaryFolder();
  for (const name of pictures) await write(join(root, name), await grey(9));
  await write(join(root, 'train.json'), content);
  return { root, ...(await readFolder(root, options, reading)) };
}

async function readFolder(root: string, options: CocoOptions = {}, reading: Partial<SplitReading> = {}) {
  const warnings: string[] = [];
  const onWarning = (line: string) => void warnings.push(line.replaceAll(join(root, 'train.json'), 'F'));
  const source = await findCoco(root, options);
  const how = { masks: 'required', skipBad: false, onWarning, ...reading } as const;
  const samples = [...(await source!.readSplit('train', how))];
  return { samples, warnings, names: samples.map(({ name }) => name) };
}

const maskOf = async (sample: Sample) => decodeMask(sample, await imageSize(sample));
const areaOf = async (sample: Sample) => (await maskOf(sample)).values.reduce((sum, value) => sum + value, 0);

describe('segmentations, with the pixels of pycocotools', () => {
  interface Variant {
    name: string;
    segmentation: unknown;
    size: [height: number, width: number];
    counts: string;
    area: number;
    dropped: number;
  }
  const { variants } = JSON.parse(readFileSync(new URL('../../../fixtures/coco.json', import.meta.url), 'utf8')) as {
    variants: Variant[];
  };

  test.each(variants.map((variant) => [variant.name, variant] as const))('%s', async (_, variant) => {
    const [height, width] = variant.size;
    const root = await temporaryFolder();
    await write(join(root, 'a.png'), await grey(9, width, height));
    const { segmentation, dropped } = variant;
    await write(
      join(root, 'train.json'),
      text([image(1, 'a.png', { width, height })], [annotation(5, 1, { segmentation })]),
    );
    const { samples, warnings } = await readFolder(root);
    const mask = await maskOf(samples[0]!);
    expect(toRle(mask.values, mask.width, mask.height).counts).toBe(variant.counts);
    expect(await areaOf(samples[0]!)).toBe(variant.area);
    expect(warnings).toEqual(
      dropped === 0 ? [] : [expect.stringMatching(/^annotations in F: parts of outlines .* are left out: 5 \(/)],
    );
  });
});

describe('numbers and texts', () => {
  test('NaN and infinities in fields that nobody reads', async () => {
    const content = text(
      [image(1, 'a.png', { gps: 'G' })],
      [annotation(7, 1, { area: 'A', score: 'S', note: 'NaN "NaN"' })],
    )
      .replace('"G"', '[NaN, -Infinity]')
      .replace('"A"', 'NaN')
      .replace('"S"', 'Infinity');
    const { samples } = await read(content);
    expect(await areaOf(samples[0]!)).toBe(12);
  });

  test('NaN in an outline makes that part none', async () => {
    const content = text([image(1)], [annotation(7, 1, { segmentation: [...SQUARE, [1, 1, 'N', 2, 3, 3]] })]);
    const { samples, warnings } = await read(content.replace('"N"', 'NaN'));
    expect([await areaOf(samples[0]!), warnings]).toEqual([12, [expect.stringContaining('are left out: 7')]]);
  });

  test('a box alone has no outline, and shares of the picture are no pixels', async () => {
    const box = { id: 1, image_id: 1, category_id: 1, bbox: [1, 1, 3, 3] };
    await expect(read(text([image(1)], [box]))).rejects.toThrow('1 annotation has no segmentation: 1');
    const shares = annotation(1, 1, { segmentation: [[0.1, 0.1, 0.5, 0.1, 0.5, 0.5]] });
    await expect(read(text([image(1)], [shares]))).rejects.toThrow('whose corners are shares of the picture, 0 to 1');
  });

  test('ids as texts on one side, sizes as texts or null', async () => {
    const images = [image('1', 'a.png', { width: '8', height: '6' }), image(2, 'b.png', { width: null, height: null })];
    const { names, samples } = await read(
      text(images, [annotation(7, 1), annotation('8', '2', { category_id: null })]),
      {
        pictures: ['a.png', 'b.png'],
      },
    );
    expect(names).toEqual(['a#7', 'b#8']);
    expect(await Promise.all(samples.map(areaOf))).toEqual([12, 12]);
  });

  test('ids that no number of JavaScript holds stay apart', async () => {
    const content = text([image('I0'), image('I1', 'b.png')], [annotation('I0', 'I0'), annotation('I1', 'I1')]);
    const { names } = await read(
      content.replaceAll('"I0"', '9007199254740992').replaceAll('"I1"', '9007199254740993'),
      {
        pictures: ['a.png', 'b.png'],
      },
    );
    expect(names).toEqual(['a#9007199254740992', 'b#9007199254740993']);
  });
});

describe('names of files', () => {
  test.each([
    ['sub\\a.png', 'sub/a.png'],
    ['.\\sub\\a.png', 'sub/a.png'],
    ['my%20river.png', 'my river.png'],
    ['sub%5Cr%C3%A9.png', 'sub/r\u00e9.png'],
    ['\u00e9.png', 'e\u0301.png'],
    ['e\u0301.png', '\u00e9.png'],
    ['100%.png', '100%.png'],
  ])('%s is %s', async (written, stored) => {
    const { samples, root } = await read(text([image(1, written)], [annotation(7)]), { pictures: [stored] });
    expect(samples[0]!.image.path).toBe(join(root, stored));
    expect(samples[0]!.name).toBe(`${stored.normalize('NFC').slice(0, -4)}#7`);
  });

  test('an image that is there as it is written does not stand for the others', async () => {
    const images = [image(1, 'a.png'), image(2, 'sub\\b.png')];
    const { names } = await read(text(images, [annotation(1, 1), annotation(2, 2)]), {
      pictures: ['a.png', 'sub/b.png'],
    });
    expect(names).toEqual(['a#1', 'sub/b#2']);
  });
});

describe('encodings', () => {
  const content = text([image(1, '\u00e9.png')], [annotation(7)]);
  test.each([
    ['UTF-16', Buffer.from(`\ufeff${content}`, 'utf16le')],
    ['UTF-16', Buffer.from(content, 'utf16le')],
    ['in another encoding, such as Latin-1', Buffer.from(content, 'latin1')],
  ])('%s is named', async (encoding, bytes) => {
    await expect(read(bytes, { pictures: ['\u00e9.png'] })).rejects.toMatchObject({
      code: 'SAM_BAD_DATA',
      message: expect.stringMatching(new RegExp(`train\\.json is ${encoding}, not UTF-8$`)),
    });
  });

  test('a byte-order mark is none of the text', async () => {
    expect((await read(`\ufeff${content}`, { pictures: ['\u00e9.png'] })).names).toEqual(['\u00e9#7']);
  });
});

describe('what has to be unique', () => {
  const two = { pictures: ['a.png', 'b.png'] };

  test('two images of one id', async () => {
    const content = text([image(1), image('1', 'b.png'), image(2, 'b.png')], [annotation(1, 1), annotation(2, 2)]);
    await expect(read(content, two)).rejects.toThrow(/train\.json 1 image id stands twice: 1 \(a\.png, b\.png\)$/);
    await expect(read(content, two, { masks: 'ignored' })).rejects.toThrow('1 image id stands twice');
    const { names, warnings } = await read(content, two, { skipBad: true });
    expect([names, warnings]).toEqual([['b#2'], ['in F 1 image id stands twice: 1 (a.png, b.png); left out']]);
  });

  test('two annotations of one id, a number or a text', async () => {
    await expect(read(text([image(1)], [annotation(1), annotation('1')]))).rejects.toThrow('has the id of another: 1');
  });

  test('two categories of one id', async () => {
    const content = text([image(1)], [annotation(1)], [WATER, { id: '1', name: 'ice' }]);
    for (const options of [{}, { categories: 'water' }])
      await expect(read(content, options)).rejects.toThrow('1 category id stands twice: 1 (water, ice)');
  });

  test('two categories of one name, where that name is asked for', async () => {
    const categories = [WATER, { id: 2, name: 'water' }, { id: 3, name: 'ice' }, { id: 4, name: '3' }];
    const content = text([image(1)], [annotation(1), annotation(2, 1, { category_id: 2 })], categories);
    expect((await read(content)).names).toEqual(['a#1', 'a#2']);
    expect((await read(content, { categories: '2' })).names).toEqual(['a#2']);
    await expect(read(content, { categories: 'water' })).rejects.toMatchObject({
      code: 'SAM_BAD_OPTION',
      message: expect.stringMatching(/has several categories water: water \(1\), water \(2\)$/),
      fix: 'name them by their ids',
    });
    await expect(read(content, { categories: '3' })).rejects.toThrow('has several categories 3: ice (3), 3 (4)');
  });

  test('two images of one name, where no annotation tells them apart', async () => {
    const content = text([image(1), image(2, 'a.jpg')], [annotation(1, 1), annotation(2, 2)]);
    const both = { pictures: ['a.png', 'a.jpg'] };
    expect((await read(content, both)).names).toEqual(['a#1', 'a#2']);
    await expect(read(content, both, { masks: 'ignored' })).rejects.toThrow(/several samples have one name: a$/);
  });

  test('one file as two images is encoded once, and a sample once where masks do not matter', async () => {
    const content = text([image(1), image(2, './a.png')], [annotation(1, 1), annotation(2, 2)]);
    const { samples } = await read(content);
    expect(samples[0]!.image).toEqual(samples[1]!.image);
    expect((await read(content, {}, { masks: 'ignored' })).names).toEqual(['a']);
  });
});

describe('sizes as stored beside a picture with orientation', () => {
  /** Outline in the stored frame of 8 x 6 whose pixels are the columns 1 to 3 of row 0. */
  const bar = [[1, 0, 4, 0, 4, 1, 1, 1]];
  const rle = { size: [6, 8], counts: [6, 1, 5, 1, 5, 1, 29] };

  const kinds = (['jpeg', 'tiff'] as const).flatMap((format) => [5, 6, 7, 8].map((turn) => [format, turn] as const));

  test.each(kinds)('%s, orientation %i', async (format, orientation) => {
    const root = await temporaryFolder();
    const stored = sharp(await grey(9)).withMetadata({ orientation });
    await write(join(root, 'a.jpg'), await stored.toFormat(format).toBuffer());
    // What is right: sharp turns the label as it turns the picture.
    const drawn = new Uint8Array(48).fill(255, 1, 4);
    const label = await sharp(drawn, { raw: { width: 8, height: 6, channels: 1 } })
      .toColourspace('b-w')
      .withMetadata({ orientation })
      .png()
      .toBuffer();
    const turned = await sharp(label).autoOrient().toColourspace('b-w').raw().toBuffer();
    const annotations = [annotation(1, 1, { segmentation: bar }), annotation(2, 1, { segmentation: rle })];
    const sizes = { width: undefined, height: undefined };
    for (const more of [{}, sizes]) {
      const used = more === sizes ? annotations.slice(1) : annotations;
      await write(join(root, 'train.json'), text([image(1, 'a.jpg', more)], used));
      for (const sample of (await readFolder(root)).samples) {
        const mask = await maskOf(sample);
        expect([mask.width, mask.height, [...mask.values]]).toEqual([6, 8, Array.from(turned, (value) => value && 1)]);
      }
    }
  });

  test('sizes as seen stay as they are', async () => {
    const root = await temporaryFolder();
    await write(
      join(root, 'a.jpg'),
      await sharp(await grey(9))
        .withMetadata({ orientation: 6 })
        .jpeg()
        .toBuffer(),
    );
    await write(join(root, 'train.json'), text([image(1, 'a.jpg', { width: 6, height: 8 })], [annotation(1)]));
    const [sample] = (await readFolder(root)).samples;
    expect(await areaOf(sample!)).toBe(12);
  });
});

describe('two configurations below one folder', () => {
  const file = (id: number) => text([image(1)], [annotation(id)]);

  test.each([
    [['v1/train.json', 'v2/train.json'], 'v1, v2'],
    [['train.json', 'annotations/instances_train.json'], '., annotations'],
    [['v1/all.json', 'v2/all.json'], 'v1, v2'],
  ])('%j: which is meant?', async (files, there) => {
    const root = await temporaryFolder();
    for (const [index, name] of files.entries()) {
      await write(join(root, name), file(index));
      await write(join(root, name, '..', 'a.png'), await grey(9));
    }
    await expect(readFolder(root)).rejects.toMatchObject({
      code: 'SAM_BAD_DATA',
      message: `the split 'train' in ${root} lies in several folders, which may be data sets of their own: ${there}`,
      fix: 'name one of them, or one file, with `data`',
    });
  });

  test('parts of one split beside each other, and splits in folders, are one data set', async () => {
    const root = await temporaryFolder();
    for (const name of ['train/part1.json', 'train/part2.json', 'val/a.json']) {
      await write(join(root, name), file(name.length + Number(name.at(-6)) || 0));
      await write(join(root, name, '..', 'a.png'), await grey(9));
    }
    const { names, warnings } = await readFolder(root);
    expect(names).toHaveLength(2);
    expect(warnings).toEqual([
      `the split 'train' in ${root} is read from several files: train/part1.json, train/part2.json (if one is meant, name it with \`data\`)`,
    ]);
  });
});
