import { readFile, writeFile } from 'node:fs/promises';
import { type GeotiffWriterMetadata, writeArrayBuffer } from 'geotiff';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { decodeImage } from '../../lib/data/decode.js';
import { isTiff, Raster } from '../../lib/raster/raster.js';
import { grey, picture } from '../data/pictures.js';
import { bigEndianTiff, geoTiff, rasterFile, sampleOf } from './rasters.js';

test('long tables of a big-endian file (geotiff 3.0.5 takes them for little-endian)', async () => {
  const values = Uint8Array.from({ length: 5 * 3000 }, (_, at) => at % 251);
  const path = await rasterFile('big-endian.tif', bigEndianTiff([values], 5, 3000));
  expect(new Uint8Array(await sharp(path).toColourspace('b-w').raw().toBuffer())).toEqual(values);
  const raster = await Raster.open(path);
  const {
    bands: [band],
  } = await raster.read({ x: 0, y: 1000, width: 5, height: 400 }, [0]);
  expect(band).toEqual(values.subarray(5000, 7000));
  await raster.close();
});

test('a TIFF is told by its first bytes', async () => {
  const content = geoTiff([new Uint8Array(4)], 2, 2);
  expect(await isTiff(content)).toBe(true);
  expect(await isTiff(await rasterFile('no-extension', content))).toBe(true);
  expect(await isTiff(await grey(1))).toBe(false);
  expect(await isTiff('/nonexistent/a.tif')).toBe(false);
  expect(await isTiff(new Uint8Array(0))).toBe(false);
});

test('which TIFFs are stretched: all of more than 8 bits, and signed or real numbers, wherever they lie', async () => {
  const stretched = async (content: Uint8Array) => {
    const raster = await Raster.open('a.tif', content);
    await raster.close();
    return raster.asPhotograph === undefined;
  };
  const bytes = (bands: number) => Array.from({ length: bands }, () => new Uint8Array(4));
  const words = (bands: number) => Array.from({ length: bands }, () => new Uint16Array(4));
  expect(await stretched(geoTiff(bytes(3), 2, 2))).toBe(false);
  expect(await stretched(geoTiff(bytes(4), 2, 2))).toBe(false);
  expect(await stretched(geoTiff(bytes(3), 2, 2, { nodata: 0 }))).toBe(false);
  expect(await stretched(geoTiff(words(3), 2, 2))).toBe(true);
  expect(await stretched(await picture(new Uint16Array(12), 2, 2, 3).tiff({ compression: 'lzw' }).toBuffer())).toBe(
    true,
  );
  expect(await stretched(geoTiff([new Float32Array(4)], 2, 2))).toBe(true);
  expect(await stretched(await picture(new Uint8Array(16), 2, 2, 4).tiff().toBuffer())).toBe(false);
});

test('a JPEG within a TIFF (YCbCr) is read as RGB', async () => {
  const colours = new Uint8Array(64 * 64 * 3).map((_, at) => [200, 60, 30][at % 3]!);
  const jpeg = await picture(colours, 64, 64, 3).tiff({ compression: 'jpeg', quality: 80 }).toBuffer();
  const path = await rasterFile('jpeg.tif', jpeg);
  const raster = await Raster.open(path);
  expect([raster.bandCount, raster.madeRgb]).toEqual([3, false]);
  const { bands } = await raster.read({ x: 10, y: 10, width: 4, height: 4 }, [0, 1, 2]);
  for (const [band, value] of [200, 60, 30].entries()) expect(Math.abs(bands[band]![5]! - value)).toBeLessThan(8);
  await raster.close();
  expect((await decodeImage(sampleOf(path))).width).toBe(64);
  expect((await readFile(path)).length).toBe(jpeg.length);
});

test('a raster of one strip is decoded once, whatever the number of its windows', async () => {
  const samples = Uint8Array.from({ length: 12 }, (_, at) => at);
  const path = await rasterFile('strip.tif', geoTiff([samples], 3, 4));
  const raster = await Raster.open(path);
  await raster.read({ x: 0, y: 0, width: 3, height: 1 }, [0]);
  await writeFile(path, new Uint8Array(4096));
  expect((await raster.read({ x: 1, y: 2, width: 2, height: 2 }, [0])).bands).toEqual([Uint8Array.of(7, 8, 10, 11)]);
  await raster.close();
});

test('deflate, as sharp writes it', async () => {
  const samples = Uint16Array.from({ length: 3 * 40 * 30 }, (_, at) => (at * at) % 65_536);
  const content = await picture(samples, 40, 30, 3)
    .tiff({ compression: 'deflate', predictor: 'horizontal' })
    .toBuffer();
  const raster = await Raster.open('deflate.tif', content);
  const {
    bands: [green],
  } = await raster.read({ x: 0, y: 10, width: 40, height: 2 }, [1]);
  expect(green).toEqual(Uint16Array.from({ length: 80 }, (_, at) => samples[(400 + at) * 3 + 1]!));
  await raster.close();
});

test('a stack of ImageJ, of which one page has tags, and pages that form a circle', async () => {
  const described = (ImageDescription: string) =>
    new Uint8Array(
      writeArrayBuffer(new Uint8Array(12), { width: 4, height: 3, ImageDescription } as GeotiffWriterMetadata),
    );
  const stack = described('ImageJ=1.54f\nimages=12\nslices=12\n');
  await expect(Raster.open('stack.tif', stack)).rejects.toMatchObject({
    code: 'SAM_BAD_DATA',
    message: expect.stringContaining("image stack.tif can't be read: it is a stack of 12 pages"),
  });
  await (await Raster.open('one.tif', described('ImageJ=1.54f\nimages=1\n'))).close();
  // The directory of a file that says it is followed by itself.
  const circle = bigEndianTiff([new Uint8Array(12)], 4, 3);
  const directory = circle.readUInt32BE(4);
  circle.writeUInt32BE(directory, directory + 2 + 12 * circle.readUInt16BE(directory));
  await expect(Raster.open('circle.tif', circle)).rejects.toMatchObject({ detail: 'its pages form a circle' });
});

test('what is not packed is as long as its pixels, though the file says 0, or nothing', async () => {
  const values = Uint8Array.from({ length: 5 * 300 }, (_, at) => at % 251);
  const whole = bigEndianTiff([values], 5, 300);
  const directory = whole.readUInt32BE(4);
  const entry = directory + 2 + 12 * 8; // StripByteCounts
  expect(whole.readUInt16BE(entry)).toBe(279);
  const zeros = Buffer.from(whole);
  zeros.fill(0, zeros.readUInt32BE(entry + 8), zeros.readUInt32BE(entry + 8) + 4 * 300);
  const without = Buffer.from(whole);
  without.writeUInt16BE(60_000, entry); // a tag that nobody knows
  for (const [name, content] of [
    ['zeros.tif', zeros],
    ['without.tif', without],
  ] as const) {
    const raster = await Raster.open(name, content);
    expect((await raster.read({ x: 0, y: 0, width: 5, height: 300 }, [0])).bands).toEqual([values]);
    await raster.close();
  }
  await expect(Raster.open('cut.tif', zeros.subarray(0, 8 + 700))).rejects.toMatchObject({ code: 'SAM_BAD_DATA' });
});
