/**
 * Files as other people have them, by the command line: `scripts/make_cases.py` makes them, and says what is right of each. Where Python has
 * its packages (`PYTHON` names another one) it is run; elsewhere its small files are taken, which are in `test/fixtures/cases`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeImage } from '../../lib/data/decode.js';
import type { PredictImagesResult } from '../../lib/prediction/predict-images.js';
import { confusion, scores } from '../../lib/scoring/metrics.js';
import { compile, type Outcome, runCli } from './run-cli.js';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const python = process.env.PYTHON ?? 'python3';
const packages = 'import numpy, tifffile, imagecodecs, PIL, rasterio';
const canMake = spawnSync(python, ['-c', packages]).status === 0;
const dir = await mkdtemp(join(tmpdir(), 'sam-native-cases-'));
const cases = canMake ? join(dir, 'cases') : at('../fixtures/cases');
if (canMake) {
  const { status, stderr } = spawnSync(python, [at('../../scripts/make_cases.py'), cases], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}
const right: Record<string, Record<string, unknown>> = JSON.parse(await readFile(join(cases, 'right.json'), 'utf8'));

beforeAll(compile, 120_000);
afterAll(() => rm(dir, { recursive: true, force: true }));

const cache = ['--cache-dir', join(dir, 'cache')];

interface Shown {
  items: { maskArea: number }[];
}

async function prompts(data: string, ...more: string[]): Promise<{ areas: number[]; outcome: Outcome }> {
  const outcome = await runCli([
    'prompts',
    '--json',
    '--data',
    join(cases, data),
    '--out',
    join(dir, 'prompts'),
    ...more,
  ]);
  return { areas: outcome.code === 0 ? outcome.json<Shown>().items.map(({ maskArea }) => maskArea) : [], outcome };
}

async function predict(file: string, ...more: string[]) {
  const outcome = await runCli([
    'predict',
    '--json',
    ...cache,
    '--out',
    join(dir, 'predictions'),
    join(cases, file),
    ...more,
  ]);
  expect(outcome).toMatchObject({ code: 0 });
  const { mask, polygons } = outcome.json<PredictImagesResult>().outputs[0]!;
  const { data, info } = await sharp(mask).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
  return {
    values: new Uint8Array(data),
    width: info.width,
    height: info.height,
    polygons: polygons!,
    stderr: outcome.stderr,
  };
}

test.each(Object.keys(right).filter((name) => 'maskArea' in right[name]!))('%s: the area of its mask', async (name) => {
  const area = Number.parseInt(String(right[name]!.maskArea), 10);
  const { areas, outcome } = await prompts(name === 'bom' ? 'bom/l.jsonl' : name);
  expect(outcome.stderr).not.toContain('error');
  expect(areas).toEqual([area]);
});

test('ids of 16 bits stay ids', async () => {
  const { areas } = await prompts('int16_ids', '--instances');
  expect(areas).toEqual(right.int16_ids!.instances);
});

test('tiles in ZSTD are unpacked, and three samples behind each other are colours', async () => {
  const image = (name: string) => decodeImage({ name, image: { path: join(cases, name, 'train/images/a.tif') } });
  const { pixels } = await image('zstd_tiles');
  const mean = pixels.reduce((sum, value) => sum + value, 0) / pixels.length;
  expect(mean).toBeCloseTo(right.zstd_tiles!['mean of the picture'] as number, 1);
  const first = await image('channel_first');
  expect([...first.pixels.subarray(0, 3)]).toEqual(right.channel_first!['corner pixel']);
});

test('a line that is lost on the grid is said to be, and thresholds are not spoken of', async () => {
  const { outcome } = await prompts('thin');
  expect(outcome.stderr).toMatch(/1600 x 1200/);
  expect(outcome.stderr).toMatch(/256 x 192/);
  expect(outcome.stderr).not.toMatch(/mask is empty|thresholds/);
});

test('polygons are longitude and latitude, or in pixels and said so', async () => {
  const box = (right.polygons!['box for predict'] as number[]).join(',');
  for (const name of ['utm', 'both', 'none']) {
    const { polygons, stderr } = await predict(`polygons/${name}.tif`, '--box', box, '--polygons');
    const [x, y] = JSON.parse(await readFile(polygons, 'utf8')).features[0].geometry.coordinates.flat(9);
    if (name === 'none') {
      expect(stderr).toContain('its polygons are in pixels, not in longitude and latitude');
      expect([x, y].every((value) => value >= 0 && value <= 320)).toBe(true);
    } else {
      expect(x).toBeCloseTo(-74.98, 1);
      expect(y).toBeCloseTo(45.14, 1);
    }
  }
}, 120_000);

test('12 bits in 16 train as the same numbers in 32 do', async () => {
  const best = async (name: string) => {
    const args = ['--epochs', '2', '--seed', '1', '--out', join(dir, name), '--no-report'];
    const outcome = await runCli(['train', '--json', ...cache, '--data', join(cases, name), ...args]);
    expect(outcome).toMatchObject({ code: 0 });
    expect(JSON.parse(await readFile(join(dir, name, 'config.json'), 'utf8')).stretch).toMatch(/^percentiles-2-98/);
    const lines = (await readFile(join(dir, name, 'history.jsonl'), 'utf8')).trim().split('\n');
    return Math.max(...lines.map((line) => JSON.parse(line).validation?.iou ?? 0));
  };
  const [wide, real] = [await best('twelve_in_sixteen'), await best('twelve_as_float')];
  expect(wide).toBeGreaterThan(0.95);
  expect(Math.abs(wide - real)).toBeLessThan(0.02);
}, 300_000);

describe.runIf(canMake)('large ones', () => {
  test('a turned picture is upright in tiles too', async () => {
    const [x, y] = right.orientation!['point inside'] as [number, number];
    const { values, width, height } = await predict('orientation/large.tif', '--point', `${x},${y}`);
    expect([width, height]).toEqual(right.orientation!['size of the mask']);
    expect(values[y * width + x]).toBe(255);
  }, 300_000);

  test('nothing is predicted where there is no picture', async () => {
    for (const file of await readdir(join(cases, 'no_picture'))) {
      const { values } = await predict(`no_picture/${file}`, '--point', '100,240');
      expect(values.filter((value, pixel) => value !== 0 && pixel % 640 < 200)).toHaveLength(0);
    }
  }, 300_000);

  test('16 bits are one picture, with and without a size of tiles', async () => {
    const masks = [await predict('sixteen_bits/a16.tif', '--point', '1000,768')];
    masks.push(await predict('sixteen_bits/a16.tif', '--point', '1000,768', '--tile', '1024'));
    expect(scores(await confusion(masks[0]!.values, masks[1]!.values)).iou).toBeGreaterThanOrEqual(0.98);
  }, 300_000);
});
