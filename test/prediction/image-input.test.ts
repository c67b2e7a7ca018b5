/** Every kind of picture that a program may give is the same picture, and what is none is told so. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IMAGE_INPUT, type ImageInput, isImageInput, readImage } from '../../lib/prediction/image-input.js';

const [width, height] = [5, 4];
const count = width * height;
const rgb = Uint8Array.from({ length: count * 3 }, (_, at) => (at * 37) % 256);
const rgba = new Uint8ClampedArray(count * 4).fill(255);
for (let at = 0; at < count; at++) rgba.set(rgb.subarray(at * 3, at * 3 + 3), at * 4);

let folder: string;
let png: Buffer;
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sam-native-input-'));
  path = join(folder, 'a picture.png');
  png = await sharp(rgb, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  await sharp(png).toFile(path);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const kinds: [string, () => ImageInput][] = [
  ['a path', () => path],
  ['a file: URL', () => pathToFileURL(path)],
  ['a file: URL as text', () => pathToFileURL(path).href],
  ['a Buffer', () => png],
  ['a Uint8Array', () => new Uint8Array(png)],
  ['an ArrayBuffer', () => new Uint8Array(png).buffer],
  ['a Blob', () => new Blob([new Uint8Array(png)])],
  ['a File', () => new File([new Uint8Array(png)], 'a.png')],
  ['RGB', () => ({ pixels: rgb, width, height })],
  ['RGB with its channels', () => ({ pixels: rgb, width, height, channels: 3 })],
  ['RGBA', () => ({ pixels: new Uint8Array(rgba), width, height })],
  ['ImageData', () => ({ data: rgba, width, height, colorSpace: 'srgb' })],
  ['a sharp instance', () => sharp(png)],
  ['a sharp instance with other plans', () => sharp(png).jpeg()],
];

test.each(kinds)('%s', async (_, make) => {
  const image = make();
  expect(isImageInput(image)).toBe(true);
  const read = await readImage(image);
  expect([read.width, read.height, read.valid]).toEqual([width, height, undefined]);
  expect(new Uint8Array(read.pixels)).toEqual(rgb);
});

test('grey becomes red, green and blue', async () => {
  const grey = Uint8Array.from({ length: count }, (_, at) => at * 10);
  const expected = Uint8Array.from({ length: count * 3 }, (_, at) => Math.floor(at / 3) * 10);
  expect((await readImage({ pixels: grey, width, height })).pixels).toEqual(expected);
  const withAlpha = Uint8Array.from({ length: count * 2 }, (_, at) => (at % 2 === 0 ? (at / 2) * 10 : 200));
  expect(await readImage({ pixels: withAlpha, width, height })).toMatchObject({ pixels: expected, valid: undefined });
  const greyPng = sharp(grey, { raw: { width, height, channels: 1 } }).toColourspace('b-w');
  expect(new Uint8Array((await readImage(greyPng)).pixels)).toEqual(expected);
});

test('where alpha is 0 there is no picture, as in a file', async () => {
  const hidden = rgba.slice();
  hidden[4 * 7 + 3] = 0;
  const file = await sharp(hidden, { raw: { width, height, channels: 4 } })
    .png()
    .toBuffer();
  const read = await readImage({ data: hidden, width, height });
  expect(read).toEqual(await readImage(file));
  expect([...read.valid!].flatMap((there, at) => (there === 0 ? [at] : []))).toEqual([7]);
  const nothing = new Uint8ClampedArray(count * 4);
  await expect(readImage({ data: nothing, width, height })).rejects.toMatchObject({ code: 'SAM_BAD_DATA' });
});

test('what the pixels lie in is theirs alone', async () => {
  const buffer = new Uint8Array(rgb.length + 8);
  buffer.set(rgb, 5);
  expect((await readImage({ pixels: buffer.subarray(5, 5 + rgb.length), width, height })).pixels).toEqual(rgb);
});

describe('refused', () => {
  test.each([
    'https://example.org/a.jpg',
    'HTTP://example.org/a.jpg',
    's3://bucket/a.jpg',
    `data:image/png;base64,${'A'.repeat(5000)}`,
  ])('%.30s', async (text) => {
    for (const url of [text, new URL(text)]) {
      await expect(readImage(url)).rejects.toMatchObject({
        code: 'SAM_BAD_OPTION',
        message: expect.stringMatching(/^image .{5,110}: pictures are not fetched from URLs$/),
        fix: 'fetch it and give the bytes: embed(await (await fetch(url)).arrayBuffer())',
      });
    }
  });

  test('a file: URL of another machine', async () => {
    await expect(readImage(new URL('file://elsewhere/a.jpg'))).rejects.toMatchObject({ code: 'SAM_BAD_OPTION' });
  });

  test('a number of values that the size does not have', async () => {
    const message = 'the image holds 61 values, which are not 5 x 4 pixels of 1 to 4 channels';
    await expect(readImage({ pixels: new Uint8Array(61), width, height })).rejects.toThrow(message);
    await expect(readImage({ pixels: rgb, width, height, channels: 4 })).rejects.toThrow('pixels of 4 channels');
    const valid = new Uint8Array(3);
    await expect(readImage({ pixels: rgb, width, height, valid })).rejects.toThrow("the image's valid holds 3 values");
  });

  test('a sharp instance without a picture', async () => {
    await expect(readImage(sharp(Buffer.from('no picture')))).rejects.toMatchObject({
      code: 'SAM_BAD_DATA',
      message: expect.stringMatching(/^the sharp instance gives no picture: /),
    });
    await expect(readImage(join(folder, 'gone.png'))).rejects.toMatchObject({ code: 'SAM_NOT_FOUND' });
  });

  test.each<[string, () => ImageInput]>([
    ['an empty file', () => Buffer.alloc(0)],
    ['bytes of something else', () => Buffer.from('hello world')],
    ['a file cut short', () => png.subarray(0, 60)],
    ['a single pixel', () => ({ pixels: new Uint8Array(3), width: 1, height: 1 })],
    ['no pixel that shows', () => ({ pixels: new Uint8Array(count * 4), width, height })],
  ])('%s, with advice that holds for one picture', async (_, make) => {
    const fix = expect.stringMatching(/^(replace the file|take its alpha channel away if it means nothing)$/);
    await expect(readImage(make())).rejects.toMatchObject({ code: 'SAM_BAD_DATA', fix });
  });

  test('a folder', async () => {
    await expect(readImage(folder)).rejects.toMatchObject({
      message: `image ${folder} cannot be read: it is a folder`,
    });
  });

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a number', 7],
    ['a list', [1, 2, 3]],
    ['an empty path', ''],
    ['a function', () => path],
    ['pixels without a size', { pixels: rgb }],
    ['pixels of half a size', { pixels: rgb, width: 2.5, height }],
    ['plain numbers', { pixels: [...rgb], width, height }],
    ['floats', { data: new Float32Array(60), width, height }],
    ['a DataView', new DataView(new ArrayBuffer(8))],
  ])('%s is none of the kinds', (_, value) => expect(isImageInput(value)).toBe(false));

  test('the words for it name every kind', () => {
    for (const kind of ['path', 'URL', 'Buffer', 'ArrayBuffer', 'Blob', 'ImageData', 'sharp', 'pixels']) {
      expect(IMAGE_INPUT).toContain(kind);
    }
  });
});
