/** Where the pictures come from that an export is verified on: the run's own data, and where that is gone, drawn ones. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSplit } from '../../../lib/data/open-data.js';
import { promptOptionsFor } from '../../../lib/models/prompt-options.js';
import { findPictures } from '../../../lib/tasks/export/pictures.js';

let dir: string;
const data = () => join(dir, 'mine');

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sam-pictures-'));
  const [first] = await openSplit({ data: 'sample:rivers', split: 'validation', limit: 1 });
  await cp(dirname(dirname(dirname(first!.image.path))), data(), { recursive: true });
}, 120_000);
afterAll(() => rm(dir, { recursive: true, force: true }));

/** Finds pictures for a model of a run with these options; undefined: of no run. */
async function found(options: object | undefined, most = 3) {
  const notes: string[] = [];
  const checkpoint = options && { path: 'x', hash: 'x', metadata: { options: JSON.stringify(options) } };
  const model = { ...(checkpoint && { checkpoint }) };
  const hooks = { signal: undefined, onNote: (line: string) => void notes.push(line), cacheDir: undefined };
  return { ...(await findPictures(model, most, promptOptionsFor({}, undefined), hooks)), notes };
}

test("are the run's own, spread over its validation split as it was cut", async () => {
  const { pictures, from, notes } = await found({ data: data() });
  expect(from).toBe(`3 validation pictures of ${data()}`);
  expect(pictures.every(({ sample }) => sample.image.path.startsWith(data()))).toBe(true);
  expect(notes).toEqual([]);
  const cut = await found({ data: data(), validationFraction: 0.2, seed: 1 }, 99);
  expect(cut.pictures.every(({ sample }) => sample.image.path.includes('train'))).toBe(true);
  expect(cut.pictures.length).toBeGreaterThan(1);
}, 60_000);

test('are drawn where the data is gone, which is said, and where there is no run', async () => {
  const gone = await found({ data: join(dir, 'gone') });
  expect(gone.from).toBe('3 validation pictures of sample:rivers');
  expect(gone.notes.join()).toMatch(/gone.*taking those of sample:rivers/);
  const none = await found(undefined, 1);
  expect(none).toMatchObject({ from: '1 validation picture of sample:rivers', notes: [] });
  // What `push` published says how it is prompted, and not where its data lay.
  const published = await found({ prompt: 'points', seed: 42 }, 1);
  expect(published).toMatchObject({ from: '1 validation picture of sample:rivers', notes: [] });
}, 60_000);
