import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { eachOf } from '../../lib/core/parallel.js';

test('every item is begun once, in order, so many at a time', async () => {
  const begun: number[] = [];
  let [running, most] = [0, 0];
  await eachOf([5, 1, 3, 2, 4].values(), 2, async (item) => {
    begun.push(item);
    most = Math.max(most, ++running);
    await setTimeout(item);
    running--;
  });
  expect([begun, most, running]).toEqual([[5, 1, 3, 2, 4], 2, 0]);
});

test('nothing to do is done at once, and a failure is told', async () => {
  await eachOf([], 4, () => Promise.reject(new Error('called')));
  const failing = eachOf([1, 2, 3], 2, async (item) => {
    if (item === 2) throw new Error(`no ${item}`);
  });
  await expect(failing).rejects.toThrow('no 2');
});
