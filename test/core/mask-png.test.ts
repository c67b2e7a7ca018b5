import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { writeMaskPng } from '../../lib/core/mask-png.js';
import { temporaryFolder } from '../data/pictures.js';

test('a mask becomes an 8-bit grey PNG of one channel, with nothing left beside it', async () => {
  const folder = join(await temporaryFolder(), 'deep/er');
  const mask = Uint8Array.from([0, 255, 255, 0, 0, 255]);
  await writeMaskPng(join(folder, 'a.png'), mask, 3, 2);
  expect(await readdir(folder)).toEqual(['a.png']);
  const { data, info } = await sharp(join(folder, 'a.png'))
    .toColourspace('b-w')
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect(await sharp(join(folder, 'a.png')).metadata()).toMatchObject({
    channels: 1,
    depth: 'uchar',
    width: 3,
    height: 2,
  });
  expect([info.channels, ...data]).toEqual([1, ...mask]);
});
