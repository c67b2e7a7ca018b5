import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { decodeImage } from '../../lib/data/decode.js';
import { isTiff, Raster } from '../../lib/raster/raster.js';
import { grey, picture } from '../data/pictures.js';
import { geoTiff, rasterFile, sampleOf } from './rasters.js';

/** A grey TIFF in big-endian byte order, a strip for each row: its tables are long. */
function bigEndianTiff(values: Uint8Array, width: number, height: number): Buffer {
  const offsets = 8 + values.length;
  const counts = offsets + 4 * height;
  // Tag, type (3 short, 4 long), count, value or where it lies.
  const tags = [
    [256, 4, 1, width],
    [257, 4, 1, height],
    [258, 3, 1, 8],
    [259, 3, 1, 1],
    [262, 3, 1, 1],
    [273, 4, height, offsets],
    [277, 3, 1, 1],
    [278, 4, 1, 1],
    [279, 4, height, counts],
  ] as const;
  const file = Buffer.alloc(counts + 4 * height + 2 + tags.length * 12 + 4);
  file.write('MM\0*', 'latin1');
  file.writeUInt32BE(counts + 4 * height, 4);
  file.set(values, 8);
  for (let row = 0; row < height; row++) {
    file.writeUInt32BE(8 + row * width, offsets + 4 * row);
    file.writeUInt32BE(width, counts + 4 * row);
  }
  const directory = counts + 4 * height;
  file.writeUInt16BE(tags.length, directory);
  tags.forEach(([tag, type, count, value], index) => {
    const at = directory + 2 + index * 12;
    file.writeUInt16BE(tag, at);
    file.writeUInt16BE(type, at + 2);
    file.writeUInt32BE(count, at + 4);
    if (type === 3) file.writeUInt16BE(value, at + 8);
    else file.writeUInt32BE(value, at + 8);
  });
  return file;
}

test('long tables of a big-endian file (geotiff 3.0.5 takes them for little-endian)', async () => {
  const values = Uint8Array.from({ length: 5 * 3000 }, (_, at) => at % 251);
  const path = await rasterFile('big-endian.tif', bigEndianTiff(values, 5, 3000));
  expect(new Uint8Array(await sharp(path).toColourspace('b-w').raw().toBuffer())).toEqual(values);
  const raster = await Raster.open(path);
  const [band] = await raster.read({ x: 0, y: 1000, width: 5, height: 400 }, [0]);
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

test('which TIFFs are measurements, and which are pictures as they were', async () => {
  const measured = async (content: Uint8Array) => {
    const raster = await Raster.open('a.tif', content);
    const answer = raster.isMeasured;
    await raster.close();
    return answer;
  };
  const bytes = (bands: number) => Array.from({ length: bands }, () => new Uint8Array(4));
  const words = (bands: number) => Array.from({ length: bands }, () => new Uint16Array(4));
  expect(await measured(geoTiff(bytes(3), 2, 2))).toBe(false);
  expect(await measured(geoTiff(bytes(4), 2, 2))).toBe(true);
  expect(await measured(geoTiff(bytes(3), 2, 2, { nodata: 0 }))).toBe(true);
  expect(await measured(geoTiff(words(3), 2, 2))).toBe(true);
  expect(await measured(await picture(new Uint16Array(12), 2, 2, 3).tiff().toBuffer())).toBe(false);
  expect(await measured(geoTiff([new Float32Array(4)], 2, 2))).toBe(true);
  expect(await measured(await picture(new Uint8Array(16), 2, 2, 4).tiff().toBuffer())).toBe(false);
});

test('a JPEG within a TIFF (YCbCr) is read as RGB', async () => {
  const colours = new Uint8Array(64 * 64 * 3).map((_, at) => [200, 60, 30][at % 3]!);
  const jpeg = await picture(colours, 64, 64, 3).tiff({ compression: 'jpeg', quality: 80 }).toBuffer();
  const path = await rasterFile('jpeg.tif', jpeg);
  const raster = await Raster.open(path);
  expect([raster.bandCount, raster.readAsRgb]).toEqual([3, true]);
  const bands = await raster.read({ x: 10, y: 10, width: 4, height: 4 }, [0, 1, 2]);
  for (const [band, value] of [200, 60, 30].entries()) expect(Math.abs(bands[band]![5]! - value)).toBeLessThan(8);
  await raster.close();
  expect((await decodeImage(sampleOf(path))).width).toBe(64);
  expect((await readFile(path)).length).toBe(jpeg.length);
});
