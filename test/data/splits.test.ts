import fc from 'fast-check';
import { expect, test } from 'vitest';
import { filesOfSplit, splitsOfFiles } from '../../lib/data/splits.js';

const files = (...names: string[]) => names.map((relative) => ({ relative, path: `/data/${relative}` }));
const found = (names: string[], split: string) => filesOfSplit(files(...names), split).map(({ relative }) => relative);

test.each([
  ['train', 'train-00000-of-00001.parquet'],
  ['train', 'data/train-00001-of-00003.parquet'],
  ['train', 'train/0.parquet'],
  ['train', 'Training.parquet'],
  ['train', 'default/train/part_7.parquet'],
  ['validation', 'data/validation-00000-of-00001.parquet'],
  ['validation', 'val2017.parquet'],
  ['validation', 'rivers.dev.parquet'],
  ['validation', 'train_0/valid-0.parquet'],
  ['test', 'test/part-0.parquet'],
])('%s: %s', (split, name) => {
  expect(splitsOfFiles(files(name))).toEqual([split]);
  for (const other of ['train', 'validation', 'test'])
    expect(found([name], other)).toEqual(other === split ? [name] : []);
});

test('words that only contain the name of a split are none', () => {
  const names = ['strain.parquet', 'invalid.parquet', 'devices.parquet', 'attest.parquet'];
  expect(splitsOfFiles(files(...names))).toEqual(['train']);
  expect(found([...names, 'val.parquet'], 'validation')).toEqual(['val.parquet']);
});

test('without any known name all files are the training split; any other name finds files too', () => {
  const names = ['fold1-0.parquet', 'fold1-1.parquet', 'fold10-0.parquet'];
  expect(found(names, 'train')).toEqual(names);
  expect(found(names, 'fold1')).toEqual(names.slice(0, 2));
  expect(found(names, 'validation')).toEqual([]);
  expect(found(['rivers-train.parquet', 'rivers-validation.parquet'], 'rivers')).toEqual([]);
});

test('val and validation are one split, whichever of them is asked for', () => {
  expect(found(['validation-0.parquet', 'train-0.parquet'], 'val')).toEqual(['validation-0.parquet']);
});

test('shards of any number, wherever the word stands, are in exactly the split that they name', () => {
  const word = fc.constantFrom('train', 'Training', 'validation', 'valid', 'VAL', 'dev', 'test', 'eval');
  const separator = fc.constantFrom('-', '_', '.', '/', ' ');
  const filler = fc.constantFrom('', 'rivers', 'data', '00000', 'of', '2024');
  const name = fc
    .tuple(filler, separator, word, separator, filler, fc.nat(99_999))
    .map(([before, left, own, right, after, shard]) => ({
      relative: `${before}${left}${own}${right}${after}-${String(shard).padStart(5, '0')}.parquet`,
      word: own.toLowerCase(),
    }));
  fc.assert(
    fc.property(fc.array(name, { minLength: 1 }), (names) => {
      const relatives = names.map(({ relative }) => relative);
      const shared: Record<string, readonly string[]> = {
        train: ['train', 'training'],
        validation: ['validation', 'valid', 'val', 'dev'],
        test: ['test', 'eval'],
      };
      for (const [split, words] of Object.entries(shared)) {
        const expected = names.filter((one) => words.includes(one.word)).map(({ relative }) => relative);
        expect(found(relatives, split)).toEqual(expected);
        expect(splitsOfFiles(files(...relatives)).includes(split)).toBe(expected.length > 0);
      }
    }),
  );
});
