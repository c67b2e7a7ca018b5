import { expect, test } from 'vitest';
import { without } from '../../lib/core/without.js';

test('what is named goes, the rest stays, and the object is as it was', () => {
  const given = { a: 1, b: undefined, c: 3 };
  expect(Object.entries(without(given, 'a', 'c'))).toEqual([['b', undefined]]);
  expect(without(given)).toEqual(given);
  expect(given).toEqual({ a: 1, b: undefined, c: 3 });
});
