/** `predict` where a file isn't as simple as a photograph: turned, partly transparent, of 16 bits. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PredictImagesResult } from '../../lib/prediction/predict-images.js';
import { confusion, scores } from '../../lib/scoring/metrics.js';
import { picture } from '../data/pictures.js';
import { geoTiff } from '../raster/rasters.js';
import { compile, runCli } from './run-cli.js';

let dir: string;
beforeAll(async () => {
  compile();
  dir = await mkdtemp(join(tmpdir(), 'sam-native-no-picture-'));
}, 120_000);
afterAll(() => rm(dir, { recursive: true, force: true }));

async function predicted(
  ...args: string[]
): Promise<{ values: Uint8Array; width: number; height: number; stderr: string }> {
  const outcome = await runCli([
    'predict',
    '--json',
    '--cache-dir',
    join(dir, 'cache'),
    '--out',
    join(dir, 'out'),
    ...args,
  ]);
  expect(outcome).toMatchObject({ code: 0 });
  const { mask } = outcome.json<PredictImagesResult>().outputs[0]!;
  const { data, info } = await sharp(mask).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
  return { values: new Uint8Array(data), width: info.width, height: info.height, stderr: outcome.stderr };
}

const [LAND, WATER] = [
  [80, 130, 60],
  [30, 70, 160],
] as const;

/** A blue disk on green, interleaved RGB, and which pixels are the disk. */
function disk(width: number, height: number, [x, y, radius]: readonly [number, number, number]) {
  const inside = Uint8Array.from({ length: width * height }, (_, at) =>
    ((at % width) - x) ** 2 + (Math.floor(at / width) - y) ** 2 < radius ** 2 ? 1 : 0,
  );
  const pixels = new Uint8Array(width * height * 3).map(
    (_, at) => (inside[Math.floor(at / 3)] ? WATER : LAND)[at % 3]!,
  );
  return { pixels, inside };
}

const iou = async (values: Uint8Array, truth: Uint8Array) => scores(await confusion(values, truth)).iou;

test('a large TIFF is seen upright, in tiles as whole', async () => {
  const [width, height] = [2400, 1600];
  const { pixels, inside } = disk(width, height, [720, 480, 240]);
  const file = join(dir, 'turned.tif');
  // Stored turned to the left, with the orientation that says so.
  const stored = picture(pixels, width, height, 3).rotate(270).withMetadata({ orientation: 6 });
  await writeFile(file, await stored.tiff({ compression: 'deflate', tile: true }).toBuffer());
  for (const tile of ['1024', '0']) {
    const mask = await predicted(file, '--point', '720,480', '--tile', tile);
    expect([mask.width, mask.height]).toEqual([width, height]);
    expect(await iou(mask.values, inside)).toBeGreaterThan(0.85);
  }
}, 300_000);

test('nothing is predicted where there is no picture, by alpha, nodata and NaN', async () => {
  const [width, height] = [640, 480];
  const { pixels } = disk(width, height, [430, 240, 90]);
  const hidden = (at: number) => at % width < 200;
  const alpha = new Uint8Array(width * height * 4).map((_, at) => {
    const pixel = Math.floor(at / 4);
    return at % 4 === 3 ? (hidden(pixel) ? 0 : 255) : pixels[pixel * 3 + (at % 4)]!;
  });
  const bands = [0, 1, 2].map((band) => pixels.filter((_, at) => at % 3 === band));
  const blank = <Values extends Uint8Array | Float32Array>(values: Values, by: number) =>
    values.map((value, at) => (hidden(at) ? by : value)) as Values;
  const real = bands.map((band) => blank(Float32Array.from(band), Number.NaN));
  const files: [string, Uint8Array][] = [
    ['alpha.png', await picture(alpha, width, height, 4).png().toBuffer()],
    [
      'nodata.tif',
      geoTiff(
        bands.map((band) => blank(band, 0)),
        width,
        height,
        { nodata: 0 },
      ),
    ],
    ['nan.tif', geoTiff(real, width, height, { place: {} })],
  ];
  for (const [name, content] of files) {
    await writeFile(join(dir, name), content);
    // The land goes on, to the model's eyes, where there is nothing.
    const { values } = await predicted(join(dir, name), '--point', '300,240');
    expect(values.includes(255), name).toBe(true);
    expect(
      values.every((value, at) => value === 0 || !hidden(at)),
      name,
    ).toBe(true);
    const tiled = await predicted(join(dir, name), '--point', '100,240', '--tile', '512');
    expect(
      tiled.values.every((value, at) => value === 0 || !hidden(at)),
      name,
    ).toBe(true);
  }
}, 300_000);

test('12 bits in 16 are as the same numbers in 32, and said to be stretched; an undeclared -9999 is told', async () => {
  const [width, height] = [320, 240];
  const { inside } = disk(width, height, [150, 120, 60]);
  const values = Float32Array.from(inside, (value, at) => (value ? 420 : 300) + (Math.imul(at, 2654435761) >>> 28));
  await writeFile(join(dir, 'twelve.png'), await picture(Uint16Array.from(values), width, height, 1).png().toBuffer());
  await writeFile(join(dir, 'real.tif'), geoTiff([values], width, height, { place: {} }));
  const asPng = await predicted(join(dir, 'twelve.png'), '--point', '150,120', '--verbose');
  const asReal = await predicted(join(dir, 'real.tif'), '--point', '150,120');
  expect(asPng.values).toEqual(asReal.values);
  expect(await iou(asPng.values, inside)).toBeGreaterThan(0.95);
  expect(asPng.stderr).toContain('1 of 1 images hold measurements');
  expect(asReal.stderr).not.toContain('-9999');
  await writeFile(
    join(dir, 'hole.tif'),
    geoTiff([values.map((value, at) => (at % 320 < 30 ? -9999 : value))], width, height, { place: {} }),
  );
  const { stderr } = await predicted(join(dir, 'hole.tif'), '--point', '150,120');
  expect(stderr).toContain('hole.tif: 9.4 % of band 1 are -9999, which looks like no data');
}, 300_000);
