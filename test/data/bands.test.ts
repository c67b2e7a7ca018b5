import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type GeotiffWriterMetadata, writeArrayBuffer } from 'geotiff';
import { expect, test } from 'vitest';
import { openBands, readBands } from '../../lib/data/bands.js';
import { decodeImage } from '../../lib/data/decode.js';
import { RgbSource } from '../../lib/raster/pixels.js';
import { Raster } from '../../lib/raster/raster.js';
import { bigEndianTiff, rasterFile, sampleOf } from '../raster/rasters.js';
import { picture, temporaryFolder, write } from './pictures.js';

/** A TIFF of 2 x 2 pixels; `values` interleaved. */
async function tiff(values: Uint16Array | Float32Array, count: number, more: GeotiffWriterMetadata = {}) {
  const bits = values.BYTES_PER_ELEMENT * 8;
  const bytes = writeArrayBuffer(values, {
    width: 2,
    height: 2,
    SamplesPerPixel: count,
    BitsPerSample: Array(count).fill(bits),
    SampleFormat: Array(count).fill(values instanceof Float32Array ? 3 : 1),
    PhotometricInterpretation: 1,
    ...(count > 1 && { ExtraSamples: Array(count - 1).fill(0) }),
    ...more,
  } as GeotiffWriterMetadata);
  return write(join(await temporaryFolder(), 'raster.tif'), new Uint8Array(bytes));
}

test('bands of a raster, by number and in the order asked for', async () => {
  const path = await tiff(
    Uint16Array.from({ length: 20 }, (_, index) => index * 1000),
    5,
  );
  const { width, height, bands, valid } = await readBands({ path }, [5, 1]);
  expect([width, height]).toEqual([2, 2]);
  expect(bands.map((band) => [...band])).toEqual([
    [4000, 9000, 14000, 19000],
    [0, 5000, 10000, 15000],
  ]);
  expect([...valid]).toEqual([1, 1, 1, 1]);
  const { count, names } = await openBands({ path });
  expect([count, names]).toEqual([5, Array(5).fill(null)]);
});

test('bands named as GDAL does', async () => {
  const items = ['Red', 'green', 'nir'].map(
    (name, sample) => `<Item name="DESCRIPTION" sample="${sample}" role="description">${name}</Item>`,
  );
  const metadata = `<GDALMetadata>${items.join('')}</GDALMetadata>`;
  const path = await tiff(new Uint16Array(16), 4, { ImageDescription: metadata } as GeotiffWriterMetadata);
  // The geotiff package writes no tag 42112 (GDAL_METADATA): the one it wrote is renamed.
  const bytes = await readFile(path);
  const at = bytes.indexOf(Buffer.from('010e0002', 'hex'));
  bytes.writeUInt16BE(42112, at);
  expect((await openBands({ path: 'renamed.tif', bytes })).names).toEqual(['red', 'green', 'nir', null]);
});

test('no data and NaN are not valid', async () => {
  const path = await tiff(Float32Array.of(1, 2, -9999, 2, 3, Number.NaN, 4, 5), 2, { GDAL_NODATA: '-9999' });
  expect([...(await readBands({ path }, [1, 2])).valid]).toEqual([1, 0, 0, 1]);
  expect([...(await readBands({ path }, [1])).valid]).toEqual([1, 0, 1, 1]);
});

test('a band that is not there, a file that is none', async () => {
  const path = await tiff(new Uint16Array(8), 2);
  await expect(readBands({ path }, [1, 4])).rejects.toMatchObject({
    code: 'SAM_BAD_DATA',
    message: expect.stringMatching(/raster\.tif has 2 bands, no band 4$/),
  });
  await expect(readBands({ path: 'no.tif' }, [1])).rejects.toMatchObject({ code: 'SAM_NOT_FOUND' });
  await expect(readBands({ path: 'rubbish', bytes: Buffer.from('II*\0rubbish') }, [1])).rejects.toMatchObject({
    code: 'SAM_BAD_DATA',
  });
});

test('an ordinary picture has red, green and blue; where it is transparent it is not valid', async () => {
  const samples = Uint8Array.of(10, 20, 30, 255, 40, 50, 60, 0);
  const bytes = await picture(samples, 2, 1, 4).png().toBuffer();
  const reference = { path: 'picture.png', bytes };
  const { bands, valid } = await readBands(reference, [2, 3]);
  expect(bands.map((band) => [...band])).toEqual([
    [20, 50],
    [30, 60],
  ]);
  expect([...valid]).toEqual([1, 0]);
  expect((await openBands(reference)).names).toEqual(['red', 'green', 'blue']);
  const grey = await picture(Uint16Array.of(7, 65535), 2, 1, 1).png().toBuffer();
  expect([...(await readBands({ path: 'grey.png', bytes: grey }, [1])).bands[0]!]).toEqual([7, 65535]);
});

test('a big-endian TIFF of four bands of 16 bits is the same to training, to prediction and to indices', async () => {
  const [width, height] = [5, 3000];
  const layers = [1, 3, 5, 7].map((step) =>
    Uint16Array.from({ length: width * height }, (_, at) => (at * step) % 60_000),
  );
  const path = await rasterFile('big-endian.tif', bigEndianTiff(layers, width, height));
  const { bands, valid } = await readBands({ path }, [1, 2, 3, 4]);
  expect(bands).toEqual(layers.map((layer) => Float32Array.from(layer)));
  expect(valid).toEqual(new Uint8Array(width * height).fill(1));
  const bytes = await readFile(path);
  expect(await readBands({ path: 'row 1', bytes }, [4, 2])).toMatchObject({ bands: [bands[3], bands[1]] });
  const [low, high] = [0.02, 0.98].map((part) => Float64Array.from(layers[3]!).sort()[Math.round(part * 14_999)]!);
  const stretched = Math.round((255 * (layers[3]![7000]! - low!)) / (high! - low!));
  const trained = await decodeImage(sampleOf(path, '4,1,2'));
  expect(trained.pixels[3 * 7000]).toBe(stretched);
  const raster = await RgbSource.of(await Raster.open(path), '4,1,2');
  const window = await raster.read({ x: 0, y: 1000, width, height: 500 });
  expect(window.pixels).toEqual(trained.pixels.subarray(1000 * width * 3, 1500 * width * 3));
  await raster.close();
});

test('a TIFF that has to be turned has its bands where the picture has them', async () => {
  const colours = Uint8Array.of(10, 20, 30, 40, 50, 60);
  const turned = await picture(colours, 2, 1, 3)
    .tiff({ compression: 'none' })
    .withMetadata({ orientation: 6 })
    .toBuffer();
  const reference = { path: 'turned.tif', bytes: turned };
  const image = await decodeImage({ name: 'turned', image: reference, bands: '2' });
  const { width, height, bands } = await readBands(reference, [2]);
  expect([width, height, [...bands[0]!]]).toEqual([1, 2, [20, 50]]);
  expect([image.width, image.height, [...image.pixels]]).toEqual([1, 2, [20, 20, 20, 50, 50, 50]]);
});

test('where a TIFF is transparent its bands are not valid, unless its alpha is asked for as a band', async () => {
  const samples = Uint8Array.of(10, 20, 30, 255, 40, 50, 60, 0);
  const bytes = await picture(samples, 2, 1, 4).tiff({ compression: 'none' }).toBuffer();
  const reference = { path: 'alpha.tif', bytes };
  expect(await readBands(reference, [2, 1])).toMatchObject({ valid: Uint8Array.of(1, 0) });
  expect(await readBands(reference, [2, 4])).toMatchObject({
    bands: [Float32Array.of(20, 50), Float32Array.of(255, 0)],
    valid: Uint8Array.of(1, 1),
  });
});
