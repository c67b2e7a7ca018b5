/** Masks of several objects or classes. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decodeMask, imageSize } from '../../lib/data/decode.js';
import { parseValue, valueName } from '../../lib/data/mask-values.js';
import { type OpenSourceOptions, openSource } from '../../lib/data/open-data.js';
import type { MaskNeed, Sample } from '../../lib/data/sample.js';
import { writePictures } from './parquet-fixtures.js';
import { grey, picture, temporaryFolder, write } from './pictures.js';

/** 4 x 2 pixels. */
const GREYS = [0, 1, 1, 7, 0, 0, 255, 7];
const COLOURS = [0, 0, 0, 255, 0, 0, 255, 0, 0, 0, 128, 0, 7, 7, 7, 0, 0, 0, 0, 0, 1, 7, 7, 7];

async function read(mask: Buffer, options: Partial<OpenSourceOptions>, masks: MaskNeed = 'required') {
  const root = await temporaryFolder();
  await write(join(root, 'train/images/a.png'), await grey(9, 4, 2));
  await write(join(root, 'train/masks/a.png'), mask);
  const source = await openSource({ data: root, cacheDir: '/nonexistent', ...options });
  return [...(await source.readSplit('train', { masks, skipBad: false }))];
}

const pixelsOf = async (sample: Sample) => [...(await decodeMask(sample, await imageSize(sample))).values];
const one = (values: number[], value: number) => values.map((own) => (own === value ? 1 : 0));
const png = (values: Uint8Array | Uint16Array, channels: 1 | 3 | 4) => picture(values, 4, 2, channels).png().toBuffer();

describe('--instances', () => {
  test.each([
    ['8 bits', Uint8Array.from(GREYS)],
    ['16 bits', Uint16Array.from(GREYS)],
  ])('of %s', async (_, values) => {
    const samples = await read(await png(values, 1), { instances: true });
    expect(samples.map(({ name }) => name)).toEqual(['a#1', 'a#255', 'a#7']);
    expect(new Set(samples.map(({ image }) => image)).size).toBe(1);
    expect(new Set(samples.map(({ mask }) => mask!.path)).size).toBe(3);
    expect(await Promise.all(samples.map(pixelsOf))).toEqual([one(GREYS, 1), one(GREYS, 255), one(GREYS, 7)]);
  });

  test('of colours, greys among them, and palettes', async () => {
    const plain = await png(Uint8Array.from(COLOURS), 3);
    const palette = await picture(Uint8Array.from(COLOURS), 4, 2, 3).png({ palette: true }).toBuffer();
    for (const mask of [plain, palette]) {
      const samples = await read(mask, { instances: true });
      expect(samples.map(({ name }) => name)).toEqual(['a#000001', 'a#008000', 'a#7', 'a#ff0000']);
      expect(await pixelsOf(samples[0]!)).toEqual([0, 0, 0, 0, 0, 0, 1, 0]);
      expect(await pixelsOf(samples[1]!)).toEqual([0, 0, 0, 1, 0, 0, 0, 0]);
      expect(await pixelsOf(samples[2]!)).toEqual([0, 0, 0, 0, 1, 0, 0, 1]);
      expect(await pixelsOf(samples[3]!)).toEqual([0, 1, 1, 0, 0, 0, 0, 0]);
    }
  });

  test('transparent pixels are outside', async () => {
    const values = GREYS.flatMap((value, at) => [value, value, value, at < 4 ? 0 : 255]);
    expect((await read(await png(Uint8Array.from(values), 4), { instances: true })).map(({ name }) => name)).toEqual([
      'a#255',
      'a#7',
    ]);
  });

  test('an empty or broken mask stays one sample, to be named with the others', async () => {
    expect((await read(await png(new Uint8Array(8), 1), { instances: true })).map(({ name }) => name)).toEqual(['a']);
    const [broken] = await read(Buffer.from('no picture'), { instances: true });
    await expect(pixelsOf(broken!)).rejects.toMatchObject({ code: 'SAM_BAD_DATA' });
  });

  test.each([
    ['a JPEG of one mask, in grey', 'b-w'],
    ['a JPEG of one mask, in colours', 'srgb'],
  ] as const)('%s has no values that are objects: named with the others', async (_, space) => {
    const disk = Uint8Array.from({ length: 64 * 48 }, (_pixel, at) =>
      Math.hypot((at % 64) - 30, Math.floor(at / 64) - 24) < 15 ? 255 : 0,
    );
    const jpeg = await picture(disk, 64, 48, 1).toColourspace(space).jpeg({ quality: 70 }).toBuffer();
    for (const options of [{ instances: true }, { class: '255' }]) {
      const samples = await read(jpeg, options);
      expect(samples.map(({ name }) => name)).toEqual(['a']);
      await expect(pixelsOf(samples[0]!)).rejects.toMatchObject({
        code: 'SAM_BAD_DATA',
        message: expect.stringMatching(/a\.png has values between two ends, as a JPEG .*: each would be an object$/),
        fix: 'save masks of several objects without loss, each object with one value',
      });
    }
  });

  test('more values than objects can be are named too, not taken for one object', async () => {
    const noise = Uint16Array.from({ length: 80 * 60 }, (_, at) => at + 1);
    const samples = await read(await picture(noise, 80, 60, 1).png().toBuffer(), { instances: true });
    expect(samples.map(({ name }) => name)).toEqual(['a']);
    await expect(pixelsOf(samples[0]!)).rejects.toThrow(/more than 4096 values/);
  });

  test('another size than the image', async () => {
    const [first] = await read(await grey(3, 5, 2), { instances: true });
    await expect(pixelsOf(first!)).rejects.toThrow(/a\.png#3 is 5 x 2 pixels, its image .* 4 x 2/);
  });

  test('where masks do not matter, each image once', async () => {
    expect(await read(await grey(3, 4, 2), { instances: true }, 'ignored')).toHaveLength(1);
  });
});

test('--instances of Parquet files', async () => {
  const bytes = await png(Uint8Array.from(GREYS), 1);
  const [image, label] = [
    [await grey(9, 4, 2), await grey(8, 4, 2)],
    [bytes, bytes],
  ].map((pictures) => pictures.map((picture, index) => ({ bytes: picture, path: `${'ba'[index]}.png` })));
  const path = join(await temporaryFolder(), 'train.parquet');
  await writePictures(path, { image: image!, label: label! });
  const source = await openSource({ data: path, cacheDir: '/nonexistent', instances: true });
  const samples = [...(await source.readSplit('train', { masks: 'required', skipBad: false }))];
  expect(samples.map(({ name }) => name)).toEqual(['a#1', 'a#255', 'a#7', 'b#1', 'b#255', 'b#7']);
  expect(await pixelsOf(samples[2]!)).toEqual(one(GREYS, 7));
});

describe('--class', () => {
  test('only this value is inside', async () => {
    const samples = await read(await png(Uint8Array.from(GREYS), 1), { class: '7' });
    expect(samples.map(({ name }) => name)).toEqual(['a']);
    expect(await pixelsOf(samples[0]!)).toEqual(one(GREYS, 7));
    const [none] = await read(await png(Uint8Array.from(GREYS), 1), { class: '#ff0000' });
    expect(await pixelsOf(none!)).toEqual(new Array(8).fill(0));
  });

  test('colours', async () => {
    const mask = await png(Uint8Array.from(COLOURS), 3);
    expect(await pixelsOf((await read(mask, { class: '#FF0000' }))[0]!)).toEqual([0, 1, 1, 0, 0, 0, 0, 0]);
    expect(await pixelsOf((await read(mask, { class: '7' }))[0]!)).toEqual([0, 0, 0, 0, 1, 0, 0, 1]);
    expect(await pixelsOf((await read(mask, { class: '#070707' }))[0]!)).toEqual([0, 0, 0, 0, 1, 0, 0, 1]);
    expect(await pixelsOf((await read(mask, { class: '#000001' }))[0]!)).toEqual([0, 0, 0, 0, 0, 0, 1, 0]);
  });

  test('not with --instances, not of outlines', async () => {
    await expect(read(await grey(3, 4, 2), { class: '7', instances: true })).rejects.toMatchObject({
      code: 'SAM_BAD_OPTION',
    });
    const root = await temporaryFolder();
    await write(join(root, 'a.png'), await grey(9));
    const annotation = { id: 1, image_id: 1, segmentation: [[0, 0, 3, 0, 3, 3]] };
    const path = await write(
      join(root, 'a.json'),
      JSON.stringify({ images: [{ id: 1, file_name: 'a.png' }], annotations: [annotation] }),
    );
    const source = await openSource({ data: path, cacheDir: '/nonexistent', instances: true });
    await expect(source.readSplit('train', { masks: 'required', skipBad: false })).rejects.toThrow(
      'each a sample already',
    );
  });
});

test('names of values', () => {
  expect([valueName(3, false), valueName(0x030303, true), valueName(0x00ff00, true)]).toEqual(['3', '3', '00ff00']);
  expect([parseValue('3'), parseValue('#030303'), parseValue('#00FF00')]).toEqual(['3', '3', '00ff00']);
});
