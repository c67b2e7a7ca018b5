import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contentHash, decodeImage, imageIdentity, imageSize } from '../../lib/data/decode.js';
import { RgbSource } from '../../lib/raster/pixels.js';
import { Raster } from '../../lib/raster/raster.js';
import { findStretch, percentilesOf, STRETCH_VERSION, toByte } from '../../lib/raster/stretch.js';
import { grey, picture } from '../data/pictures.js';
import { geoTiff, rasterFile, sampleOf } from './rasters.js';

const ramp = (length: number, of: (index: number) => number) => Float32Array.from({ length }, (_, index) => of(index));

test('bands by number and by name, 8 bits as they are', async () => {
  const bands = [10, 20, 30, 40, 50].map((value) => new Uint8Array(12).fill(value));
  const names = ['Blue', 'green', 'red', 'nir', ''];
  const path = await rasterFile('five.tif', geoTiff(bands, 4, 3, { names }));
  const firstPixel = async (choice?: string) => [...(await decodeImage(sampleOf(path, choice))).pixels.subarray(0, 3)];
  expect(await imageSize(sampleOf(path))).toEqual({ width: 4, height: 3 });
  expect(await firstPixel()).toEqual([10, 20, 30]);
  expect(await firstPixel('5,2,1')).toEqual([50, 20, 10]);
  expect(await firstPixel('red, Green,blue')).toEqual([30, 20, 10]);
  expect(await firstPixel('nir')).toEqual([40, 40, 40]);
  for (const [choice, says] of [
    ['1,2,6', "has no band '6': it has 5 (Blue, green, red, nir)"],
    ['0,1,2', "has no band '0'"],
    ['swir,1,2', "has no band 'swir'"],
  ] as const) {
    await expect(firstPixel(choice)).rejects.toMatchObject({
      code: 'SAM_BAD_DATA',
      message: expect.stringContaining(says),
    });
  }
  await expect(firstPixel('1,2')).rejects.toMatchObject({ code: 'SAM_BAD_OPTION' });
});

test('16 bits: the 2nd percentile becomes 0, the 98th 255, each band by itself', async () => {
  const dark = Uint16Array.from({ length: 101 }, (_, index) => 200 + index);
  const bright = dark.map((value) => value * 100);
  const { pixels } = await decodeImage(sampleOf(await rasterFile('a.tif', geoTiff([dark, bright, dark], 101, 1))));
  const band = (colour: number) => pixels.filter((_, at) => at % 3 === colour);
  expect([...band(0).slice(0, 4)]).toEqual([0, 0, 0, Math.round(255 / 96)]);
  expect([...band(0).slice(97)]).toEqual([Math.round((255 * 95) / 96), 255, 255, 255]);
  expect(band(1)).toEqual(band(0));
});

test('real numbers; nodata and NaN count for nothing and become 0', async () => {
  const nodata = -3.4028234663852886e38;
  const values = ramp(103, (index) => index / 100 - 0.5);
  values[101] = nodata;
  values[102] = Number.NaN;
  const path = await rasterFile('real.tif', geoTiff([values], 103, 1, { nodata }));
  const { pixels } = await decodeImage(sampleOf(path));
  expect([pixels[0], pixels[3 * 50], pixels[3 * 100], pixels[3 * 101], pixels[3 * 102]]).toEqual([0, 128, 255, 0, 0]);
  const raster = await Raster.open(path);
  const { valid } = await (await RgbSource.of(raster, undefined)).read({ x: 99, y: 0, width: 4, height: 1 });
  expect([...valid!]).toEqual([1, 1, 0, 0]);
  await raster.close();
});

test('a raster without data is refused and says what its pixels are', async () => {
  const empty = geoTiff([new Float32Array(64).fill(-9999)], 8, 8, { nodata: -9999 });
  await expect(decodeImage(sampleOf(await rasterFile('none.tif', empty)))).rejects.toMatchObject({
    code: 'SAM_BAD_DATA',
    message: expect.stringContaining('every pixel of band 1 is its nodata value -9999'),
  });
});

test('of a large raster a sample is taken, and data between the samples is found', async () => {
  const side = 1200;
  const values = new Float32Array(side * side).fill(Number.NaN);
  values[0] = 3;
  values[1] = 5;
  const { pixels } = await decodeImage(sampleOf(await rasterFile('large.tif', geoTiff([values], side, side))));
  expect([pixels[0], pixels[3], pixels[6]]).toEqual([0, 255, 0]);
});

test('in strips or in tiles, the sample is the same', async () => {
  const side = 1300;
  const values = Uint8Array.from({ length: side * side }, (_, at) => (Math.imul(at, 2654435761) >>> 16) & 255);
  const wide = picture(
    Uint16Array.from(values, (value) => value * 20),
    side,
    side,
    1,
  );
  const strips = await rasterFile('strips.tif', await wide.clone().tiff().toBuffer());
  const tiles = await rasterFile('tiles.tif', await wide.clone().tiff({ tile: true }).toBuffer());
  const found = [];
  for (const path of [strips, tiles]) {
    const raster = await Raster.open(path);
    found.push({ isTiled: raster.isTiled, stretch: await findStretch(raster, [0]) });
    await raster.close();
  }
  expect(found.map(({ isTiled }) => isTiled)).toEqual([false, true]);
  expect(found[0]!.stretch).toEqual(found[1]!.stretch);
});

test('windows are what the whole is', async () => {
  const bands = [1, 2, 3, 4].map((factor) =>
    Uint16Array.from({ length: 40 * 30 }, (_, at) => (at * 37 * factor) % 5000),
  );
  const path = await rasterFile('w.tif', geoTiff(bands, 40, 30));
  const whole = await decodeImage(sampleOf(path, '4,1,2'));
  const raster = await Raster.open(path);
  const part = await (await RgbSource.of(raster, '4,1,2')).read({ x: 7, y: 11, width: 20, height: 5 });
  for (let y = 0; y < 5; y++) {
    const at = ((y + 11) * 40 + 7) * 3;
    expect(part.pixels.subarray(y * 60, y * 60 + 60)).toEqual(whole.pixels.subarray(at, at + 60));
  }
  await raster.close();
});

test('a raster that is cut short is refused', async () => {
  const whole = geoTiff(
    [1, 2, 3, 4].map((value) => new Uint16Array(5000).fill(value)),
    100,
    50,
  );
  const path = await rasterFile('cut.tif', whole.subarray(0, whole.length - 9000));
  await expect(decodeImage(sampleOf(path))).rejects.toMatchObject({
    code: 'SAM_BAD_DATA',
    message: expect.stringContaining('cut.tif is truncated or broken'),
  });
});

test('the bytes of a raster read as the file does, and other bands are another reading', async () => {
  const path = await rasterFile(
    'a.tif',
    geoTiff(
      [5, 6, 7, 8].map((value) => new Uint8Array(6).fill(value)),
      3,
      2,
    ),
  );
  const held = { name: 'held', image: { path: 'row 1', bytes: await readFile(path) } };
  expect(await decodeImage(held)).toEqual(await decodeImage(sampleOf(path)));
  expect(await imageIdentity(sampleOf(path))).toEqual(await imageIdentity(sampleOf(path, '1,2,3')));
  expect(await imageIdentity(sampleOf(path))).not.toEqual(await imageIdentity(sampleOf(path, '4,2,3')));
  const png = await rasterFile('a.png', await grey(3));
  expect(await imageIdentity(sampleOf(png))).toEqual({ identity: await contentHash(sampleOf(png)), stretched: false });
  const wide = await rasterFile('w.png', await picture(new Uint16Array(6), 3, 2, 1).png().toBuffer());
  expect(await imageIdentity(sampleOf(wide))).toEqual({
    identity: `${await contentHash(sampleOf(wide))} ${STRETCH_VERSION}`,
    stretched: true,
  });
});

test('property: the stretch is monotonic, within bytes, and meets its percentiles', () => {
  const numbers = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(numbers, (values) => {
      const stretch = percentilesOf(Float64Array.from(values));
      const sorted = values.toSorted((a, b) => a - b);
      const bytes = sorted.map((value) => toByte(value, stretch));
      expect(bytes).toEqual(bytes.toSorted((a, b) => a - b));
      expect(stretch.low).toBeGreaterThanOrEqual(sorted[0]!);
      expect(stretch.high).toBeLessThanOrEqual(sorted.at(-1)!);
      expect(bytes.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255)).toBe(true);
    }),
  );
});
