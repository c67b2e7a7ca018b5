// Keeps both lanes busy as a training service would, and prints, as JSON, how the event loop and file reads fared.
//
//   node responsive.mjs MILLISECONDS
import { readFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { batchOf, loadAddon, loadEncoder, loadModel, onePoint, STEP, TRAINING } from './inputs.mjs';

const RESOLUTION_MS = 5;
const duration = Number(process.argv[2]);
const addon = loadAddon();
const model = await loadModel(addon);
const trainer = addon.createTrainer(model, TRAINING);
const encoder = await loadEncoder(addon);
const batch = batchOf(addon);
const photograph = { pixels: new Uint8Array(1500 * 1000 * 3).fill(128), width: 1500, height: 1000 };
const question = {
  embeddings: batch.embeddings,
  prompts: onePoint(),
  selection: TRAINING.selection,
  sizes: Int32Array.of(photograph.height, photograph.width),
};
const file = fileURLToPath(import.meta.url);

let working = true;
const counts = { steps: 0, slices: 0, predictions: 0 };

async function train() {
  for (; working; counts.steps++) await trainer.step(batch, STEP);
}

async function encode() {
  while (working) {
    const encoding = await encoder.begin(photograph);
    for (let done = false; working && !done; counts.slices++) done = await encoding.advance();
    encoding.dispose();
  }
}

async function predict() {
  for (; working; counts.predictions++) await model.predict(question);
}

/** Reads a small file again and again; the milliseconds that each took. */
async function readFiles() {
  const times = [];
  while (working) {
    const start = performance.now();
    await readFile(file);
    times.push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return times.sort((a, b) => a - b);
}

/** Of 8 steps, as many preprocessings and 20 file reads, asked for in this order: what was done when the reads were. */
async function orderOfCompletion() {
  let stepsDone = 0;
  const steps = Array.from({ length: 8 }, () => trainer.step(batch, STEP).then(() => stepsDone++));
  const begins = Array.from({ length: 8 }, () => encoder.begin(photograph).then((encoding) => encoding.dispose()));
  for (let i = 0; i < 20; i++) await readFile(file);
  const stepsBeforeReads = stepsDone;
  await Promise.all([...steps, ...begins]);
  return stepsBeforeReads;
}

await trainer.step(batch, STEP);
const stepsBeforeReads = await orderOfCompletion();
const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
const loops = [train(), encode(), predict()];
const reads = readFiles();
delays.enable();
await new Promise((resolve) => setTimeout(resolve, duration));
delays.disable();
working = false;
const times = await reads;
await Promise.all(loops);
process.stdout.write(
  JSON.stringify({
    ...counts,
    stepsBeforeReads,
    // The monitor's own interval is part of what it records.
    longestDelayMs: delays.max / 1e6 - RESOLUTION_MS,
    p99DelayMs: delays.percentile(99) / 1e6 - RESOLUTION_MS,
    reads: times.length,
    medianReadMs: times[Math.floor(times.length / 2)],
    slowestReadMs: times.at(-1),
  }),
);
