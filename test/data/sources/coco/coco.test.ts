/** COCO JSON files as samples: where they lie, what is in them, what is wrong with them. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decodeMask, imageSize } from '../../../../lib/data/decode.js';
import { openSource } from '../../../../lib/data/open-data.js';
import type { Sample, SplitReading } from '../../../../lib/data/sample.js';
import { type CocoOptions, findCoco } from '../../../../lib/data/sources/coco/coco.js';
import { grey, temporaryFolder, write } from '../../pictures.js';

const SQUARE = [[2, 1, 6, 1, 6, 4, 2, 4]];
const image = (id: number, name: string) => ({ id, file_name: name, width: 8, height: 6 });
const annotation = (id: number, imageId: number, more: object = {}) => ({
  id,
  image_id: imageId,
  category_id: 1,
  segmentation: SQUARE,
  ...more,
});
const CATEGORIES = [
  { id: 1, name: 'water' },
  { id: 2, name: 'ice' },
];

/** `annotations` first, as some programs write it. */
const coco = (images: object[], annotations: object[]) =>
  JSON.stringify({ annotations, images, categories: CATEGORIES });

async function folderWith(files: Record<string, string | null>): Promise<string> {
  const root = await temporaryFolder();
  for (const [path, content] of Object.entries(files)) {
    await write(join(root, path), content ?? (await grey(path.length * 7)));
  }
  return root;
}

async function read(path: string, split = 'train', options: CocoOptions = {}, reading: Partial<SplitReading> = {}) {
  const warnings: string[] = [];
  const source = await findCoco(path, options);
  const how: SplitReading = {
    masks: 'required',
    skipBad: false,
    onWarning: (line: string) => warnings.push(line),
    ...reading,
  };
  const samples = [...(await source!.readSplit(split, how))];
  return { source, samples, warnings, names: samples.map(({ name }) => name) };
}

async function areaOf(sample: Sample): Promise<number> {
  const { values } = await decodeMask(sample, await imageSize(sample));
  return values.reduce((sum, value) => sum + value, 0);
}

const two = coco([image(1, 'a.png'), image(2, 'b.png')], [annotation(10, 1), annotation(11, 2), annotation(9, 1)]);

describe('where things lie', () => {
  test.each([
    ['beside a file', { 'rivers.json': two, 'a.png': null, 'b.png': null }, 'rivers.json'],
    ['in images', { 'rivers.json': two, 'images/a.png': null, 'images/b.png': null }, 'rivers.json'],
    [
      'as COCO has it',
      { 'annotations/instances_train2017.json': two, 'train2017/a.png': null, 'train2017/b.png': null },
      '',
    ],
    ['a split a file', { 'train.json': two, 'val.json': two, 'train/a.png': null, 'train/b.png': null }, ''],
    ['in the split', { 'train.json': two, 'train/images/a.png': null, 'train/images/b.png': null }, ''],
    [
      'beside the annotations of a split',
      { 'train/_annotations.coco.json': two, 'train/a.png': null, 'train/b.png': null },
      '',
    ],
    [
      'beside captions and other things',
      {
        'annotations/captions_train.json': two,
        'package.json': '{"name": "x"}',
        'annotations/instances_train.json': two,
        'images/a.png': null,
        'images/b.png': null,
      },
      '',
    ],
  ])('%s', async (_, files, path) => {
    const root = await folderWith(files as Record<string, string | null>);
    const { names, samples } = await read(join(root, path));
    expect(names).toEqual(['a#10', 'a#9', 'b#11']);
    expect(samples[0]!.image).toEqual(samples[1]!.image);
    expect(await areaOf(samples[0]!)).toBe(12);
  });

  test('images without masks in the folder layout are those of the file', async () => {
    const root = await folderWith({ 'train.json': two, 'train/images/a.png': null, 'train/images/b.png': null });
    const source = await openSource({ data: root, cacheDir: '/nonexistent' });
    expect(await source.readSplit('train', { masks: 'required', skipBad: false })).toHaveLength(3);
    await write(join(root, 'train/masks/a.png'), await grey(1));
    await write(join(root, 'train/masks/b.png'), await grey(1));
    const folders = await openSource({ data: root, cacheDir: '/nonexistent' });
    expect(await folders.readSplit('train', { masks: 'required', skipBad: false })).toHaveLength(2);
  });

  test('in --images', async () => {
    const root = await folderWith({ 'train.json': two, 'far/x/a.png': null, 'far/x/b.png': null });
    await expect(read(root)).rejects.toMatchObject({
      code: 'SAM_BAD_DATA',
      fix: 'name their folder with `images` DIR',
    });
    expect((await read(root, 'train', { images: join(root, 'far/x') })).names).toHaveLength(3);
  });

  test('splits', async () => {
    const root = await folderWith({ 'train.json': two, 'valid.json': two, 'a.png': null, 'b.png': null });
    const { source } = await read(root);
    expect(await source!.splits()).toEqual(['train', 'validation']);
    expect(await source!.hasSplit('val')).toBe(true);
    await expect(read(root, 'test')).rejects.toThrow("no split 'test'");
  });

  test('a folder without is none', async () => {
    expect(await findCoco(await folderWith({ 'package.json': '{"name": "x"}' }), {})).toBeUndefined();
    expect(await findCoco('/nonexistent', {})).toBeUndefined();
  });
});

describe('what counts', () => {
  const rle = { size: [6, 8], counts: [7, 2, 39] };
  const mixed = coco(
    [image(1, 'a.png')],
    [
      annotation(1, 1, { category_id: 2, segmentation: rle }),
      annotation(2, 1, { segmentation: [...SQUARE, [0, 0, 1, 0, 1, 1, 0, 1]] }),
      annotation(3, 1, { iscrowd: 1, segmentation: { size: [6, 8], counts: '72W1' } }),
    ],
  );
  const root = () => folderWith({ 'a.json': mixed, 'a.png': null });

  test('crowds only if asked for', async () => {
    const path = join(await root(), 'a.json');
    const { names, samples, warnings } = await read(path);
    expect(names).toEqual(['a#1', 'a#2']);
    expect(await Promise.all(samples.map(areaOf))).toEqual([2, 13]);
    expect(warnings).toEqual([expect.stringContaining('1 of crowds (iscrowd) are left out')]);
    const crowd = await read(path, 'train', { crowd: true });
    expect(await areaOf(crowd.samples[2]!)).toBe(2);
  });

  test('categories by name or id', async () => {
    const path = join(await root(), 'a.json');
    expect((await read(path, 'train', { categories: 'ice' })).names).toEqual(['a#1']);
    expect((await read(path, 'train', { categories: '1' })).names).toEqual(['a#2']);
    expect((await read(path, 'train', { categories: 'water, 2' })).names).toEqual(['a#1', 'a#2']);
    await expect(read(path, 'train', { categories: 'water,lava' })).rejects.toMatchObject({
      code: 'SAM_BAD_OPTION',
      message: `${path} has no category lava`,
      fix: 'The categories there are: water (1), ice (2).',
    });
  });

  test('where masks do not matter, each image once', async () => {
    const { samples } = await read(await root(), 'train', {}, { masks: 'ignored' });
    expect(samples).toEqual([{ name: 'a', image: { path: expect.stringContaining('a.png') } }]);
  });

  test('where masks may be missing, each annotation and each image without one', async () => {
    const images = [image(1, 'a.png'), image(2, 'b.png')];
    const root = await folderWith({
      'a.json': coco(images, [annotation(7, 1), annotation(8, 1)]),
      'a.png': null,
      'b.png': null,
    });
    const { samples } = await read(root, 'train', {}, { masks: 'optional' });
    expect(samples.map(({ name, mask }) => [name, mask !== undefined])).toEqual([
      ['a#7', true],
      ['a#8', true],
      ['b', false],
    ]);
  });
});

describe('bad input', () => {
  const bad = (...annotations: object[]) =>
    folderWith({ 'a.json': coco([image(1, 'a.png')], [annotation(1, 1), ...annotations]), 'a.png': null });

  test.each([
    [[], 'has no segmentation: 7'],
    [[[1, 2, 3]], 'has a polygon that is none'],
    [[[1, 2, 3, 4, 1e9, 6]], 'has a polygon that is none'],
    ['x', 'neither polygons nor RLE: 7'],
    [{ size: [6, 8], counts: [7, 2] }, 'has a bad RLE: 7 (it is 9 pixels long, not 8 x 6)'],
    [{ size: [6, 9], counts: [54] }, 'has a bad RLE: 7 (it is of 9 x 6 pixels, its image of 8 x 6)'],
    [{ size: [6, 8], counts: '7\n' }, 'has a bad RLE: 7 (it is broken)'],
    [{ size: [6, 8], counts: [50, -2] }, 'has a bad RLE: 7 (it has a run that is no length)'],
  ])('segmentation %j', async (segmentation, message) => {
    const root = await bad(annotation(7, 1, { segmentation }));
    await expect(read(root)).rejects.toMatchObject({ code: 'SAM_BAD_DATA', message: expect.stringContaining(message) });
    const { names, warnings } = await read(root, 'train', {}, { skipBad: true });
    expect([names, warnings]).toEqual([['a#1'], [expect.stringContaining('left out')]]);
  });

  test('all that is wrong is one error', async () => {
    const root = await bad(
      annotation(2, 9),
      annotation(1, 1),
      annotation(3, 1, { segmentation: [] }),
      annotation(4, 9),
    );
    await expect(read(root)).rejects.toThrow(
      /2 annotations, each of which belongs to no image of the file: 2, 4; 1 annotation has the id of another: 1; 1 annotation has no segmentation: 3$/,
    );
  });

  test('outlines that reach beyond are clipped, outside they are empty, and both are told', async () => {
    const root = await bad(
      annotation(2, 1, { segmentation: [[-5, -5, 4, -5, 4, 3, -5, 3]] }),
      annotation(3, 1, { segmentation: [[20, 20, 30, 20, 30, 30]] }),
    );
    const { samples, warnings } = await read(root);
    expect(await Promise.all(samples.map(areaOf))).toEqual([12, 12, 0]);
    expect(warnings).toEqual([expect.stringContaining('clipped: 2'), expect.stringContaining('empty: 3')]);
  });

  test('missing images are all named', async () => {
    const images = ['a', 'b', 'c'].map((name, index) => image(index, `${name}.png`));
    const annotations = images.map((_, index) => annotation(index, index));
    const root = await folderWith({ 'a.json': coco(images, annotations), 'a.png': null });
    await expect(read(root)).rejects.toThrow(`2 images are missing: ${join(root, 'b.png')}, ${join(root, 'c.png')}`);
    expect((await read(root, 'train', {}, { skipBad: true })).names).toEqual(['a#0']);
    await rm(join(root, 'a.png'));
    await expect(read(root)).rejects.toThrow('are not found: no a.png in');
  });

  test('an image of another size than the file says', async () => {
    const root = await folderWith({ 'a.json': coco([image(1, 'a.png')], [annotation(1, 1)]), 'a.png': null });
    await write(join(root, 'a.png'), await grey(9, 6, 8));
    const { samples } = await read(root);
    await expect(areaOf(samples[0]!)).rejects.toThrow(/a\.png is 6 x 8 pixels, .*a\.json says 8 x 6/);
  });

  test('no COCO file at all', async () => {
    const root = await folderWith({
      'a.json': '{"images": []}',
      'b.json': '{"images": [{"id": 1}], "annotations": []}',
    });
    await expect(read(join(root, 'a.json'))).rejects.toThrow('it has no list of annotations');
    await expect(read(join(root, 'b.json'))).rejects.toThrow(/an image whose file_name is not COCO's/);
  });
});
