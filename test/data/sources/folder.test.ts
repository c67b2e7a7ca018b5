import { link, mkdir, symlink } from 'node:fs/promises';
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

const NFC = '\u00e9t\u00e9';
const NFD = NFC.normalize('NFD');

/** Reads the split strictly: the samples' names, their files below the root, and the warnings. */
async function readStrictly(root: string, masks: 'required' | 'ignored' = 'required') {
  const warnings: string[] = [];
  const onWarning = (line: string) => void warnings.push(line);
  const samples = [...(await readFolderSplit(root, 'train', { masks, skipBad: false, onWarning }))];
  const below = (path: string) => path.slice(join(root, 'train').length + 1);
  return {
    names: samples.map(({ name }) => name),
    images: samples.map(({ image }) => below(image.path)),
    warnings: warnings.map((line) => line.replace(join(root, 'train'), 'F')),
  };
}

test('a name in another Unicode form is the same name', async () => {
  const root = await splitWith([`${NFC}.png`, 'b.png'], [`${NFD}.png`, 'b.png']);
  expect((await readStrictly(root)).names).toEqual(['b', NFC]);
  const clash = await splitWith([`${NFC}.png`, `${NFD}.png`], [`${NFD}.png`]);
  await expect(readStrictly(clash)).rejects.toThrow(`2 images are named twice: images/${NFD}.png, images/${NFC}.png`);
});

test('a partner of a kind that is not read is named', async () => {
  const root = await splitWith(['a.png', 'b.png', 'c.jp2', 'd.png'], ['a.bmp', 'b.txt', 'c.png', 'd']);
  await expect(readStrictly(root)).rejects.toThrow(
    '3 images have no mask: images/a.png (masks/a.bmp is there; BMP is not read), ' +
      'images/b.png (masks/b.txt is there; TXT is not read), ' +
      'images/d.png (masks/d is there; a file without extension is not read); ' +
      '1 mask has no image: masks/c.png (images/c.jp2 is there; JP2 is not read)',
  );
});

test('pictures of kinds that are not read are not passed over without a word', async () => {
  const root = await splitWith(['a.png', 'b.bmp', 'notes.txt', '.c.bmp'], ['a.png', 'b.BMP']);
  const warning =
    'in F 2 pictures are of a kind that is not read: images/b.bmp, masks/b.BMP; left out (JPEG, PNG, WebP, GIF and TIFF are read)';
  expect(await readStrictly(root)).toMatchObject({ names: ['a'], warnings: [warning] });
  expect((await readStrictly(root, 'ignored')).warnings).toEqual([
    'in F 1 picture is of a kind that is not read: images/b.bmp; left out (JPEG, PNG, WebP, GIF and TIFF are read)',
  ]);
  const none = await splitWith(['b.bmp'], []);
  await expect(readStrictly(none)).rejects.toThrow(
    'holds no image with a mask (images/b.bmp is there; BMP is not read)',
  );
});

test.each([
  ['hard links', link],
  ['symbolic links', symlink],
] as const)('%s: a file is a sample once', async (_, linked) => {
  const root = await splitWith(['a.png', 'c.png'], ['a.png', 'c.png']);
  const at = (path: string) => join(root, 'train', path);
  await linked(at('images/a.png'), at('images/b.png'));
  await linked(at('masks/a.png'), at('masks/b.png'));
  const warnings = ['in F 1 image is a link to another: images/b.png (images/a.png); taken once'];
  expect(await readStrictly(root)).toMatchObject({ names: ['a', 'c'], warnings });
  expect(await readStrictly(root, 'ignored')).toMatchObject({ names: ['a', 'c'], warnings });
});

test('a copy of the mask is no other mask; another mask is another object of the same image', async () => {
  const root = await splitWith(['a.png'], ['a.png']);
  const at = (path: string) => join(root, 'train', path);
  await link(at('images/a.png'), at('images/b.png'));
  await link(at('images/a.png'), at('images/c.png'));
  await write(at('masks/b.png'), '');
  await write(at('masks/c.png'), 'other');
  expect(await readStrictly(root)).toEqual({
    names: ['a', 'c'],
    images: ['images/a.png', 'images/a.png'],
    warnings: [
      'in F 1 image is a link to another: images/b.png (images/a.png); taken once',
      'in F 1 image is a link to another: images/c.png (images/a.png); with a mask of its own each is a sample of its own',
    ],
  });
});

test('folders that lead back to themselves are walked once', async () => {
  const root = await splitWith(['a.png', 'deep/b.png'], ['a.png', 'deep/b.png']);
  for (const folder of ['images', 'masks']) {
    await symlink('.', join(root, 'train', folder, 'again'));
    await symlink('..', join(root, 'train', folder, 'deep', 'up'));
  }
  expect(await readStrictly(root)).toMatchObject({ names: ['a', 'deep/b'], warnings: [] });
});

test('linked folders are walked; what is reached twice is a sample once', async () => {
  const root = await splitWith(['a/x.png'], ['a/x.png']);
  for (const folder of ['images', 'masks']) await symlink('a', join(root, 'train', folder, 'b'));
  expect(await readStrictly(root)).toMatchObject({
    names: ['a/x'],
    warnings: ['in F 1 image is a link to another: images/b/x.png (images/a/x.png); taken once'],
  });
});

test('only very long lists are cut', () => {
  const names = Array.from({ length: 230 }, (_, index) => `n${index}`);
  expect(nameAll(names.slice(0, 200))).toContain('n199');
  expect(nameAll(names)).toMatch(/n199 and 30 more$/);
});
