import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { axesOf, resolveSearchOptions } from '../../../lib/tasks/search/options.js';
import { trainOptionsOf } from '../../../lib/tasks/workbench/options.js';

test.each([
  [{ lrs: '' }, /`lrs` "": "" is not one of them: expected numbers above 0/],
  [{ lrs: '1e-5,fast' }, /`lrs` "1e-5,fast": "fast" is not one of them/],
  [{ lrs: '1e-5,-1' }, /"-1" is not one of them/],
  [{ losses: 'dice:1,dise:1' }, /`losses` "dice:1,dise:1": "dise:1" is not one of them: expected a sum such as/],
  [{ losses: 'dice,' }, /`losses` "dice,": "" is not one of them/],
  [{ promptKinds: 'points,boxes' }, /"boxes" is not one of them: expected some of points, box, points\+box/],
  [{ trials: 1 }, /`trials` 1: expected at least 2/],
  [{ eta: 1 }, /`eta` 1: expected at least 2/],
  [{ minEpochs: 0 }, /`minEpochs` 0: expected at least 1/],
  [{ report: true }, /unknown option `report`/],
])('%j is refused', (wrong, message) => {
  expect(() => resolveSearchOptions({ data: 'x', ...wrong })).toThrow(message);
});

test("a trial has the options given, a preset's included, but for its own setting", () => {
  const options = resolveSearchOptions({ data: 'sample:rivers', preset: 'article', lr: 1e-3, cacheDir: 'cache' });
  expect(options.cacheDir).toBe(resolve('cache'));
  const run = trainOptionsOf(options, { lr: 5e-6, loss: 'bce', prompt: 'box' });
  expect(run).toMatchObject({ lr: 5e-6, loss: 'bce', prompt: 'box', pointSets: 'separate', batchSize: 5 });
  expect(run.out).toBeUndefined();
});

test('the axes are words with commas', () => {
  const options = resolveSearchOptions({ data: 'x', lrs: '1e-5, 3e-5', losses: 'dice+bce', promptKinds: 'box' });
  expect(axesOf(options)).toEqual({ lrs: [1e-5, 3e-5], losses: ['dice+bce'], prompts: ['box'] });
});
