/** The package in a worker thread of the user's, which owes it nothing: not even `workerData`. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compile } from './cli/run-cli.js';
import { geoTiff } from './raster/rasters.js';

let folder: string;
let pictures: string[];

beforeAll(async () => {
  compile();
  folder = await mkdtemp(join(tmpdir(), 'sam-native-worker-'));
  pictures = ['photo.jpg', 'raster.tif'].map((name) => join(folder, name));
  const [jpeg, tiff] = pictures as [string, string];
  await sharp({ create: { width: 40, height: 30, channels: 3, background: '#3a7' } }).toFile(jpeg);
  const bands = [1, 2, 3, 4].map((band) => Float32Array.from({ length: 24 * 20 }, (_, index) => band * index));
  await writeFile(tiff, geoTiff(bands, 24, 20));
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What a thread with this `workerData` says after it has embedded the pictures. */
async function embedIn(workerData?: unknown): Promise<unknown> {
  const options = workerData === undefined ? {} : { workerData };
  const worker = new Worker(new URL('./children/embed.mjs', import.meta.url), options);
  worker.postMessage({ pictures, cacheDir: join(folder, 'cache') });
  const [said] = await once(worker, 'message');
  await worker.terminate();
  return said;
}

const sizes = [
  { width: 40, height: 30 },
  { width: 24, height: 20 },
];

test('a thread without workerData imports the package, and embeds a JPEG and a TIFF', async () => {
  expect(await embedIn()).toEqual({ sizes, workerData: undefined });
}, 300_000);

test("a module that the thread's own workerData names is not run", async () => {
  const [mod, trace] = [join(folder, 'mod.mjs'), join(folder, 'trace')];
  await writeFile(mod, `import { writeFileSync } from 'node:fs';\nwriteFileSync(${JSON.stringify(trace)}, '');\n`);
  const workerData = { mod, name: 'mine', type: 'module' };
  expect(await embedIn(workerData)).toEqual({ sizes, workerData });
  expect(existsSync(trace)).toBe(false);
}, 300_000);
