import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type GeotiffWriterMetadata, writeArrayBuffer } from 'geotiff';
import { expect, test } from 'vitest';
import { openBands, readBands } from '../../lib/data/bands.js';
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
