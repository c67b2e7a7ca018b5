/** Rough masks of files: every method, and what is said where one cannot be made. */
import { join } from 'node:path';
import { type GeotiffWriterMetadata, writeArrayBuffer } from 'geotiff';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { parseOptions } from '../../../lib/core/parse-options.js';
import type { Sample } from '../../../lib/data/sample.js';
import { type TrainOptions, trainOptionsSchema } from '../../../lib/options.js';
import { computeRoughMask, type RoughRequest } from '../../../lib/prompts/rough/compute.js';
import { RoughMasks } from '../../../lib/prompts/rough/rough-masks.js';
import { toRoughMaskSettings } from '../../../lib/prompts/rough/settings.js';
import { compile } from '../../cli/run-cli.js';
import { temporaryFolder, write } from '../../data/pictures.js';

const SIDE = 16;

/** A raster of green, NIR and SWIR: its left half is water. */
async function raster(noData = false): Promise<Sample> {
  const values = Float32Array.from({ length: SIDE * SIDE * 3 }, (_, at) => {
    if (noData) return -1;
    const water = Math.floor(at / 3) % SIDE < SIDE / 2;
    return [water ? 30 : 20, water ? 5 : 80, water ? 2 : 90][at % 3]!;
  });
  const bytes = writeArrayBuffer(values, {
    width: SIDE,
    height: SIDE,
    SamplesPerPixel: 3,
    BitsPerSample: [32, 32, 32],
    SampleFormat: [3, 3, 3],
    PhotometricInterpretation: 1,
    ExtraSamples: [0, 0],
    GDAL_NODATA: '-1',
  } as GeotiffWriterMetadata);
  const path = await write(join(await temporaryFolder(), 'a.tif'), new Uint8Array(bytes));
  return { name: 'a', image: { path } };
}

function masksOf(options: Partial<TrainOptions>): RoughMasks {
  const settings = toRoughMaskSettings(parseOptions(trainOptionsSchema, { data: 'x', ...options }))!;
  const masks = new RoughMasks(settings, { maskSize: 32 });
  onTestFinished(() => masks.dispose());
  return masks;
}

const isLeftHalf = (values: Uint8Array) => values.every((value, index) => value === (index % SIDE < SIDE / 2 ? 1 : 0));

describe('of an index', () => {
  const bands = '1,1,1';
  test.each([
    { roughMask: 'ndwi', nir: 2 },
    { roughMask: 'ndwi', nir: 2, threshold: 0 },
    { roughMask: 'mndwi', swir: 3 },
    { roughMask: 'mndwi', swir: '3' },
  ] as const)('%j', async (options) => {
    const { mask, threshold, emptiness } = await masksOf({ ...options, bands }).make(await raster());
    expect(isLeftHalf(mask.values)).toBe(true);
    expect(emptiness).toBeNull();
    if (!('threshold' in options)) expect(Math.abs(threshold!)).toBeLessThan(1);
  });

  test('plants are where NDVI is high', async () => {
    const { mask } = await masksOf({ roughMask: 'ndvi', nir: 2, bands }).make(await raster());
    expect(isLeftHalf(mask.values.map((value) => 1 - value))).toBe(true);
  });

  test('no data at all', async () => {
    const grid = await masksOf({ roughMask: 'ndwi', nir: 2, bands }).get(await raster(true));
    expect(grid.emptiness).toBe('the image holds no data');
  });

  test('bands that are not there or not named', async () => {
    const sample = await raster();
    await expect(masksOf({ roughMask: 'ndwi', bands }).make(sample)).rejects.toMatchObject({
      code: 'SAM_BAD_OPTION',
      message: expect.stringContaining('needs `nir`'),
    });
    await expect(masksOf({ roughMask: 'ndwi', bands, nir: 4 }).make(sample)).rejects.toMatchObject({
      code: 'SAM_BAD_DATA',
      message: expect.stringContaining('has 3 bands, no band 4'),
    });
    await expect(masksOf({ roughMask: 'mndwi', bands, swir: 'b11' }).make(sample)).rejects.toMatchObject({
      code: 'SAM_BAD_DATA',
      fix: expect.stringContaining('`swir`'),
    });
  });
});

test('of colour, with its distances on the grid in pixels of the image', async () => {
  const image = await sharp({ create: { width: 20, height: 10, channels: 3, background: '#2040c0' } })
    .composite([{ input: { create: { width: 10, height: 10, channels: 3, background: '#c04020' } }, left: 0, top: 0 }])
    .png()
    .toBuffer();
  const sample = { name: 'b', image: { path: 'b.png', bytes: image } };
  const masks = masksOf({ roughMask: 'hsv', hue: '200-260', erosion: 2 });
  const grid = await masks.get(sample);
  expect(grid.area).toBe(100);
  expect(await masks.get(sample)).toBe(grid);
  // 20 x 10 on a grid of 32: a row is 32 of the grid, and the blue half begins at its middle.
  expect([...grid.distances!.inside.subarray(14, 20)]).toEqual([0, 0, 1, 1, 2, 3]);
  expect(grid.distances!.outside[0]).toBe(10);
});

test('of files: one of the image’s name, of its size', async () => {
  const folder = await temporaryFolder();
  const mask = (side: number) =>
    sharp({ create: { width: side, height: side, channels: 3, background: '#fff' } })
      .png()
      .toBuffer();
  await write(join(folder, 'a.png'), await mask(SIDE));
  const masks = masksOf({ roughMask: 'file', roughMasks: folder });
  const sample = await raster();
  expect((await masks.make(sample)).area).toBe(SIDE * SIDE);
  await expect(masks.make({ ...sample, name: 'c' })).rejects.toMatchObject({
    code: 'SAM_BAD_DATA',
    message: expect.stringContaining('no mask for c'),
  });
  await expect(masksOf({ roughMask: 'file', roughMasks: join(folder, 'no') }).make(sample)).rejects.toMatchObject({
    code: 'SAM_NOT_FOUND',
    message: expect.stringContaining('`roughMasks`'),
  });
});

describe('in the thread', () => {
  // The thread runs what is compiled; here the sources run.
  let RoughThread: typeof import('../../../lib/prompts/rough/thread.js').RoughThread;
  let thread: InstanceType<typeof RoughThread>;
  beforeAll(async () => {
    compile();
    const compiled = new URL('../../../dist/prompts/rough/thread.js', import.meta.url).href;
    ({ RoughThread } = (await import(compiled)) as typeof import('../../../lib/prompts/rough/thread.js'));
    thread = new RoughThread();
  });
  afterAll(() => thread.dispose());

  const request = (threshold: number): RoughRequest => ({
    source: {
      kind: 'index',
      name: 'ndwi',
      a: Float32Array.of(3, 3, 1, 1),
      b: Float32Array.of(1, 1, 1, 3),
      valid: new Uint8Array(4).fill(1),
      threshold,
    },
    width: 2,
    height: 2,
    cleaning: { minArea: 0, fillHoles: true, largest: true },
    distances: true,
  });

  test('the same as without, in the order asked for', async () => {
    const thresholds = [-1, 0, 0.9];
    const found = await Promise.all(thresholds.map((threshold) => thread.make(request(threshold))));
    expect(found).toEqual(thresholds.map((threshold) => computeRoughMask(request(threshold))));
  });

  test('when it has ended, what was asked for fails', async () => {
    const other = new RoughThread();
    const asked = other.make(request(0));
    await other.dispose();
    await expect(asked).rejects.toThrow('ended');
  });
});
