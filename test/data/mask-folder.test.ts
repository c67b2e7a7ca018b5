/** Masks in a folder, by the names of their images. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MaskFolder } from '../../lib/data/mask-folder.js';
import { temporaryFolder, write } from './pictures.js';

async function folderOf(...names: string[]): Promise<string> {
  const folder = await temporaryFolder();
  for (const name of names) await write(join(folder, name), '');
  return folder;
}

test('a mask is found by name, whatever its Unicode form', async () => {
  const folder = await folderOf('a.png', 'sub/e\u0301.gif');
  const masks = await MaskFolder.open(folder, '`masks`');
  expect(masks.maskOf('a')).toBe(join(folder, 'a.png'));
  expect(masks.maskOf('sub/\u00e9')).toBe(join(folder, 'sub/e\u0301.gif'));
});

test('of two masks of one name none is taken', async () => {
  const folder = await folderOf('a.png', 'a.tif', 'b.png', '\u00e9.png', 'e\u0301.png');
  const masks = await MaskFolder.open(folder, '`masks`');
  expect(masks.maskOf('b')).toBe(join(folder, 'b.png'));
  expect(() => masks.maskOf('a')).toThrow(`2 masks for a in ${folder} (\`masks\`): a.png, a.tif`);
  expect(() => masks.maskOf('\u00e9')).toThrow('2 masks for \u00e9');
});

test('a mask that is missing, or of a kind that is not read, is named', async () => {
  const folder = await folderOf('a.bmp');
  const masks = await MaskFolder.open(folder, '`masks`');
  expect(() => masks.maskOf('a')).toThrow(`no mask for a in ${folder} (\`masks\`; a.bmp is there; BMP is not read)`);
  expect(() => masks.maskOf('b')).toThrow(`no mask for b in ${folder} (\`masks\`)`);
  await expect(MaskFolder.open(join(folder, 'none'), '`masks`')).rejects.toMatchObject({ code: 'SAM_NOT_FOUND' });
});
