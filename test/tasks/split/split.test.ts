/** Splits by name: no image is encoded, so no addon is needed. By similarity: test/cli/split.test.ts. */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { openData, openSplit } from '../../../lib/data/open-data.js';
import { nearDuplicates, nearDuplicateWarning } from '../../../lib/embeddings/near-duplicates.js';
import type { SplitDataOptions } from '../../../lib/tasks/split/options.js';
import { splitData } from '../../../lib/tasks/split/split.js';
import { dataSet, temporaryFolder, write } from '../../data/pictures.js';

const options = (data: string, changes: Partial<SplitDataOptions> = {}): SplitDataOptions => ({
  data,
  out: join(data, 'split.csv'),
  ...{ train: 0.6, validation: 0.2, test: 0.2 },
  check: false,
  cacheDir: '/nonexistent',
  ...changes,
});

const photos = Array.from({ length: 10 }, (_, index) => [`p${index}_a`, `p${index}_b`]).flat();
const read = async (list: string, split: string) =>
  (await openSplit({ data: list, split, skipBad: false, cacheDir: '/nonexistent' })).map(({ name }) => name);

test.each(['csv', 'jsonl'])('a %s that train takes as it is, its groups whole', async (kind) => {
  const data = await dataSet({ train: photos });
  const out = join(data, `split.${kind}`);
  const result = await splitData(options(data, { groupBy: '^(.*)_[ab]$', out }));
  expect(result).toEqual({
    splits: { train: 12, validation: 4, test: 4 },
    groups: 10,
    largestGroup: 2,
    nearDuplicates: null,
    files: [out],
  });
  const { train, validation } = await openData({
    data: out,
    trainSplit: 'train',
    validationSplit: 'validation',
    skipBad: false,
    seed: 1,
    cacheDir: '/nonexistent',
  });
  const lists = [[...train].map(({ name }) => name), [...validation].map(({ name }) => name), await read(out, 'test')];
  expect(lists.flat().sort()).toEqual(photos);
  for (const list of lists) for (const name of list) expect(list).toContain(name.replace(/[ab]$/, 'a'));
});

test('the same seed gives the same file, another one another', async () => {
  const data = await dataSet({ train: photos });
  const files = await Promise.all(
    [42, 42, 43].map(async (seed, index) => {
      const out = join(data, `${index}.csv`);
      await splitData(options(data, { seed, out }));
      return readFile(out, 'utf8');
    }),
  );
  expect(files[1]).toBe(files[0]);
  expect(files[2]).not.toBe(files[0]);
});

test('names with commas and quotes, a name in two splits, and paths from another folder come back', async () => {
  const data = await dataSet({ train: ['a, "b"', 'x', 'y'], val: ['x'] });
  const out = join(await temporaryFolder(), 'lists', 'split.csv');
  await splitData(options(data, { out, train: 0.5, validation: 0.5, test: 0 }));
  const names = [...(await read(out, 'train')), ...(await read(out, 'validation'))];
  expect(names.sort()).toEqual(['a, "b"', 'train/x', 'val/x', 'y']);
});

test('a name is grouped by what it is, in whichever split it was', async () => {
  const data = await dataSet({ train: ['p1_a', 'p2_a', 'p3_a'], validation: ['p1_a', 'p1_b', 'p2_b'] });
  const shares = { train: 0.5, validation: 0.5, test: 0 };
  const result = await splitData(options(data, { groupBy: '^(.*)_[ab]$', ...shares }));
  expect(result).toMatchObject({ groups: 3, largestGroup: 3, splits: { train: 3, validation: 3 } });
  const lists = [await read(result.files[0]!, 'train'), await read(result.files[0]!, 'validation')];
  expect(lists.map((list) => list.sort())).toContainEqual(['p1_b', 'train/p1_a', 'validation/p1_a']);
});

test('paths below the list are relative: the folder may be moved', async () => {
  const data = await dataSet({ train: photos });
  await splitData(options(data));
  const text = await readFile(join(data, 'split.csv'), 'utf8');
  expect(text).toContain('\ntrain/images/p0_a.jpg,train/masks/p0_a.png,');
  expect(text).not.toContain(dirname(data));
});

test.each<[string, Partial<SplitDataOptions>, RegExp]>([
  ['shares', { train: 0.8, validation: 0.2, test: 0.15 }, /`test` 0.15 add up to 1.15, not 1/],
  ['nothing to train on', { train: 0, validation: 0.5, test: 0.5 }, /`train` 0 leaves nothing/],
  ['a list of another kind', { out: '/tmp/split.txt' }, /neither .csv nor .jsonl/],
  ['too few groups', { groupBy: '^p' }, /20 samples are 1 group: too few for train, validation, test/],
  ['a pattern', { groupBy: '(' }, /not a regular expression/],
  ['no such split', { split: ['nope'] }, /no split 'nope'/],
])('%s: one clear line, and nothing is written', async (_, changes, message) => {
  const data = await dataSet({ train: photos });
  await expect(splitData(options(data, changes))).rejects.toThrow(message);
  await expect(readFile(join(data, 'split.csv'))).rejects.toThrow('ENOENT');
});

test('a file that is there stays, but for --overwrite', async () => {
  const data = await dataSet({ train: photos });
  const out = await write(join(data, 'split.csv'), 'mine');
  await expect(splitData(options(data))).rejects.toThrow(/is there already/);
  expect(await readFile(out, 'utf8')).toBe('mine');
  await splitData(options(data, { overwrite: true }));
  expect(await readFile(out, 'utf8')).toMatch(/^image,mask,split,name\n/);
});

test('near-duplicates: of each image held out the nearest training image, the nearest pairs first', async () => {
  const angles = [0, 0.03, 0.01, 0.5, 1, 1.02, 1.03];
  const values = Float32Array.from(angles.flatMap((angle) => [Math.cos(angle), Math.sin(angle)]));
  const splits = ['train', 'train', 'validation', 'validation', 'test', 'train', 'test'];
  const of = (index: number) => ({ name: `i${index}`, split: splits[index]! });
  const found = await nearDuplicates({ values, count: angles.length, length: 2 }, of);
  expect(found.map(({ image, split, train }) => [image, split, train])).toEqual([
    ['i2', 'validation', 'i0'],
    ['i6', 'test', 'i5'],
    ['i4', 'test', 'i5'],
  ]);
  expect(found[0]!.similarity).toBeCloseTo(Math.cos(0.01), 5);
  expect(nearDuplicateWarning(found)).toMatch(/^3 images held out are .*: i2 \(validation\) of i0, i6 \(test\) of i5/);
  expect(nearDuplicateWarning([...found, ...found])).toMatch(/ and 3 more;/);
  expect(nearDuplicateWarning([])).toBeUndefined();
});
