import { expect, test } from 'vitest';
import { asFlags, givenFlags } from '../../lib/cli/flags.js';
import { splitDataOptionsSchema } from '../../lib/tasks/split/options.js';

test('options in backticks become flags; other words stay', () => {
  expect(asFlags('go on with `skipBad`, or `onEmpty` skip')).toBe('go on with --skip-bad, or --on-empty skip');
  expect(asFlags('`cache: false`: nothing stays')).toBe('--no-cache: nothing stays');
  expect(asFlags('the file `a b.png` and `Tensor` and npx sam-native setup --yes')).toBe(
    'the file `a b.png` and `Tensor` and npx sam-native setup --yes',
  );
});

test('a flag that may stand bare may also be said to be true', () => {
  const read = (value: unknown) => givenFlags(splitDataOptionsSchema.shape, { 'group-by-similarity': value });
  expect(read(true)).toEqual({ groupBySimilarity: true });
  expect(read('true')).toEqual({ groupBySimilarity: true });
  expect(read('')).toEqual({ groupBySimilarity: true });
  expect(read('0.99')).toEqual({ groupBySimilarity: 0.99 });
});
