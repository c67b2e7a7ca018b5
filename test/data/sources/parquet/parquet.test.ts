import { link, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { expect, test, vi } from 'vitest';
import { contentHash, decodeImage, decodeMask, imageSize } from '../../../../lib/data/decode.js';
import { type OpenDataOptions, openData, openSplit } from '../../../../lib/data/open-data.js';
import { inReadingOrder, type Sample } from '../../../../lib/data/sample.js';
import { checkSamples } from '../../../../lib/training/check-samples.js';
import { LowResMasks } from '../../../../lib/training/masks.js';
import { greys, type Picture, pictureColumns, writePictures } from '../../parquet-fixtures.js';
import { grey, temporaryFolder, write } from '../../pictures.js';

const options = (data: string, changes: Partial<OpenDataOptions> = {}): OpenDataOptions => ({
  data,
  cacheDir: '/nonexistent',
  ...changes,
});
const split = (data: string, changes: Partial<Parameters<typeof openSplit>[0]> = {}) =>
  openSplit({ data, split: 'train', skipBad: false, cacheDir: '/nonexistent', ...changes });
const names = (samples: Iterable<Sample>) => Array.from(samples, ({ name }) => name);

/** The grey that a sample's picture is made of, its mask's being one more. */
async function greyOf(sample: Sample): Promise<number> {
  const { pixels, ...size } = await decodeImage(sample);
  expect(await imageSize(sample)).toEqual(size);
  const mask = await decodeMask(sample, size);
  expect(mask.values.every((value) => value === 1)).toBe(true);
  return pixels[0]!;
}
const greysOf = async (samples: Iterable<Sample>) => {
  const values: number[] = [];
  for (const sample of samples) values.push(await greyOf(sample));
  return values;
};

const byNumber = (value: number) => `river ${String(value).padStart(3, '0')}.png`;
async function table(from: number, to: number, path: (value: number) => string | null = byNumber) {
  return { image: await greys(from, to, path), label: await greys(from + 1, to + 1, () => null) };
}

test('shards and row groups of a folder make up the splits; names are the paths without extension', async () => {
  const root = await temporaryFolder();
  await writePictures(join(root, 'data', 'train-00001-of-00002.parquet'), await table(17, 30), { rowGroupSize: 4 });
  await writePictures(join(root, 'data', 'train-00000-of-00002.parquet'), await table(10, 17), { rowGroupSize: 3 });
  await writePictures(join(root, 'data', 'validation-00000-of-00001.parquet'), await table(40, 45));
  await write(join(root, 'README.md'), '# Rivers');
  const { train, validation } = await openData(options(root));
  expect(names(train)).toEqual(Array.from({ length: 20 }, (_, index) => `river 0${index + 10}`));
  expect(await greysOf(train)).toEqual(Array.from({ length: 20 }, (_, index) => index + 10));
  expect(await greysOf(validation)).toEqual([40, 41, 42, 43, 44]);
  expect(train.at(7)!.image.path).toBe(join(root, 'data', 'train-00001-of-00002.parquet row 0 (image)'));
  expect(new Set(await Promise.all(Array.from(train, contentHash))).size).toBe(20);
  const few = await openData(options(root, { limit: 3 }));
  expect([names(few.train).length, names(few.validation).length]).toEqual([3, 3]);
});

test('names without paths, or with paths that are not all different, are the rows in the split', async () => {
  for (const path of [
    () => null,
    () => '',
    () => 'same.png',
    (value: number) => (value === 7 ? null : `${value}.png`),
  ]) {
    const root = await temporaryFolder();
    await writePictures(join(root, 'train-0.parquet'), await table(5, 8, path), { rowGroupSize: 2 });
    await writePictures(join(root, 'train-1.parquet'), await table(8, 10, path));
    const samples = await split(root);
    expect(names(samples)).toEqual(['000000', '000001', '000002', '000003', '000004']);
    expect(await greysOf(samples)).toEqual([5, 6, 7, 8, 9]);
  }
});

test('paths that do not name the rows are told; those in another form or with backslashes do', async () => {
  const root = await temporaryFolder();
  const paths = ['e\u0301.png', '\u00e9.jpg', 'a.png', null, 'b.png'];
  await writePictures(join(root, 'train.parquet'), await table(0, 5, (value) => paths[value]!));
  const warnings: string[] = [];
  await openSplit({ data: root, split: 'train' }, { onWarning: (line) => warnings.push(line) });
  expect(warnings).toEqual([
    `in the split 'train' in ${root} 1 row has no file name: train.parquet row 3; 1 file name stands twice: \u00e9; ` +
      "so the rows' numbers are the names",
  ]);
  const good = await writePictures(
    join(await temporaryFolder(), 'train.parquet'),
    await table(0, 2, (value) => ['x\\a.png', '..\\e\u0301.png'][value]!),
  );
  expect(names(await split(good))).toEqual(['x/a', '\u00e9']);
});

test('a file that is linked counts once; several folders of one split are told', async () => {
  const root = await temporaryFolder();
  const file = await writePictures(join(root, 'v1', 'train.parquet'), await table(0, 2));
  await link(file, join(root, 'v1', 'train-again.parquet'));
  expect(names(await split(root))).toHaveLength(2);
  await writePictures(join(root, 'v2', 'train.parquet'), await table(4, 6));
  const warnings: string[] = [];
  expect(await openSplit({ data: root, split: 'train' }, { onWarning: (line) => warnings.push(line) })).toHaveLength(4);
  expect(warnings).toEqual([
    `the split 'train' in ${root} is read from several folders: v1, v2 (if these are data sets of their own, name one with \`data\`)`,
  ]);
});

test('samples are ordered by name though rows lie otherwise, and are read right in any order', async () => {
  const file = await writePictures(
    join(await temporaryFolder(), 'train.parquet'),
    await table(0, 40, (value) => `${(value * 7) % 40}.png`.padStart(6, '0')),
    { rowGroupSize: 6 },
  );
  const samples = await split(file);
  expect(names(samples)).toEqual([...names(samples)].sort());
  const expected = samples.map(({ position }) => position);
  expect(await greysOf(samples)).toEqual(expected);
  expect(await Promise.all(samples.map(greyOf))).toEqual(expected);

  // Passes over all samples go as the rows lie, so that no row group is read again for each of its rows.
  const order: (number | undefined)[] = [];
  const watched = samples.map((sample) => {
    const read = () => {
      order.push(sample.position);
      return sample.image.read!();
    };
    return { ...sample, image: { ...sample.image, read } };
  });
  const checking = { skipBad: false, onEmpty: 'fail', onWarning: vi.fn() } as const;
  const checked = await checkSamples(
    { train: watched, validation: watched.slice(0, 1) },
    new LowResMasks(16, undefined),
    checking,
  );
  expect(order.slice(0, 40)).toEqual(Array.from({ length: 40 }, (_, index) => index));
  expect(names(checked.train)).toEqual(names(samples));
  const files = [{ position: undefined }, {}];
  expect(inReadingOrder(files as Pick<Sample, 'position'>[])).toEqual(files);
});

const stored = (bytes: Uint8Array) => bytes;
test.each([
  ['UNCOMPRESSED', {}],
  ['SNAPPY', {}],
  ['GZIP', { GZIP: (bytes: Uint8Array) => gzipSync(bytes) }],
  ['BROTLI', { BROTLI: (bytes: Uint8Array) => brotliCompressSync(bytes) }],
] as const)('%s', async (codec, compressors) => {
  const path = join(await temporaryFolder(), 'train.parquet');
  await writePictures(path, await table(10, 20), { codec, compressors, rowGroupSize: 4, pageSize: 200 });
  expect(await greysOf(await split(path))).toEqual(Array.from({ length: 10 }, (_, index) => index + 10));
});

test('columns may have other names, and hold the bytes alone', async () => {
  const path = join(await temporaryFolder(), 'rivers.parquet');
  const bytes = (pictures: readonly Picture[]) => pictures.map((picture) => picture!.bytes!);
  const columnData = [
    { name: 'photo', data: bytes(await greys(30, 33, () => null)), type: 'BYTE_ARRAY' as const },
    { name: 'water', data: bytes(await greys(1, 4, () => null)), type: 'BYTE_ARRAY' as const },
    { name: 'name', data: ['a', 'b', 'c'], type: 'STRING' as const },
    { name: 'classes', data: [1, 2, 3], type: 'INT32' as const },
  ];
  await write(path, new Uint8Array(parquetWriteBuffer({ columnData })));
  expect(await greysOf(await split(path, { imageColumn: 'photo', labelColumn: 'water' }))).toEqual([30, 31, 32]);
  await expect(split(path)).rejects.toMatchObject({
    code: 'SAM_BAD_DATA',
    exitCode: 2,
    message: `${path} has no column 'image' (there: photo, water, name, classes)`,
    fix: expect.stringContaining('`imageColumn`'),
  });
  await expect(split(path, { imageColumn: 'photo', labelColumn: 'name' })).rejects.toMatchObject({
    message: `the column 'name' of ${path} holds no images: it is text`,
    fix: 'name a column of encoded images with `labelColumn` (there: photo, water)',
  });
  await expect(split(path, { imageColumn: 'classes' })).rejects.toThrow('it is of the type INT32');
  const unlabelled = await split(path, { imageColumn: 'photo', labelColumn: 'classes', masks: 'optional' });
  expect(unlabelled.map(({ mask }) => mask)).toEqual([undefined, undefined, undefined]);
});

test('a single file is the split that its name tells, else the training split, of which a fraction can be cut off', async () => {
  const root = await temporaryFolder();
  const crops = await table(10, 20, (value) => `p${Math.floor(value / 2)}_${value}.png`);
  const single = await writePictures(join(root, 'rivers.parquet'), crops);
  await expect(openData(options(single))).rejects.toMatchObject({
    message: `there is no validation split 'validation' in ${single} (there: train)`,
    fix: expect.stringContaining('`validationFraction`'),
  });
  const cut = await openData(options(single, { validationFraction: 0.4, groupBy: '^(p\\d)_' }));
  expect([cut.train.length, cut.validation.length]).toEqual([6, 4]);
  const pictures = new Set(names(cut.train).map((name) => name.slice(0, 2)));
  for (const name of names(cut.validation)) expect(pictures.has(name.slice(0, 2))).toBe(false);

  const dev = await writePictures(join(root, 'dev.parquet'), crops);
  expect(await split(dev, { split: 'validation' })).toHaveLength(10);
  await expect(split(dev)).rejects.toMatchObject({ fix: 'the splits there are: validation' });
});

test('the folder layout wins over Parquet beside it', async () => {
  const root = await temporaryFolder();
  await writePictures(join(root, 'train-0.parquet'), await table(10, 20));
  await write(join(root, 'train', 'images', 'a.png'), await grey(3));
  await write(join(root, 'train', 'masks', 'a.png'), await grey(1));
  expect(names(await split(root))).toEqual(['a']);
});

test('rows without image or mask are all named; --skip-bad goes on without them', async () => {
  const root = await temporaryFolder();
  const { image, label } = await table(10, 20);
  image[1] = null;
  image[3] = { bytes: null, path: '/elsewhere/4.png' };
  label[5] = null;
  label[3] = null;
  label[8] = { bytes: null, path: null };
  await writePictures(join(root, 'train.parquet'), { image, label }, { rowGroupSize: 3 });
  const where = `in the split 'train' in ${root}`;
  const said = `${where} 2 rows have no image: train.parquet row 1, train.parquet row 3; 2 rows have no mask: train.parquet row 5, train.parquet row 8`;
  await expect(split(root)).rejects.toMatchObject({ code: 'SAM_BAD_DATA', exitCode: 2, message: said });
  const onWarning = vi.fn();
  const open = { data: root, split: 'train', skipBad: true, cacheDir: '/nonexistent' };
  expect(await greysOf(await openSplit(open, { onWarning }))).toEqual([10, 12, 14, 16, 17, 19]);
  expect(onWarning).toHaveBeenCalledExactlyOnceWith(`${said}; left out`);
  const unlabelled = await openSplit({ ...open, masks: 'optional' }, { onWarning });
  expect(unlabelled.filter(({ mask }) => mask === undefined)).toHaveLength(2);
  expect(unlabelled).toHaveLength(8);

  // Files that don't count their nulls are looked through.
  await writePictures(join(root, 'train.parquet'), { image, label }, { rowGroupSize: 3, statistics: false });
  await expect(split(root)).rejects.toThrow(said);
});

test('files that are not Parquet, cut short or broken are named, all in one error', async () => {
  const root = await temporaryFolder();
  const whole = new Uint8Array(pictureColumns(await table(10, 20)));
  await write(join(root, 'train-0.parquet'), whole);
  const cut = await write(join(root, 'train-1.parquet'), whole);
  await truncate(cut, whole.length - 100);
  const other = await write(join(root, 'train-2.parquet'), 'PK, this is another kind of file');
  const empty = await write(join(root, 'train-3.parquet'), '');
  const broken = whole.slice();
  broken.fill(0xff, broken.length - 200, broken.length - 8);
  const footless = await write(join(root, 'train-4.parquet'), broken);
  await expect(split(root)).rejects.toMatchObject({
    code: 'SAM_BAD_DATA',
    exitCode: 2,
    message: [
      `${cut} is cut short: its end is missing`,
      `${other} is not a Parquet file`,
      `${empty} is not a Parquet file`,
      `the footer of ${footless} is broken`,
    ].join(', '),
  });
  const text = await write(join(root, 'instances.txt'), '{"images": []}');
  await expect(split(text)).rejects.toThrow(`the file ${text} is no data set of a kind that can be read`);
});

test('broken pages are told when their rows are read, with the rows', async () => {
  const path = join(await temporaryFolder(), 'train.parquet');
  const whole = new Uint8Array(pictureColumns(await table(10, 20), { rowGroupSize: 5 }));
  whole.fill(0xff, 4, 120);
  const samples = await split(await write(path, whole));
  await expect(decodeImage(samples[2]!)).rejects.toMatchObject({
    code: 'SAM_BAD_DATA',
    message: expect.stringContaining(`rows 0 to 4 of the column 'image' in ${path} are broken`),
  });
  expect(await greyOf(samples[5]!)).toBe(15);
  const again = await split(path);
  await truncate(path, 100);
  await expect(decodeImage(again[9]!)).rejects.toMatchObject({ message: expect.stringMatching(/rows .* cut short/) });
});

test('pictures in rows are refused by the same words as files, with their row', async () => {
  const path = join(await temporaryFolder(), 'train.parquet');
  const image = [
    { bytes: Buffer.from('no picture'), path: null },
    { bytes: new Uint8Array(0), path: null },
    { bytes: await grey(5, 4, 4), path: null },
  ];
  await writePictures(path, { image, label: await greys(1, 4, () => null) });
  const [text, empty, small] = await split(path);
  await expect(decodeImage(text!)).rejects.toThrow(`image ${path} row 0 (image) is truncated or broken`);
  await expect(imageSize(empty!)).rejects.toThrow(`image ${path} row 1 (image) is an empty file`);
  await expect(decodeMask(small!, await imageSize(small!))).rejects.toThrow(
    `mask ${path} row 2 (label) is 8 x 6 pixels, its image ${path} row 2 (image) 4 x 4`,
  );
});

test('an empty split and an unknown compression are told', async () => {
  const root = await temporaryFolder();
  await writePictures(join(root, 'train.parquet'), { image: [], label: [] });
  await expect(split(root)).rejects.toMatchObject({
    code: 'SAM_BAD_DATA',
    message: `the split 'train' in ${root} holds no row`,
  });
  const lzo = await writePictures(join(root, 'test.parquet'), await table(1, 3), {
    codec: 'LZO',
    compressors: { LZO: stored },
  });
  await expect(split(lzo, { split: 'test' })).rejects.toMatchObject({
    code: 'SAM_BAD_DATA',
    message: `the column 'image' of ${lzo} is compressed with LZO, which is not read`,
  });
});
