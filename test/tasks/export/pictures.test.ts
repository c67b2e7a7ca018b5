/** Which pictures an export is held against its model on, where the run's own can't be read. */
import { expect, test } from 'vitest';
import { promptOptionsFor } from '../../../lib/models/prompt-options.js';
import { resolveModel } from '../../../lib/models/resolve.js';
import { findPictures } from '../../../lib/tasks/export/pictures.js';

test('a run whose data is gone is held against its model on drawn pictures, and why is said', async () => {
  const untuned = await resolveModel('mobile-sam', {});
  const metadata = { options: JSON.stringify({ data: '/nowhere/photos', limit: 3 }) };
  const model = { ...untuned, checkpoint: { path: 'best.safetensors', hash: '', metadata } };
  const notes: string[] = [];
  const hooks = { signal: undefined, onNote: (line: string) => void notes.push(line), cacheDir: undefined };
  const { pictures, from } = await findPictures(model, 2, promptOptionsFor({}, model), hooks);
  expect(pictures).toHaveLength(2);
  expect(from).toBe('2 validation pictures of sample:rivers');
  expect(notes.filter((line) => line.includes('/nowhere/photos'))).toEqual([
    expect.stringMatching(/^the run's validation pictures cannot be read \(.*\): taking those of sample:rivers$/),
  ]);
}, 120_000);
