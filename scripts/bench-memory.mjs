#!/usr/bin/env node
/**
 * How much memory a data set of N samples takes: their labels checked, then an epoch of batches prepared, with drawn labels and no model.
 *
 *     npx tsc -p . && node scripts/bench-memory.mjs 1000 100000
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { shuffled } from '../dist/prompts/random.js';
import { planBatches, prepareBatch } from '../dist/training/batches.js';
import { checkSamples } from '../dist/training/check-samples.js';
import { LowResMasks } from '../dist/training/masks.js';

const SIDE = 64;
const PROMPTS = {
  ...{ kind: 'box', numPositive: 0, numNegative: 0, erode: false, dynamicDistance: false },
  ...{ perturbation: 10, pointSets: 'joint', padTo: 0 },
};

/** A square somewhere. */
function draw(index) {
  const values = new Uint8Array(SIDE * SIDE);
  for (let y = 0; y < 20; y++) values.fill(1, (y + (index % 40)) * SIDE + 5, (y + (index % 40)) * SIDE + 30);
  return { values, width: SIDE, height: SIDE };
}

async function measure(count) {
  const bytes = await sharp({ create: { width: SIDE, height: SIDE, channels: 3, background: '#405060' } })
    .png()
    .toBuffer();
  const samples = Array.from({ length: count }, (_, index) => ({
    name: `picture-${index}`,
    image: { path: `images/picture-${index}.png`, bytes },
    mask: { path: `masks/picture-${index}.png`, draw: async () => draw(index) },
  }));
  const masks = new LowResMasks(256, undefined);
  const source = {
    ...{ masks, prompts: PROMPTS, seed: 1 },
    embeddings: {
      read: async (some) => ({ count: some.length, toFloat32Array: () => new Float32Array(0), dispose() {} }),
    },
  };
  const options = { skipBad: false, onEmpty: 'fail', onWarning() {} };
  const { train } = await checkSamples({ train: samples, validation: samples.slice(0, 1) }, masks, options);
  const order = shuffled(train.length, 1, 0).map((index) => train[index]);
  for (const plan of planBatches(order, 4)) (await prepareBatch(source, plan, 0)).dispose();
  const megabytes = (value) => Math.round(value / 2 ** 20);
  const peak = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(
    `${count} samples: ${peak} MB at most, ${megabytes(process.memoryUsage().heapUsed)} MB of it in use by JavaScript`,
  );
}

const [first, ...more] = process.argv.slice(2).map(Number);
if (more.length === 0) await measure(first ?? 1000);
// Each in a process of its own: what one has taken, it may keep.
else
  for (const count of [first, ...more])
    spawnSync(process.execPath, [fileURLToPath(import.meta.url), count], { stdio: 'inherit' });
