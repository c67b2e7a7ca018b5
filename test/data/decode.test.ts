import { createHash } from 'node:crypto';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { contentHash, decodeImage, decodeMask, decodeValues, imageSize } from '../../lib/data/decode.js';
import { percentilesOf, toByte } from '../../lib/raster/stretch.js';
import { grey, picture, temporaryFolder, write } from './pictures.js';

/** Red, green, blue, white over dark greys: 4 x 2. */
const RGB = Uint8Array.from([255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 1, 2, 3, 40, 50, 60, 7, 7, 7, 0, 0, 0]);

async function image(name: string, content: Uint8Array | Promise<Buffer>) {
  const path = await write(join(await temporaryFolder(), name), await content);
  return { name: 'picture', image: { path } };
}

async function labelled(name: string, content: Uint8Array | Promise<Buffer>, size = { width: 4, height: 2 }) {
  const folder = await temporaryFolder();
  const sample = {
    name: 'picture',
    image: { path: await write(join(folder, 'image.png'), await grey(9, size.width, size.height)) },
    mask: { path: await write(join(folder, name), await content) },
  };
  return { sample, decode: () => decodeMask(sample, size) };
}

test.each([
  ['png', () => picture(RGB, 4, 2, 3).png().toBuffer()],
  ['webp', () => picture(RGB, 4, 2, 3).webp({ lossless: true }).toBuffer()],
  ['tif', () => picture(RGB, 4, 2, 3).tiff({ compression: 'lzw' }).toBuffer()],
])('a lossless %s comes back pixel for pixel', async (extension, make) => {
  const decoded = await decodeImage(await image(`a.${extension}`, make()));
  expect(decoded).toEqual({ pixels: RGB, width: 4, height: 2 });
});

test('a JPEG comes back nearly', async () => {
  const flat = new Uint8Array(32 * 16 * 3).map((_, index) => [200, 100, 50][index % 3]!);
  const decoded = await decodeImage(await image('a.jpg', picture(flat, 32, 16, 3).jpeg({ quality: 95 }).toBuffer()));
  expect([decoded.width, decoded.height]).toEqual([32, 16]);
  decoded.pixels.forEach((value, index) => {
    expect(Math.abs(value - flat[index]!)).toBeLessThanOrEqual(4);
  });
});

test.each(['png', 'tiff'] as const)('16 bits of a %s are stretched, each band by itself', async (format) => {
  const stretched = (values: Uint16Array) => {
    const stretch = percentilesOf(Float64Array.from(values));
    return Uint8Array.from(values, (value) => toByte(value, stretch));
  };
  const lossless = { png: {}, tiff: { compression: 'lzw' } } as const;
  const bandOf = <Values extends Uint8Array | Uint16Array>(values: Values, band: number) =>
    values.filter((_, index) => index % 3 === band);
  const colours = Uint16Array.from({ length: 24 }, (_, index) => (index * 2849 + 130) % 65536);
  const { pixels } = await decodeImage(
    await image(`a.${format}`, picture(colours, 4, 2, 3)[format](lossless[format]).toBuffer()),
  );
  for (const band of [0, 1, 2]) expect(bandOf(pixels, band)).toEqual(stretched(bandOf(colours, band) as Uint16Array));
  // A camera of 12 bits in 16.
  const greys = Uint16Array.from([290, 300, 310, 320, 400, 410, 420, 430]);
  const wide = await picture(greys, 4, 2, 1)[format](lossless[format]).toBuffer();
  const grey = await decodeImage(await image(`b.${format}`, wide));
  expect(bandOf(grey.pixels, 0)).toEqual(stretched(greys));
  expect(bandOf(grey.pixels, 2)).toEqual(stretched(greys));
});

test('transparent pixels of 16 bits do not enter the stretch', async () => {
  const opaque = [300, 320, 340, 360].flatMap((value) => [value, value, value, 65_535]);
  const all = Uint16Array.from([...opaque, ...[0, 0, 0, 0], ...[65_535, 65_535, 65_535, 0]]);
  const { pixels, valid } = await decodeImage(await image('t.png', picture(all, 3, 2, 4).png().toBuffer()));
  const stretch = percentilesOf(Float64Array.of(300, 320, 340, 360));
  expect([...pixels.filter((_, at) => at % 3 === 1)]).toEqual(
    [300, 320, 340, 360, 0, 65_535].map((v) => toByte(v, stretch)),
  );
  expect([...valid!]).toEqual([1, 1, 1, 1, 0, 0]);
});

test('grey and palette become RGB; alpha is dropped and transparent pixels keep their colour', async () => {
  const single = await decodeImage(await image('grey.png', grey(77, 4, 2)));
  expect(single.pixels).toEqual(new Uint8Array(24).fill(77));
  const indexed = picture(RGB, 4, 2, 3).png({ palette: true, quality: 100, dither: 0 }).toBuffer();
  expect((await sharp(await indexed).metadata()).isPalette).toBe(true);
  expect((await decodeImage(await image('palette.png', indexed))).pixels).toEqual(RGB);
  const rgba = new Uint8Array(32).map((_, index) =>
    index % 4 === 3 ? (index > 16 ? 0 : 128) : RGB[Math.floor(index / 4) * 3 + (index % 4)]!,
  );
  expect((await decodeImage(await image('alpha.png', picture(rgba, 4, 2, 4).png().toBuffer()))).pixels).toEqual(RGB);
  const greyAlpha = Uint8Array.from([10, 0, 20, 255, 30, 0, 40, 99]);
  const both = await decodeImage(await image('la.png', picture(greyAlpha, 2, 2, 2).png().toBuffer()));
  expect(both.pixels).toEqual(Uint8Array.from([10, 20, 30, 40].flatMap((value) => [value, value, value])));
});

test('CMYK becomes RGB', async () => {
  const inks = picture(new Uint8Array(16 * 16 * 3).fill(0), 16, 16, 3)
    .toColourspace('cmyk')
    .jpeg()
    .toBuffer();
  expect((await sharp(await inks).metadata()).space).toBe('cmyk');
  const { pixels } = await decodeImage(await image('cmyk.jpg', inks));
  expect(pixels).toHaveLength(16 * 16 * 3);
  expect(Math.max(...pixels)).toBeLessThan(70);
});

test('EXIF orientation is applied to pixels and size', async () => {
  // 6: the stored picture is to be turned clockwise, so its first column, from below, becomes the first row.
  const sample = await image('turned.png', picture(RGB, 4, 2, 3).withMetadata({ orientation: 6 }).png().toBuffer());
  const decoded = await decodeImage(sample);
  expect([decoded.width, decoded.height]).toEqual([2, 4]);
  expect(await imageSize(sample)).toEqual({ width: 2, height: 4 });
  expect([...decoded.pixels.subarray(0, 6)]).toEqual([1, 2, 3, 255, 0, 0]);
});

test.each(['jpeg', 'png', 'webp', 'tiff'] as const)('a truncated %s is refused, not half grey', async (format) => {
  const noise = new Uint8Array(200 * 150 * 3).map((_, index) => (Math.imul(index, 2654435761) >>> 16) & 255);
  const whole = await picture(noise, 200, 150, 3)[format]({}).toBuffer();
  for (const share of [0.2, 0.6, 0.99]) {
    const sample = await image(`cut.${format}`, whole.subarray(0, Math.floor(whole.length * share)));
    await expect(decodeImage(sample), `${share}`).rejects.toMatchObject({
      code: 'SAM_BAD_DATA',
      message: expect.stringContaining(`image ${sample.image.path} is truncated or broken`),
      fix: expect.stringContaining('`skipBad`'),
    });
  }
});

test('what is no image, empty, missing, or of another format says so', async () => {
  const text = await image('text.png', new TextEncoder().encode('not an image at all'));
  await expect(decodeImage(text)).rejects.toThrow('or not a JPEG, PNG, WebP, GIF or TIFF');
  await expect(imageSize(text)).rejects.toMatchObject({ code: 'SAM_BAD_DATA' });
  await expect(decodeImage(await image('empty.png', new Uint8Array(0)))).rejects.toThrow('is an empty file');
  const none = { name: 'none', image: { path: join(await temporaryFolder(), 'none.png') } };
  for (const read of [decodeImage, imageSize, contentHash]) {
    await expect(read(none)).rejects.toMatchObject({
      code: 'SAM_NOT_FOUND',
      message: expect.stringContaining('none.png'),
    });
  }
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="2"></svg>';
  await expect(decodeImage(await image('a.png', Buffer.from(svg)))).rejects.toThrow('is of the format svg');
  const bmp = await image('a.BMP', Buffer.from('BM and so on'));
  for (const read of [decodeImage, imageSize]) {
    await expect(read(bmp)).rejects.toMatchObject({
      message: `image ${bmp.image.path} is of the kind BMP, which is not read`,
      fix: 'save it as JPEG, PNG, WebP, GIF or TIFF',
    });
  }
});

test('a header that announces more pixels than are read is refused before decoding', async () => {
  const huge = Buffer.from(await grey(1));
  huge.writeUInt32BE(30_000, 16);
  huge.writeUInt32BE(30_000, 20);
  // libpng checks the header's sum: length, type, 13 bytes, CRC.
  const { crc32 } = await import('node:zlib').then((zlib) => ({ crc32: 'crc32' in zlib ? zlib.crc32 : undefined }));
  huge.writeUInt32BE(crc32 === undefined ? plainCrc(huge.subarray(12, 29)) : crc32(huge.subarray(12, 29)), 29);
  const sample = await image('huge.png', huge);
  await expect(decodeImage(sample)).rejects.toThrow('has 30000 x 30000 pixels, more than');
  await expect(imageSize(sample)).rejects.toMatchObject({ code: 'SAM_BAD_DATA' });
});

test('a picture of one pixel is refused: nothing can be outlined in it', async () => {
  const sample = await image(
    'dot.png',
    await sharp(Buffer.of(9), { raw: { width: 1, height: 1, channels: 1 } })
      .png()
      .toBuffer(),
  );
  for (const read of [decodeImage, imageSize]) {
    await expect(read(sample)).rejects.toMatchObject({
      code: 'SAM_BAD_DATA',
      message: expect.stringContaining('dot.png is 1 x 1 pixels'),
    });
  }
});

function plainCrc(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return (sum ^ 0xffffffff) >>> 0;
}

const SHAPE = Uint8Array.from([0, 1, 0, 1, 1, 0, 1, 0]);
const times = (factor: number) => SHAPE.map((value) => value * factor);

test.each<[string, () => Promise<Buffer>]>([
  ['0/1', () => picture(SHAPE, 4, 2, 1).png().toBuffer()],
  ['0/255', () => picture(times(255), 4, 2, 1).png().toBuffer()],
  [
    'one bit',
    () =>
      sharp(times(255), { raw: { width: 4, height: 2, channels: 1 } })
        .png({ palette: true, colours: 2 })
        .toBuffer(),
  ],
  ['16 bits of 0/1', () => picture(Uint16Array.from(SHAPE), 4, 2, 1).png().toBuffer()],
  [
    '16 bits of 0/65535',
    () =>
      picture(
        Uint16Array.from(SHAPE, (v) => v * 65535),
        4,
        2,
        1,
      )
        .tiff({ compression: 'lzw' })
        .toBuffer(),
  ],
  ['one-bit TIFF', () => picture(times(255), 4, 2, 1).tiff({ bitdepth: 1, compression: 'ccittfax4' }).toBuffer()],
  [
    'a faint blue',
    () =>
      picture(
        Uint8Array.from(SHAPE, (v) => v).reduce((all, v, i) => all.fill(v, i * 3 + 2, i * 3 + 3), new Uint8Array(24)),
        4,
        2,
        3,
      )
        .png()
        .toBuffer(),
  ],
  [
    '16 bits of faint red',
    () =>
      picture(
        Uint16Array.from({ length: 24 }, (_, i) => (i % 3 === 0 ? SHAPE[i / 3]! : 0)),
        4,
        2,
        3,
      )
        .png()
        .toBuffer(),
  ],
  [
    'grey with alpha',
    () =>
      picture(
        Uint8Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? SHAPE[i / 2]! * 200 : 255)),
        4,
        2,
        2,
      )
        .png()
        .toBuffer(),
  ],
  [
    'white painted on transparent white',
    () =>
      picture(
        Uint8Array.from({ length: 32 }, (_, i) => (i % 4 === 3 ? SHAPE[(i - 3) / 4]! * 255 : 255)),
        4,
        2,
        4,
      )
        .png()
        .toBuffer(),
  ],
])('a mask of %s is read', async (_, make) => {
  const { decode } = await labelled('mask.png', make());
  expect(await decode()).toEqual({ values: SHAPE, width: 4, height: 2 });
});

test('of a palette the colour counts, not the index', async () => {
  // White first in the palette: index 0 is inside.
  const made = sharp(Buffer.from([...times(255)].flatMap((v) => [255 - v, 255 - v, 255 - v])), {
    raw: { width: 4, height: 2, channels: 3 },
  });
  const { decode } = await labelled('mask.png', made.png({ palette: true }).toBuffer());
  expect((await decode()).values).toEqual(SHAPE.map((value) => 1 - value));
});

test('masks of real numbers: any but 0, and not NaN', async () => {
  const values = Float32Array.from([0, 0.25, Number.NaN, -3, 1e-9, 0, 4, 0]);
  const { decode } = await labelled('mask.tif', floatTiff(values, 4, 2));
  expect((await decode()).values).toEqual(SHAPE);
});

test('an image of real numbers is stretched: docs/data.md, Rasters', async () => {
  const sample = await image('a.tif', floatTiff(Float32Array.from([0, 1, 2, 3, 4, 5, 6, 7]), 4, 2));
  const { pixels } = await decodeImage(sample);
  expect([pixels[0], pixels[12], pixels[21]]).toEqual([0, 146, 255]);
});

/** The least that is a TIFF: one strip, one channel, 32-bit floats, little endian. */
function floatTiff(values: Float32Array, width: number, height: number): Buffer {
  // Tag, type (3 short, 4 long), value.
  const tags = [
    [256, 4, width],
    [257, 4, height],
    [258, 3, 32],
    [259, 3, 1],
    [262, 3, 1],
    [273, 4, 8],
    [277, 3, 1],
    [278, 4, height],
    [279, 4, values.byteLength],
    [339, 3, 3],
  ] as const;
  const header = Buffer.from([0x49, 0x49, 42, 0, 0, 0, 0, 0]);
  header.writeUInt32LE(8 + values.byteLength, 4);
  const directory = Buffer.alloc(2 + tags.length * 12 + 4);
  directory.writeUInt16LE(tags.length, 0);
  tags.forEach(([tag, type, value], index) => {
    directory.writeUInt16LE(tag, 2 + index * 12);
    directory.writeUInt16LE(type, 4 + index * 12);
    directory.writeUInt32LE(1, 6 + index * 12);
    directory.writeUInt32LE(value, 10 + index * 12);
  });
  return Buffer.concat([header, Buffer.from(values.buffer), directory]);
}

test('a mask of another size names both; one that fits only the unturned image says why', async () => {
  const { sample, decode } = await labelled('mask.png', grey(1, 5, 2));
  await expect(decode()).rejects.toMatchObject({
    code: 'SAM_BAD_DATA',
    message: `mask ${sample.mask.path} is 5 x 2 pixels, its image ${sample.image.path} 4 x 2`,
  });
  const folder = await temporaryFolder();
  const turned = {
    name: 'turned',
    image: {
      path: await write(
        join(folder, 'a.jpg'),
        await picture(RGB, 4, 2, 3).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
      ),
    },
    mask: { path: await write(join(folder, 'a.png'), await grey(255, 4, 2)) },
  };
  await expect(decodeMask(turned, await imageSize(turned))).rejects.toThrow('once turned as its EXIF orientation says');
});

test('a truncated mask and a sample without one are refused', async () => {
  const whole = await picture(
    new Uint8Array(9000).map((_, index) => (index * 7919) & 255),
    100,
    90,
    1,
  )
    .png()
    .toBuffer();
  const cut = whole.subarray(0, Math.floor(whole.length * 0.7));
  const { decode } = await labelled('mask.png', cut, { width: 100, height: 90 });
  await expect(decode()).rejects.toThrow('is truncated or broken');
  const bare = { name: 'bare', image: { path: 'bare.png' } };
  await expect(decodeMask(bare, { width: 1, height: 1 })).rejects.toMatchObject({ code: 'SAM_BAD_DATA' });
});

test('the hash is that of the file, not of the name', async () => {
  const bytes = await grey(5);
  const sample = await image('a.png', bytes);
  expect(await contentHash(sample)).toBe(createHash('sha256').update(bytes).digest('hex'));
});

test('a grey label with alpha is outside where it is transparent, as colours are', async () => {
  const values = Uint8Array.from([255, 0, 255, 255, 0, 255, 255, 9]);
  const sample = {
    ...(await image('photo.png', grey(1, 4, 1))),
    mask: { path: 'la.png', bytes: await picture(values, 4, 1, 2).png().toBuffer() },
  };
  expect([...(await decodeMask(sample, { width: 4, height: 1 })).values]).toEqual([0, 1, 0, 1]);
  expect([...(await decodeValues(sample.mask)).codes]).toEqual([0, 255, 0, 255]);
});
