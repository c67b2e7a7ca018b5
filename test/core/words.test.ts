import { expect, test } from 'vitest';
import { amount, counted, words } from '../../lib/core/words.js';

test('words stand between commas, whatever space is around them', () => {
  expect(words(' a, b c ,,d')).toEqual(['a', 'b c', '', 'd']);
});

test('names are counted, and nothing is said of none', () => {
  const ofMasks = (...names: string[]) => counted('image', 'has no mask', 'have no mask', names);
  expect(ofMasks('a')).toEqual(['1 image has no mask: a']);
  expect(ofMasks('a', 'b')).toEqual(['2 images have no mask: a, b']);
  expect(ofMasks()).toEqual([]);
});

test('one thing, or several', () => {
  expect([0, 1, 2].map((count) => amount(count, 'sample'))).toEqual(['0 samples', '1 sample', '2 samples']);
});
