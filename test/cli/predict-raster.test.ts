/** `predict` on a GeoTIFF that is too large for one picture: tiles, rough masks, the mask's georeference, polygons. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PredictImagesResult } from '../../lib/prediction/predict-images.js';
import type { GeoTag } from '../../lib/raster/georeference.js';
import { GeoTiffWriter } from '../../lib/raster/geotiff-writer.js';
import { Raster } from '../../lib/raster/raster.js';
import { confusion, scores } from '../../lib/scoring/metrics.js';
import { grey } from '../data/pictures.js';
import { geoTiff } from '../raster/rasters.js';
import { compile, type Outcome, runCli } from './run-cli.js';

const [WIDTH, HEIGHT] = [3000, 2500];
/** A river 320 pixels wide that winds through the middle. */
const distance = (x: number, y: number) => Math.abs(y - HEIGHT / 2 - 500 * Math.sin(x / 500));

/** A GeoJSON file. */
interface Told {
  coordinates?: string;
  features: { geometry: { coordinates: [number, number][][] } }[];
}

let dir: string;
let scene: string;
let rough: string;
let truth: Uint8Array;

const predict = (...args: string[]) => runCli(['predict', '--json', '--cache-dir', join(dir, 'cache'), ...args]);

/** width*height values by place. */
function painted<T extends Uint8Array | Uint16Array>(values: T, of: (x: number, y: number) => number): T {
  for (let at = 0; at < values.length; at++) values[at] = of(at % WIDTH, Math.floor(at / WIDTH));
  return values;
}

beforeAll(async () => {
  compile();
  dir = await mkdtemp(join(tmpdir(), 'sam-native-raster-'));
  [scene, rough] = [join(dir, 'scene.tif'), join(dir, 'rough')];
  await mkdir(rough);
  const size = WIDTH * HEIGHT;
  const land = (x: number, y: number) => ((x * 7919 + y * 104729) ^ (x * y)) % 200;
  const bands = [400, 700, 500].map((base, band) =>
    painted(new Uint16Array(size), (x, y) => base + land(x, y) + (distance(x, y) < 160 ? 2500 - band * 150 : 0)),
  );
  truth = painted(new Uint8Array(size), (x, y) => (distance(x, y) < 160 ? 255 : 0));
  const narrower = painted(new Uint8Array(size), (x, y) => (distance(x, y) < 110 ? 255 : 0));
  await writeFile(scene, geoTiff(bands, WIDTH, HEIGHT));
  await writeFile(join(rough, 'scene.tif'), geoTiff([narrower], WIDTH, HEIGHT));
}, 120_000);
afterAll(() => rm(dir, { recursive: true, force: true }));

function expectFailure({ code, stderr, json }: Outcome, error: string, says: string) {
  expect({ code, stderr }).toMatchObject({ code: 2 });
  expect(json()).toMatchObject({ error: { code: error } });
  expect(stderr).toContain(says);
}

async function valuesOf(path: string): Promise<Uint8Array> {
  return new Uint8Array(await sharp(path).toColourspace('b-w').raw().toBuffer());
}

test('tiles with prompts from a rough mask: the river, as a GeoTIFF of the same place, and polygons', async () => {
  const out = join(dir, 'tiles');
  const outcome = await predict(scene, '--masks', rough, '--num-negative', '4', '--polygons', '--out', out);
  expect(outcome).toMatchObject({ code: 0 });
  const [output] = outcome.json<PredictImagesResult>().outputs;
  const [mask, polygons] = [join(out, 'scene.tif'), join(out, 'scene.geojson')];
  expect(output).toMatchObject({ image: scene, mask, polygons, width: WIDTH, height: HEIGHT, promptSource: 'masks' });
  const { total, asked, inside, outside } = output!.tiles!;
  expect([total, inside]).toEqual([12, 0]);
  expect(outside).toBeGreaterThan(0);
  expect(asked + outside).toBe(total);
  const values = await valuesOf(mask);
  expect([...new Set(values)].sort()).toEqual([0, 255]);
  expect(scores(await confusion(values, truth)).iou).toBeGreaterThan(0.9);
  const [source, copy] = [await Raster.open(scene), await Raster.open(mask)];
  expect(copy.georeference).toEqual(source.georeference);
  await Promise.all([source.close(), copy.close()]);
  const { features } = JSON.parse(await readFile(polygons, 'utf8')) as {
    features: { properties: { pixels: number } }[];
  };
  const pixels = features.reduce((sum, { properties }) => sum + properties.pixels, 0);
  expect(pixels).toBe(values.reduce((sum, value) => sum + value / 255, 0));
  expect((await readdir(out)).sort()).toEqual(['scene.geojson', 'scene.tif']);
}, 600_000);

test('tiles within the rough mask are object and tiles without it background: the model is not asked', async () => {
  const masks = join(dir, 'half');
  await mkdir(masks, { recursive: true });
  // Its edge at 1792, between the second and the third column of tiles' own parts, is met by one column only.
  const half = painted(new Uint8Array(WIDTH * HEIGHT), (x) => (x < 1792 ? 1 : 0));
  await writeFile(join(masks, 'scene.tif'), geoTiff([half], WIDTH, HEIGHT));
  const out = join(dir, 'half-out');
  const outcome = await predict(scene, '--masks', masks, '--tile', '1024', '--out', out);
  const [output] = outcome.json<PredictImagesResult>().outputs;
  expect(output!.tiles).toMatchObject({ total: 12, inside: 6 });
  const values = await valuesOf(output!.mask);
  const columns = (from: number, to: number) => values.filter((_, at) => at % WIDTH >= from && at % WIDTH < to);
  expect(columns(0, 1500).every((value) => value === 255)).toBe(true);
}, 600_000);

test('tiles with prompts from a rough mask by colour, made window by window', async () => {
  const out = join(dir, 'colour');
  const outcome = await predict(scene, '--rough-mask', 'hsv', '--value', '0.5-1', '--num-negative', '4', '--out', out);
  expect(outcome).toMatchObject({ code: 0 });
  const [output] = outcome.json<PredictImagesResult>().outputs;
  expect(output).toMatchObject({ promptSource: 'rough', tiles: { total: 12 } });
  expect(scores(await confusion(await valuesOf(output!.mask), truth)).iou).toBeGreaterThan(0.9);
  expectFailure(await predict(scene, '--rough-mask', 'ndwi', '--nir', '9', '--out', out), 'SAM_BAD_DATA', 'band');
}, 600_000);

test('how much is covered is told of the pixels that hold data, and the rough mask beside it', async () => {
  const [width, height, masks] = [600, 500, join(dir, 'nodata-masks')];
  await mkdir(masks, { recursive: true });
  const values = (of: (x: number, y: number) => number) =>
    Uint16Array.from({ length: width * height }, (_, at) => of(at % width, Math.floor(at / width)));
  // A bright disc; the right 150 columns hold no data, the left tiles nothing of the disc.
  const isDisc = (x: number, y: number) => Math.hypot(x - 380, y - 120) < 70;
  const noise = (x: number, y: number) => ((x * 7919 + y * 104729) ^ (x * y)) % 90;
  const band = values((x, y) => (x >= 450 ? 9 : 300 + noise(x, y) + (isDisc(x, y) ? 2500 : 0)));
  const rough = Uint8Array.from(band, (_, at) => Number(Math.hypot((at % width) - 380, at / width - 120) < 90));
  const raster = join(dir, 'nodata.tif');
  await writeFile(raster, geoTiff([band], width, height, { nodata: 9 }));
  await writeFile(join(masks, 'nodata.tif'), geoTiff([rough], width, height));
  const args = (out: string) => [raster, '--tile', '200', '--out', join(dir, out)];
  const [output] = (await predict(...args('nodata'), '--masks', masks)).json<PredictImagesResult>().outputs;
  expect(output!.tiles!.outside).toBeGreaterThan(3);
  const mask = await valuesOf(output!.mask);
  const count = (of: (at: number) => boolean) =>
    band.reduce((sum, value, at) => sum + Number(value !== 9 && of(at)), 0);
  const share = (of: (at: number) => boolean) => count(of) / (450 * height);
  expect(output!.coverage).toBe(share((at) => mask[at] !== 0));
  const iou = count((at) => mask[at] !== 0 && rough[at] !== 0) / count((at) => mask[at] !== 0 || rough[at] !== 0);
  expect(output!.roughMask).toEqual({ coverage: share((at) => rough[at] !== 0), iou });
  const [given] = (await predict(...args('nodata-point'), '--point', '380,120')).json<PredictImagesResult>().outputs;
  const pointed = await valuesOf(given!.mask);
  expect(given).toMatchObject({ guessed: false, roughMask: null, coverage: share((at) => pointed[at] !== 0) });
}, 600_000);

test('points go to their tiles', async () => {
  const out = join(dir, 'points');
  const outcome = await predict(scene, '--point', '60,1300,1', '--point', '60,400,0', '--out', out);
  const [output] = outcome.json<PredictImagesResult>().outputs;
  expect(output).toMatchObject({
    promptSource: 'given',
    points: [
      [60, 1300],
      [60, 400],
    ],
    labels: [1, 0],
  });
  expect(output!.tiles!.asked).toBeLessThanOrEqual(2);
  const values = await valuesOf(output!.mask);
  expect(values[1300 * WIDTH + 60]).toBe(255);
  expect(values.filter((_, at) => at % WIDTH >= 1024).every((value) => value === 0)).toBe(true);
}, 600_000);

test('a picture without a georeference: one picture, polygons in pixels, and it says so', async () => {
  const picture = join(dir, 'grey.png');
  await writeFile(picture, await grey(90, 120, 80));
  const outcome = await predict(picture, '--box', '20,20,90,60', '--polygons', '--out', join(dir, 'picture'));
  const [output] = outcome.json<PredictImagesResult>().outputs;
  expect(output).toMatchObject({ mask: join(dir, 'picture', 'grey.png') });
  expect(output!.tiles).toBeUndefined();
  expect(outcome.stderr).toContain('has no georeference: its polygons are in pixels');
  expect(await readFile(output!.polygons!, 'utf8')).toContain('"coordinates":"pixels');
});

describe('places', () => {
  /** A disc, 320 x 240, with these tags; its system is UTM 18 north where keys say so. */
  async function disc(name: string, ...tags: GeoTag[]): Promise<string> {
    const path = join(dir, name);
    const writer = await GeoTiffWriter.create(path, { width: 320, height: 240, tags });
    const inside = (at: number) => Math.hypot((at % 320) - 150, Math.floor(at / 320) - 120) < 60;
    await writer.write(Uint8Array.from({ length: 320 * 240 }, (_, at) => (inside(at) ? 200 : 60 + (at % 7))));
    await writer.finish();
    return path;
  }
  const doubles = (code: number, ...values: number[]): GeoTag => ({ code, type: 12, values });
  const keys = (...entries: number[][]): GeoTag => ({
    code: 34735,
    type: 3,
    values: [1, 1, 0, entries.length, ...entries.flatMap(([key, value]) => [key!, 0, 1, value!])],
  });
  const scale = doubles(33550, 10, 10, 0);
  const corner = doubles(33922, 0, 0, 0, 500_000, 5_000_000, 0);
  const utm = keys([1024, 1], [3072, 32618]);
  const both = keys([1024, 1], [2048, 4326], [3072, 32618]);
  const points = doubles(33922, 0, 0, 0, 5e5, 5e6, 0, 320, 0, 0, 503_200, 5e6, 0, 0, 240, 0, 5e5, 4_997_600, 0);

  test('longitude and latitude for certain, or pixels and the reason; control points are kept; world files are named', async () => {
    const files = [
      await disc('utm.tif', scale, corner, utm),
      await disc('both.tif', scale, corner, both),
      await disc('keyless.tif', scale, corner),
      await disc('degrees.tif', scale, corner, keys([1024, 2], [2048, 4326])),
      await disc('points.tif', points, utm),
      await disc('world.tif'),
    ];
    await writeFile(join(dir, 'world.tfw'), '10\n0\n0\n-10\n500005\n4999995\n');
    await writeFile(join(dir, 'utm.tfw'), '10\n0\n0\n-10\n500005\n4999995\n');
    const outcome = await predict(...files, '--box', '80,50,220,190', '--polygons', '--out', join(dir, 'places'));
    expect(outcome).toMatchObject({ code: 0 });
    const { outputs } = outcome.json<PredictImagesResult>();
    const told = await Promise.all(
      outputs.map(async ({ polygons }) => JSON.parse(await readFile(polygons!, 'utf8')) as Told),
    );
    const first = ({ features }: Told) => features[0]!.geometry.coordinates[0]![0]!;
    // PROJ: the middle of the disc lies at -74.98092, 45.14268.
    for (const at of [0, 1]) {
      expect(told[at]!.coordinates).toBeUndefined();
      expect(Math.hypot(first(told[at]!)[0] + 74.98092, first(told[at]!)[1] - 45.14268)).toBeLessThan(0.012);
    }
    for (const at of [2, 3, 4, 5]) {
      expect(told[at]!.coordinates).toContain('pixels');
      expect(first(told[at]!)[0]).toBeGreaterThan(60);
    }
    const pixels = 'its polygons are in pixels, not in longitude and latitude';
    for (const said of [
      `keyless.tif names no coordinate system: ${pixels}`,
      `degrees.tif lies where its coordinate system does not reach (its corner is at 500000, 5000000): ${pixels}`,
      `points.tif is placed by control points or a camera model, which are not computed with: ${pixels}`,
      `world.tif has no georeference: ${pixels}`,
      `not read, though saying where pictures lie: ${join(dir, 'world.tfw')}; gdal_translate`,
    ]) {
      expect(outcome.stderr).toContain(said);
    }
    const mask = await Raster.open(outputs[4]!.mask);
    await mask.close();
    expect(mask.georeference!.tags).toEqual([points, utm]);
  }, 300_000);
});

describe('bad calls write nothing', () => {
  const failing = (...args: string[]) => predict(scene, '--out', join(dir, 'never'), ...args);

  test('no prompt, bands, masks of another size', async () => {
    expectFailure(await failing(), 'SAM_BAD_OPTION', 'is predicted in 12 tiles');
    expectFailure(await failing('--point', '9000,10,1'), 'SAM_BAD_ARGUMENT', 'point 9000,10 lies outside');
    expectFailure(await failing('--masks', rough, '--bands', '1,2,9'), 'SAM_BAD_DATA', "has no band '9': it has 3");
    expectFailure(await failing('--masks', rough, '--bands', '1,2'), 'SAM_BAD_OPTION', '--bands "1,2"');
    expectFailure(await failing('--masks', rough, '--simplify', '2'), 'SAM_BAD_OPTION', '--simplify is about polygons');
    expectFailure(await failing('--masks', rough, '--save-logits'), 'SAM_BAD_OPTION', '--save-logits');
    const masks = join(dir, 'small');
    await mkdir(masks, { recursive: true });
    await writeFile(join(masks, 'scene.tif'), geoTiff([new Uint8Array(35)], 7, 5));
    expectFailure(await failing('--masks', masks), 'SAM_BAD_DATA', 'is 7 x 5 pixels, its image');
    await writeFile(join(masks, 'scene.png'), await grey(255));
    await rm(join(masks, 'scene.tif'));
    expectFailure(await failing('--masks', masks), 'SAM_BAD_DATA', 'is 8 x 6 pixels, its image');
    await expect(readdir(join(dir, 'never'))).rejects.toThrow('ENOENT');
  });

  test('a folder that cannot be written is refused before any work', async () => {
    const outcome = await predict(scene, '--masks', rough, '--out', '/proc/none/masks');
    expectFailure(outcome, 'SAM_BAD_OPTION', 'cannot write /proc/none/masks/scene.tif');
    expect(outcome.stderr).toContain('name another place with --out');
    const uncached = await runCli([
      'predict',
      scene,
      '--masks',
      rough,
      '--out',
      join(dir, 'never'),
      '--cache-dir',
      '/proc/none',
    ]);
    expect(uncached).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot write /proc/none') });
    expect(uncached.stderr).toContain('--cache-dir (or SAM_NATIVE_CACHE) for the cache');
  });

  test('a raster without data', async () => {
    const empty = join(dir, 'empty.tif');
    await writeFile(empty, geoTiff([new Uint16Array(64).fill(7)], 8, 8, { nodata: 7 }));
    const outcome = await predict(empty, '--point', '1,1,1', '--out', join(dir, 'never'));
    expectFailure(outcome, 'SAM_BAD_DATA', 'every pixel of band 1 is its nodata value 7');
  });
});
