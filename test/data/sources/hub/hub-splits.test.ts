import { describe, expect, test } from 'vitest';
import {
  chooseConfig,
  declaredConfigs,
  splitsByName,
  splitsOfConfig,
  splitsOfConversion,
} from '../../../../lib/data/sources/hub/hub-splits.js';

const PATHS = ['README.md', 'data/train-0.parquet', 'data/train-1.parquet', 'data/val-0.parquet', 'other/x.parquet'];
const configs = (yaml: string) => declaredConfigs(`---\nlicense: mit\n${yaml}\n---\n# Rivers\n`, 'hf:a/b');
const filesOf = (yaml: string, split: string) => splitsOfConfig(configs(yaml)[0]!, PATHS)?.filesOf(split);

describe('the front matter', () => {
  test.each([
    'configs:\n- config_name: default\n  data_files:\n  - split: train\n    path: data/train-*\n  - split: val\n    path: [data/val-*]',
    'configs:\n- data_files:\n    train: data/train-*\n    val: ["data/val-*"]',
    'configs:\n- data_dir: ./data\n  data_files:\n    train: train-*\n    val: val-0.parquet',
    'configs:\n- data_dir: data',
  ])('%j', (yaml) => {
    expect(filesOf(yaml, 'train')).toEqual(['data/train-0.parquet', 'data/train-1.parquet']);
    expect(filesOf(yaml, 'validation')).toEqual(['data/val-0.parquet']);
    expect(filesOf(yaml, 'test')).toEqual([]);
  });

  test('patterns without splits are the training split', () => {
    expect(filesOf('configs:\n- data_files: "other/*.parquet"', 'train')).toEqual(['other/x.parquet']);
  });

  test('files of other kinds are none', () => {
    expect(splitsOfConfig(configs('configs:\n- data_files: "images/*.jpg"')[0]!, ['images/a.jpg'])).toBeUndefined();
  });

  test('none, or none that declares', () => {
    expect(declaredConfigs('# Rivers', 'x')).toEqual([]);
    expect(configs('tags: [a]')).toEqual([]);
    expect(() => configs('configs: 3')).toThrow('README.md of hf:a/b');
    expect(() => configs('configs: [')).toThrow('README.md of hf:a/b');
  });
});

test('of several configurations the default one, or the one asked for', () => {
  const named = (...names: string[]) => names.map((config_name) => ({ config_name }));
  expect(chooseConfig(named('a'), undefined, 'x').config_name).toBe('a');
  expect(chooseConfig(named('a', 'default'), undefined, 'x').config_name).toBe('default');
  expect(chooseConfig([...named('default'), { config_name: 'b', default: true }], undefined, 'x').config_name).toBe(
    'b',
  );
  expect(chooseConfig(named('a', 'b'), 'b', 'x').config_name).toBe('b');
  expect(() => chooseConfig(named('a', 'b'), undefined, 'hf:x/y')).toThrow('hf:x/y has several configurations: a, b');
  expect(() => chooseConfig(named('a', 'b'), 'c', 'hf:x/y')).toThrow("no configuration 'c' (there: a, b)");
});

test('by name, as in folders', () => {
  const splits = splitsByName(PATHS)!;
  expect(splits.names()).toEqual(['train', 'validation']);
  expect(splits.filesOf('validation')).toEqual(['data/val-0.parquet']);
  expect(splitsByName(['a.jpg', '.cache/a.parquet'])).toBeUndefined();
});

test('the converted branch: configurations, then splits, of large ones a part', () => {
  const paths = [
    'default/train/0000.parquet',
    'default/train/0001.parquet',
    'default/partial-test/0000.parquet',
    'b/x/0.parquet',
  ];
  const splits = splitsOfConversion(paths, undefined, 'x')!;
  expect(splits.names()).toEqual(['test', 'train']);
  expect(splits.filesOf('train')).toEqual(paths.slice(0, 2));
  expect(splits.filesOf('test')).toEqual([paths[2]]);
  expect(splitsOfConversion(paths, 'b', 'x')!.names()).toEqual(['x']);
  expect(splitsOfConversion(['README.md'], undefined, 'x')).toBeUndefined();
});
