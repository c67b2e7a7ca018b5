import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nameAll } from '../../../lib/core/words.js';
import { readFolderSplit } from '../../../lib/data/sources/folder.js';
import { temporaryFolder, write } from '../pictures.js';

const strict = { masks: 'required', skipBad: false } as const;

async function splitWith(images: string[], masks: string[]): Promise<string> {
  const root = await temporaryFolder();
  await mkdir(join(root, 'train/images'), { recursive: true });
  for (const name of images) await write(join(root, 'train/images', name), '');
  for (const name of masks) await write(join(root, 'train/masks', name), '');
  return root;
}

test('images and masks are matched by stem, whatever the extension, ordered by name, through subfolders', async () => {
  const root = await splitWith(
    ['b.JPG', 'a.jpeg', 'site/z.tiff', 'Z.webp', 'notes.txt', '.hidden.png'],
    ['a.png', 'b.PNG', 'site/z.tif', 'Z.png', '.DS_Store'],
  );
  const samples = [...(await readFolderSplit(root, 'train', strict))];
  expect(samples.map(({ name }) => name)).toEqual(['Z', 'a', 'b', 'site/z']);
  expect(samples[3]).toEqual({
    name: 'site/z',
    image: { path: join(root, 'train/images/site/z.tiff') },
    mask: { path: join(root, 'train/masks/site/z.tif') },
  });
});

test('everything without its partner is named in one line; --skip-bad warns and goes on', async () => {
  const root = await splitWith(['a.jpg', 'b.jpg', 'c.jpg'], ['b.png', 'd.png', 'e.png']);
  const message = '2 images have no mask: images/a.jpg, images/c.jpg; 2 masks have no image: masks/d.png, masks/e.png';
  await expect(readFolderSplit(root, 'train', strict)).rejects.toMatchObject({
    code: 'SAM_BAD_DATA',
    exitCode: 2,
    message: expect.stringContaining(message),
    fix: expect.stringContaining('`skipBad`'),
  });
  const warnings: string[] = [];
  const onWarning = (text: string) => warnings.push(text);
  const samples = [...(await readFolderSplit(root, 'train', { masks: 'required', skipBad: true, onWarning }))];
  expect(samples.map(({ name }) => name)).toEqual(['b']);
  expect(warnings).toEqual([expect.stringContaining(message)]);
});

test('without masks asked for, those that are there come along', async () => {
  const root = await splitWith(['a.jpg', 'b.jpg'], ['b.png', 'd.png']);
  const samples = [...(await readFolderSplit(root, 'train', { masks: 'optional', skipBad: false }))];
  expect(samples.map(({ mask }) => mask !== undefined)).toEqual([false, true]);
});

test('two images or two masks of one stem are refused, or left out', async () => {
  const root = await splitWith(['a.jpg', 'a.png', 'b.jpg', 'c.jpg'], ['a.png', 'b.png', 'b.tif', 'c.png']);
  await expect(readFolderSplit(root, 'train', strict)).rejects.toThrow(
    '2 images are named twice: images/a.jpg, images/a.png; 2 masks are named twice: masks/b.png, masks/b.tif',
  );
  const samples = [...(await readFolderSplit(root, 'train', { masks: 'required', skipBad: true }))];
  expect(samples.map(({ name }) => name)).toEqual(['c']);
});

test('no folder, no split, no images: each its message', async () => {
  const root = await splitWith(['a.jpg'], ['a.png']);
  await mkdir(join(root, 'val/images'), { recursive: true });
  await mkdir(join(root, 'other'));
  const bad = (message: string, fix?: string) => ({
    code: 'SAM_BAD_DATA',
    message: expect.stringContaining(message),
    ...(fix !== undefined && { fix: expect.stringContaining(fix) }),
  });
  await expect(readFolderSplit(join(root, 'none'), 'train', strict)).rejects.toMatchObject(
    bad('there is no data folder'),
  );
  await expect(readFolderSplit(root, 'test', strict)).rejects.toMatchObject(
    bad("there is no split 'test'", 'train, val'),
  );
  await expect(readFolderSplit(root, 'other', strict)).rejects.toMatchObject(bad('has no folder images'));
  await expect(readFolderSplit(root, 'val', strict)).rejects.toMatchObject(bad('holds no image with a mask'));
});

test('only very long lists are cut', () => {
  const names = Array.from({ length: 230 }, (_, index) => `n${index}`);
  expect(nameAll(names.slice(0, 200))).toContain('n199');
  expect(nameAll(names)).toMatch(/n199 and 30 more$/);
});
