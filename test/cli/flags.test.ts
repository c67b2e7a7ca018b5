import { expect, test } from 'vitest';
import { asFlags } from '../../lib/cli/flags.js';

test('options in backticks become flags; other words stay', () => {
  expect(asFlags('go on with `skipBad`, or `onEmpty` skip')).toBe('go on with --skip-bad, or --on-empty skip');
  expect(asFlags('`cache: false`: nothing stays')).toBe('--no-cache: nothing stays');
  expect(asFlags('the file `a b.png` and `Tensor` and npx sam-native setup --yes')).toBe(
    'the file `a b.png` and `Tensor` and npx sam-native setup --yes',
  );
});
