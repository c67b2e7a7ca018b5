/** Rough masks of a raster by window against those of the whole. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { planRaster } from '../../lib/prediction/predict-raster.js';
import { openRoughWindows } from '../../lib/prediction/rough-windows.js';
import { RoughMasks } from '../../lib/prompts/rough/rough-masks.js';
import type { RoughMaskSettings } from '../../lib/prompts/rough/settings.js';
import { geoTiff } from '../raster/rasters.js';

const [WIDTH, HEIGHT] = [900, 700];
const WINDOW = { x: 300, y: 200, width: 256, height: 256 };

let dir: string;
let path: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sam-rough-windows-'));
  path = join(dir, 'scene.tif');
  // Green, near infrared: water in a band, with specks of one pixel around it.
  const isWater = (x: number, y: number) =>
    Math.abs(y - 330 - 40 * Math.sin(x / 60)) < 45 || (x * 31 + y * 17) % 997 === 0;
  const band = (water: number, land: number) =>
    Uint16Array.from({ length: WIDTH * HEIGHT }, (_, at) => {
      const [x, y] = [at % WIDTH, Math.floor(at / WIDTH)];
      return (isWater(x, y) ? water : land) + ((x * 7 + y * 13) % 50);
    });
  await writeFile(path, geoTiff([band(600, 500), band(900, 700), band(300, 1500)], WIDTH, HEIGHT));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const cleaning = { minArea: 50, fillHoles: false, largest: false };
const ndwi = (threshold: number | 'otsu'): RoughMaskSettings => ({
  method: { kind: 'ndwi', threshold, choices: { green: 2, nir: 3 } },
  cleaning,
  erosion: undefined,
});

async function inWindow(settings: RoughMaskSettings): Promise<Uint8Array> {
  const sample = { name: 'scene', image: { path } };
  const windows = await openRoughWindows((await planRaster(sample, 256))!, settings);
  try {
    const { values, width, height } = await windows.read(WINDOW);
    expect([width, height]).toEqual([WINDOW.width, WINDOW.height]);
    return values;
  } finally {
    await windows.close();
  }
}

async function ofWhole(settings: RoughMaskSettings): Promise<Uint8Array> {
  const masks = new RoughMasks(settings, { maskSize: 256 });
  const { values } = await masks.make({ name: 'scene', image: { path } });
  await masks.dispose();
  const rows = Array.from({ length: WINDOW.height }, (_, row) => {
    const from = (WINDOW.y + row) * WIDTH + WINDOW.x;
    return [...values.subarray(from, from + WINDOW.width)];
  });
  return Uint8Array.from(rows.flat());
}

test.each([
  ['a fixed threshold', ndwi(0)],
  ["Otsu's, found in the whole raster", ndwi('otsu')],
  ['colours, as SAM sees them', { method: { kind: 'hsv', bands: { hue: [30, 90] } }, cleaning, erosion: undefined }],
] as [string, RoughMaskSettings][])(
  '%s: a window has what the whole has there, specks left out',
  async (_what, settings) => {
    const values = await inWindow(settings);
    expect(values).toEqual(await ofWhole(settings));
    const inside = values.reduce((sum, value) => sum + value, 0);
    expect(inside).toBeGreaterThan(1000);
    expect(inside).toBeLessThan(values.length - 1000);
  },
);

test('a band that the raster does not have', async () => {
  const settings = { ...ndwi(0), method: { kind: 'ndwi', threshold: 0, choices: { green: 2, nir: 7 } } } as const;
  await expect(inWindow(settings)).rejects.toThrow(/band/);
});
