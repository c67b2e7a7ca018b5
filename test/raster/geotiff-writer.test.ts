import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { fromArrayBuffer, fromFile } from 'geotiff';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { type GeoTiffOptions, GeoTiffWriter } from '../../lib/raster/geotiff-writer.js';
import { Raster } from '../../lib/raster/raster.js';
import { temporaryFolder } from '../data/pictures.js';
import { geoTiff, rasterFile } from './rasters.js';

const noise = (length: number) => Uint8Array.from({ length }, (_, at) => (Math.imul(at, 2654435761) >>> 16) & 255);

/** @param rows Rows handed over at a time. */
async function written(values: Uint8Array, options: GeoTiffOptions, rows = 100): Promise<string> {
  const path = join(await temporaryFolder(), 'mask.tif');
  const writer = await GeoTiffWriter.create(path, options);
  for (let y = 0; y < options.height; y += rows) {
    await writer.write(values.subarray(y * options.width, (y + rows) * options.width));
  }
  await writer.finish();
  return path;
}

describe.each([false, true])('BigTIFF: %s', (bigTiff) => {
  test.each([
    [1, 1],
    [300, 20],
    [512, 512],
    [513, 511],
    [1300, 1027],
  ])('%s x %s pixels are read again by geotiff and by sharp', async (width, height) => {
    const values = noise(width * height);
    const path = await written(values, { width, height, bigTiff });
    expect((await readFile(path)).readUInt16LE(2)).toBe(bigTiff ? 43 : 42);
    const tiff = await fromFile(path);
    const image = await tiff.getImage();
    expect([image.getWidth(), image.getHeight(), image.isTiled]).toEqual([width, height, true]);
    expect(image.getTileWidth()).toBe(width < 512 ? Math.ceil(width / 16) * 16 : 512);
    const [band] = await image.readRasters({ interleave: false });
    expect(Buffer.from(band as Uint8Array).equals(values)).toBe(true);
    await tiff.close();
    const { data, info } = await sharp(path).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width, height, channels: 1 });
    expect(data.equals(values)).toBe(true);
  });

  test('keeps the georeference and the value for no data', async () => {
    const source = await Raster.open(await rasterFile('a.tif', geoTiff([noise(6)], 3, 2)));
    const options = { width: 3, height: 2, tags: source.georeference!.tags, nodata: 255, bigTiff };
    const copy = await Raster.open(await written(noise(6), options));
    expect(copy.georeference).toEqual(source.georeference);
    expect(copy.nodata).toBe(255);
    await Promise.all([source.close(), copy.close()]);
  });
});

test('is small where the mask is plain', async () => {
  const path = await written(new Uint8Array(2000 * 2000).fill(255), { width: 2000, height: 2000 });
  expect((await readFile(path)).length).toBeLessThan(20_000);
});

test('too few rows are no file', async () => {
  const writer = await GeoTiffWriter.create(join(await temporaryFolder(), 'few.tif'), { width: 4, height: 3 });
  await writer.write(new Uint8Array(8));
  await expect(writer.finish()).rejects.toThrow('2 rows of 3');
  await writer.close();
});

test('property: rows handed over in any portions are the same file', async () => {
  const [width, height] = [530, 520];
  const values = noise(width * height);
  const whole = await readFile(await written(values, { width, height }, height));
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: height }), async (rows) => {
      expect((await readFile(await written(values, { width, height }, rows))).equals(whole)).toBe(true);
    }),
    { numRuns: 8 },
  );
  const image = await (await fromArrayBuffer(new Uint8Array(whole).buffer)).getImage();
  expect(image.getSamplesPerPixel()).toBe(1);
});
