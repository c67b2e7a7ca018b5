import { expect, test } from 'vitest';
import { globPattern } from '../../../../lib/data/sources/hub/glob.js';

test.each([
  ['data/train-*', 'data/train-00000-of-00001.parquet', true],
  ['data/train-*', 'data/deeper/train-0.parquet', false],
  ['**/train*.parquet', 'a/b/train.parquet', true],
  ['**/train*.parquet', 'train.parquet', true],
  ['train/**', 'train/a/b.parquet', true],
  ['train/**', 'trained/b.parquet', false],
  ['fold[1-3].parquet', 'fold2.parquet', true],
  ['fold[!1-3].parquet', 'fold2.parquet', false],
  ['{a,b.c}/x.parquet', 'b.c/x.parquet', true],
  ['{a,b.c}/x.parquet', 'bxc/x.parquet', false],
  ['a?.parquet', 'ab.parquet', true],
  ['a?.parquet', 'a/.parquet', false],
  ['./data/x (1).parquet', 'data/x (1).parquet', true],
  ['data', 'data/any/0.parquet', true],
  ['data', 'database.parquet', false],
  ['a.parquet', 'axparquet', false],
])('%s, %s: %s', (glob, path, fits) => expect(globPattern(glob).test(path)).toBe(fits));
