import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pairedDifferences } from '../../lib/scoring/summaries.js';
import { madeUp } from '../reports/support.js';

test.each([
  [0, 1],
  [1, 0],
])('a tuned model is held against the untuned one, in whatever order they are named', async (first, second) => {
  const dir = await mkdtemp(join(tmpdir(), 'sam-native-differences-'));
  try {
    const { models, rows } = await madeUp(dir, { images: ['x', 'y', 'z'] });
    const scored = [first, second].map((place) => {
      const summary = models[place]!;
      return { summary, rows: rows.filter(({ model }) => model === summary.name) };
    });
    const [difference] = await pairedDifferences(scored, 1);
    expect(difference).toMatchObject({ a: { name: 'untuned' }, b: { name: 'tuned' }, metric: 'iou', greater: 3 });
    expect(difference!.mean).toBeCloseTo(0.25, 10); // the mean of 1/8, 2/8 and 3/8
  } finally {
    await rm(dir, { recursive: true });
  }
});
