/** Lists of images and masks, as CSV and as JSONL. */
import { link, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseCsv } from '../../../lib/core/csv.js';
import { openData, openSource } from '../../../lib/data/open-data.js';
import type { MaskNeed } from '../../../lib/data/sample.js';
import { grey, temporaryFolder, write } from '../pictures.js';

async function list(
  file: string,
  content: string,
  pictures: readonly string[] = ['a.png', 'b.png', 'm/a.png', 'm/b.png'],
) {
  const root = await temporaryFolder();
  for (const path of pictures) await write(join(root, path), await grey(9));
  return write(join(root, file), content);
}

async function read(path: string, split = 'train', masks: MaskNeed = 'required', skipBad = false) {
  const warnings: string[] = [];
  const source = await openSource({ data: path, cacheDir: '/nonexistent' });
  const onWarning = (line: string) => void warnings.push(line);
  const samples = [...(await source.readSplit(split, { masks, skipBad, onWarning }))];
  return { source, samples, warnings, names: samples.map(({ name }) => name) };
}

const CSV = 'image,mask,split,name\r\nb.png,m/b.png,val,\r\n"a.png",m/a.png,train,"the ""first"", one"\r\n';

test('CSV and JSONL say the same', async () => {
  const csv = await list('x.csv', CSV);
  const { source, names, samples } = await read(csv);
  expect(names).toEqual(['the "first", one']);
  expect(samples[0]!.mask!.path).toBe(join(csv, '..', 'm', 'a.png'));
  expect(await source.splits()).toEqual(['train', 'val']);
  expect((await read(csv, 'validation')).names).toEqual(['b']);
  const jsonl = await list(
    'x.jsonl',
    '{"image": "b.png", "mask": "m/b.png", "split": "val"}\n\n{"image": "a.png", "mask": "m/a.png"}\n',
  );
  expect((await read(jsonl)).names).toEqual(['a']);
  expect((await read(jsonl, 'validation')).names).toEqual(['b']);
});

test('several masks of one image share it, and stay on one side of a cut', async () => {
  const path = await list('x.csv', 'mask,image\nm/a.png,a.png\nm/b.png,a.png\nm/b.png,b.png\n');
  const { names, samples } = await read(path);
  expect(names).toEqual(['a#2', 'a#3', 'b']);
  expect(samples[0]!.image).toEqual(samples[1]!.image);
  for (const seed of [1, 2, 3, 4]) {
    const cut = { trainSplit: 'train', validationSplit: 'v', validationFraction: 0.3, skipBad: false, seed };
    const { train, validation } = await openData({ ...cut, data: path, cacheDir: '/nonexistent' });
    expect([train.length, validation.length].sort()).toEqual([1, 2]);
  }
});

test('without masks where they do not matter', async () => {
  const path = await list('x.csv', 'image\na.png\nb.png\n');
  expect((await read(path, 'train', 'optional')).names).toEqual(['a', 'b']);
  await expect(read(path)).rejects.toThrow('2 lines have no mask: 2, 3');
});

describe('as tools write it', () => {
  test.each([
    ['x.csv', '\ufeffimage,mask\na.png,m/a.png\n'],
    ['x.jsonl', '\ufeff{"image": "a.png", "mask": "m/a.png"}\n'],
    ['x.jsonl', '{"image": "a.png", "mask": "m/a.png", "score": NaN, "range": [-Infinity, Infinity]}\n'],
    ['x.csv', 'image,mask\n.\\a.png,m\\a.png\n'],
    ['x.csv', 'image,mask\na.png,%6d/a.png\n'],
  ])('%s %j', async (file, content) => {
    const { samples, names } = await read(await list(file, content));
    expect(names).toEqual(['a']);
    expect(samples[0]!.mask!.path).toMatch(/\/m\/a\.png$/);
  });

  test('a name in another Unicode form leads to the file', async () => {
    const [nfc, nfd] = ['\u00e9.png', 'e\u0301.png'];
    for (const [written, stored] of [
      [nfc, nfd],
      [nfd, nfc],
    ] as const) {
      const path = await list('x.csv', `image,mask\n${written},m.png\n`, [stored, 'm.png']);
      const { samples, names } = await read(path);
      expect([names, samples[0]!.image.path]).toEqual([['\u00e9'], join(path, '..', stored)]);
    }
  });

  test('what is there as it is written goes before what it might mean', async () => {
    const path = await list('x.csv', 'image,mask\na%20b.png,m.png\n', ['a%20b.png', 'a b.png', 'm.png']);
    expect((await read(path)).samples[0]!.image.path).toMatch(/a%20b\.png$/);
  });

  test.each([
    ['UTF-16', Buffer.from('\ufeffimage,mask\n', 'utf16le')],
    ['UTF-16', Buffer.from('image,mask\n', 'utf16le')],
    ['UTF-16', Buffer.from('\ufeffimage,mask\n', 'utf16le').swap16()],
    ['UTF-32', Buffer.from([0xff, 0xfe, 0, 0, 0x69, 0, 0, 0])],
    ['in another encoding, such as Latin-1', Buffer.from('image,mask\n\u00e9.png,m.png\n', 'latin1')],
  ])('%s is named', async (encoding, bytes) => {
    for (const name of ['x.csv', 'x.jsonl']) {
      const path = await write(join(await temporaryFolder(), name), bytes);
      await expect(read(path)).rejects.toMatchObject({
        code: 'SAM_BAD_DATA',
        message: `${path} is ${encoding}, not UTF-8`,
        fix: 'save it as UTF-8',
      });
    }
  });
});

test('no name leads out of the folder that results are written to', async () => {
  const path = await list('lists/x.csv', 'image,mask,name\n../a.png,../m/a.png,\nx/../../b.png,../m/b.png,../../c\n');
  expect((await read(path)).names).toEqual(['a', 'c']);
});

describe('every file is a sample once', () => {
  test('lines that say the same', async () => {
    const path = await list('x.csv', 'image,mask\na.png,m/a.png\nb.png,m/b.png\n./a.png,m/../m/a.png\n');
    const { names, warnings } = await read(path);
    expect(names).toEqual(['a', 'b']);
    expect(warnings).toEqual([`in ${path} 1 line says the same as an earlier one: 4 (2); taken once`]);
  });

  test('links: with the same mask once; with another they share the image', async () => {
    const path = await list('x.csv', 'image,mask\na.png,m/a.png\nc.png,m/c.png\nd.png,m/b.png\n');
    const at = (name: string) => join(path, '..', name);
    await link(at('a.png'), at('c.png'));
    await symlink(at('a.png'), at('d.png'));
    await link(at('m/a.png'), at('m/c.png'));
    const { names, samples } = await read(path);
    expect(names).toEqual(['a', 'd']);
    expect(samples.map(({ image }) => image.path)).toEqual([at('a.png'), at('a.png')]);
  });

  test('where masks do not matter, each image once', async () => {
    const path = await list('x.csv', 'image,mask\na.png,m/a.png\na.png,m/b.png\nb.png,m/b.png\n');
    expect((await read(path, 'train', 'ignored')).names).toEqual(['a', 'b']);
  });
});

describe('bad input', () => {
  test('missing files are all named at once; --skip-bad goes on', async () => {
    const path = await list('x.csv', 'image,mask\na.png,m/a.png\nb.png,m/c.png\nd.png,m/b.png\n');
    const folder = join(path, '..');
    await expect(read(path)).rejects.toMatchObject({
      code: 'SAM_BAD_DATA',
      message: `in ${path} 2 files are missing: ${join(folder, 'd.png')}, ${join(folder, 'm', 'c.png')}`,
    });
    const { names, warnings } = await read(path, 'train', 'required', true);
    expect([names, warnings]).toEqual([['a'], [expect.stringContaining('left out')]]);
  });

  test('a name that no file can have is missing as any other', async () => {
    const path = await list('x.csv', 'image,mask\na.png,m/a.png\nb\0.png,m/b.png\n');
    await expect(read(path)).rejects.toMatchObject({
      code: 'SAM_BAD_DATA',
      message: expect.stringContaining('1 file is missing'),
    });
  });

  test.each([
    ['x.csv', 'picture,mask\na.png,m/a.png\n', 'has no column image (there: picture, mask)'],
    ['x.csv', 'image,mask\n', 'has no rows'],
    ['x.csv', 'image,mask\n"a.png,m/a.png\n', 'line 2 has a quote out of place'],
    ['x.csv', 'image,mask\n,m/a.png\n', '1 line has no image: 2'],
    ['x.csv', 'image,mask,name\na.png,m/a.png,x\nb.png,m/b.png,x\n', '1 name stands twice: x'],
    ['x.csv', 'image,mask,name\na.png,m/a.png,\u00e9\nb.png,m/b.png,e\u0301\n', '1 name stands twice: \u00e9'],
    ['x.csv', 'image,mask,image\na.png,m/a.png,b.png\n', 'has the column image twice'],
    ['x.jsonl', '{"image": "a.png"\n', 'line 1 is no JSON object'],
    ['x.jsonl', '[1]\n', 'line 1 is no JSON object'],
    ['x.jsonl', '{"image": 3}\n', 'line 1: image is no text'],
  ])('%s %j', async (file, content, message) => {
    const path = await list(file, content);
    await expect(read(path)).rejects.toMatchObject({ code: 'SAM_BAD_DATA', message: expect.stringContaining(message) });
  });

  test('no such file, no such split', async () => {
    await expect(read('/nonexistent/x.csv')).rejects.toMatchObject({ code: 'SAM_NOT_FOUND' });
    await expect(read(await list('x.csv', CSV), 'test')).rejects.toThrow("no split 'test'");
  });
});

test('any fields come back from CSV', () => {
  const field = fc.string({ unit: fc.constantFrom('a', 'b', '"', ',', '\n', '\r', ' ', 'é') });
  const rows = fc.array(fc.array(field, { minLength: 1, maxLength: 4 }), { minLength: 1 });
  fc.assert(
    fc.property(rows, fc.constantFrom('\n', '\r\n'), (table, end) => {
      const text = table.map((row) => row.map((value) => `"${value.replaceAll('"', '""')}"`).join(',')).join(end);
      const filled = table.filter((row) => row.some((value) => value !== ''));
      expect(Array.from(parseCsv(text), ({ fields }) => fields)).toEqual(filled);
    }),
  );
});
