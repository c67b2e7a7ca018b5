// Does one kind of work many times and prints, as JSON, the resident memory (MiB) before and after the later part of it,
// and the handles that are left over.
//
//   node --expose-gc memory.mjs KIND ROUNDS SETTLED      SETTLED: the round from which memory counts
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { batchOf, EMBEDDING, loadAddon, loadEncoder, loadModel, picture, STEP, TRAINING } from './inputs.mjs';

const [kind, rounds, settled] = process.argv.slice(2);
const addon = loadAddon();
const start = addon.info().liveHandles;
const folder = await mkdtemp(join(tmpdir(), 'sam-memory-'));
const encoder = await loadEncoder(addon);
const model = await loadModel(addon);
const trainer = addon.createTrainer(model, { ...TRAINING, selection: { maskOutput: 'single', multiMask: 'best' } });
const cache = await addon.openCache({ directory: folder, precision: 'fp16' });
const notWeights = fileURLToPath(import.meta.url);
const values = new Float32Array(EMBEDDING).fill(0.1);
const batch = batchOf(addon);

/** The code of what a call throws or rejects with. */
async function codeOf(call) {
  try {
    await call();
  } catch ({ code }) {
    return code;
  }
  return undefined;
}

async function expectFailure(code, call) {
  const actual = await codeOf(call);
  if (actual !== code) throw new Error(`expected ${code}, got ${actual}`);
}

const kinds = {
  steps: () => trainer.step(batch, STEP),
  /** 16 MiB each time: a few that are left would show. */
  handles: async (round) => {
    const embeddings = addon.embeddingsFrom(new Float32Array(4 * EMBEDDING));
    const encoding = await encoder.begin(picture);
    await cache.write(`key${round % 8}`, batch.embeddings);
    const read = await cache.read([`key${round % 8}`]);
    for (const handle of [embeddings, encoding, read]) handle.dispose();
  },
  failures: async () => {
    const short = { ...batch, targets: new Uint8Array(5) };
    await expectFailure('SAM_BAD_SHAPE', () => trainer.step(short, STEP));
    await expectFailure('SAM_BAD_SHAPE', () => addon.embeddingsFrom(values.subarray(1)));
    await expectFailure('SAM_BAD_ARGUMENT', () => cache.read(['no such key']));
    await expectFailure('SAM_IO', () =>
      addon.loadModel({ weights: join(folder, 'none'), device: 'cpu', precision: 'fp32' }),
    );
    await expectFailure('SAM_BAD_CHECKPOINT', () => trainer.restore(notWeights));
    const nothing = { path: notWeights, device: 'cpu', precision: 'fp32' };
    await expectFailure('SAM_BAD_ENCODER', () => addon.loadEncoder(nothing));
  },
};

function residentMiB() {
  globalThis.gc();
  return process.memoryUsage.rss() / 2 ** 20;
}

let before = 0;
for (let round = 0; round < Number(rounds); round++) {
  if (round === Number(settled)) before = residentMiB();
  await kinds[kind](round);
}
const after = residentMiB();
for (const handle of [encoder, model, trainer, cache, batch.embeddings]) handle.dispose();
rmSync(folder, { recursive: true, force: true });
process.stdout.write(JSON.stringify({ before, after, leftOver: addon.info().liveHandles - start }));
