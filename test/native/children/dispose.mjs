// Works with a model, disposes of it, and prints, as JSON, the resident memory (MiB) before, with it, and afterwards.
//
//   node --expose-gc dispose.mjs work           a trainer's steps and an encoding, with the weights that a test has named
//   node --expose-gc dispose.mjs huge WEIGHTS   an image encoder of these weights, loaded only
//   node --expose-gc dispose.mjs peak           a large batch once, and then small ones for some seconds; nothing is disposed of
import { setTimeout as wait } from 'node:timers/promises';
import { batchOf, EMBEDDING, loadAddon, loadEncoder, loadModel, noise, picture, STEP, TRAINING } from './inputs.mjs';

const [kind, weights] = process.argv.slice(2);
const addon = loadAddon();

function residentMiB() {
  globalThis.gc();
  return Math.round(process.memoryUsage.rss() / 2 ** 20);
}

/** A step of one picture, and a picture's way through the encoder. */
async function work() {
  const [model, encoder] = [await loadModel(addon), await loadEncoder(addon)];
  const trainer = addon.createTrainer(model, TRAINING);
  const batch = batchOf(addon);
  await trainer.step(batch, STEP);
  const encoding = await encoder.begin(picture);
  while (!(await encoding.advance()));
  const during = residentMiB();
  for (const handle of [encoding, batch.embeddings, trainer, encoder, model]) handle.dispose();
  return during;
}

async function huge() {
  const encoder = await addon.loadEncoder({ path: weights, device: 'cpu', precision: 'fp32' });
  const during = residentMiB();
  const start = performance.now();
  encoder.dispose();
  process.stderr.write(`dispose took ${Math.round(performance.now() - start)} ms\n`);
  return during;
}

async function peak() {
  const values = noise(EMBEDDING, 1);
  const small = () => addon.embeddingsFrom(values).dispose();
  const large = Array.from({ length: 64 }, () => addon.embeddingsFrom(values));
  const during = residentMiB();
  for (const handle of large) handle.dispose();
  for (let i = 0; i < 26; i++) {
    small();
    await wait(500);
  }
  return during;
}

const kinds = { work, huge, peak };
if (kind === 'work') await work(); // what LibTorch itself keeps after its first use is not of a model
const before = residentMiB();
const during = await kinds[kind]();
process.stdout.write(JSON.stringify({ before, during, after: residentMiB() }));
