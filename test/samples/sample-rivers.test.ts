import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decodeImage, decodeMask } from '../../lib/data/decode.js';
import { readFolderSplit } from '../../lib/data/sources/folder.js';
import { drawRiver, SIDE } from '../../lib/samples/rivers/scene.js';
import { makeRivers } from '../../lib/samples/sample-rivers.js';
import { temporaryFolder } from '../data/pictures.js';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

test('the drawings are the same everywhere', () => {
  const { pixels, mask } = drawRiver('train', 0);
  // Written down once. Another value on another machine, or after a change, means another data set: raise the version.
  expect([sha256(pixels), sha256(mask)]).toEqual([
    '83df635556b1bc9dfb230ba64018fbec3159699ae35de4686629a89aaf48aedc',
    '54575578c9b9df5c7abf49742593222a2fa18c1ac65f677349483a57b25344a0',
  ]);
});

test('water is a fair part of each picture, and looks different from picture to picture', () => {
  const tones = new Set<string>();
  for (let index = 0; index < 4; index++) {
    const { pixels, mask } = drawRiver('validation', index);
    const share = mask.filter((value) => value === 255).length / mask.length;
    expect(share).toBeGreaterThan(0.03);
    expect(share).toBeLessThan(0.7);
    expect(mask.every((value) => value === 0 || value === 255)).toBe(true);
    const sums = [0, 0, 0];
    mask.forEach((value, at) => {
      if (value === 255) for (let channel = 0; channel < 3; channel++) sums[channel]! += pixels[at * 3 + channel]!;
    });
    tones.add(sums.map((sum) => Math.round(sum / (share * mask.length) / 8)).join());
  }
  expect(tones.size).toBeGreaterThan(3);
});

test('they are made once, whole, by whoever comes first, and then read as a folder', { timeout: 60_000 }, async () => {
  const cacheDir = await temporaryFolder();
  const splits = { train: 2, validation: 1 };
  const notices: string[] = [];
  const hooks = { onNote: (text: string) => notices.push(text) };
  const [folder, same] = await Promise.all([makeRivers(cacheDir, hooks, splits), makeRivers(cacheDir, {}, splits)]);
  expect(same).toBe(folder);
  expect(await readdir(join(cacheDir, 'samples/drawing'))).toEqual([]);
  await makeRivers(cacheDir, hooks, splits);
  expect(notices).toHaveLength(1);
  const samples = [...(await readFolderSplit(folder, 'train', { masks: 'required', skipBad: false }))];
  expect(samples.map(({ name }) => name)).toEqual(['river-01', 'river-02']);
  const { pixels, mask } = drawRiver('train', 1);
  expect((await decodeImage(samples[1]!)).pixels).toEqual(pixels);
  const read = await decodeMask(samples[1]!, { width: SIDE, height: SIDE });
  expect(read.values).toEqual(mask.map((value) => value / 255));
  // A folder that lost a file is drawn again.
  await rm(join(folder, 'train/masks/river-02.png'));
  await makeRivers(cacheDir, hooks, splits);
  expect(notices).toHaveLength(2);
  expect(await readdir(join(folder, 'train/masks'))).toHaveLength(2);
});
