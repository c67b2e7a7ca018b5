#!/usr/bin/env node
/**
 * How much memory a data set of N samples takes, a folder and a COCO file of tiny pictures that are made for it: read, its labels
 * checked, the keys of its embeddings made and looked up (all are said to be there), an epoch of batches prepared. No model.
 *
 *     npx tsc -p . && node scripts/bench-memory.mjs 1000 100000
 */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { native } from '../dist/addon/native.js';
import { shuffled } from '../dist/core/random.js';
import { openData } from '../dist/data/open-data.js';
import { concatenated, pick } from '../dist/data/sample-list.js';
import { EmbeddingStore } from '../dist/embeddings/embedding-store.js';
import { planBatches, prepareBatch } from '../dist/training/batches.js';
import { checkSamples } from '../dist/training/check-samples.js';
import { LowResMasks } from '../dist/training/masks.js';
import { MASKS, nameOf, SIDE, writeFolder } from './bench/data-set.mjs';

const PROMPTS = {
  ...{ kind: 'box', numPositive: 0, numNegative: 0, erode: false, dynamicDistance: false },
  ...{ perturbation: 10, pointSets: 'joint', padTo: 0 },
};

/** As many annotations, ten of each picture of the folder. */
async function writeCoco(root, count) {
  const pictures = Math.ceil(count / 10);
  const images = Array.from({ length: pictures }, (_, id) => ({
    id,
    file_name: nameOf(id),
    width: SIDE,
    height: SIDE,
  }));
  const annotations = Array.from({ length: count }, (_, id) => {
    const [top, bottom] = [id % MASKS, (id % MASKS) + 20];
    return { id, image_id: id % pictures, category_id: 1, segmentation: [[5, top, 30, top, 30, bottom, 5, bottom]] };
  });
  await mkdir(root, { recursive: true });
  const write = (split, some) =>
    writeFile(join(root, `${split}.json`), JSON.stringify({ images, annotations: some, categories: [{ id: 1 }] }));
  await write('train', annotations);
  await write('validation', annotations.slice(0, 1));
}

/** An open store that finds whatever it looks for. */
async function fullStore(cacheDir) {
  native().openCache = () => ({
    has: () => true,
    read: async (keys) => ({ count: keys.length, toFloat32Array: () => new Float32Array(0), dispose() {} }),
    dispose() {},
  });
  const encoder = { name: 'none', encoder: 'none', encoderHash: 'none' };
  return EmbeddingStore.open({ encoder, device: 'cpu', precision: 'fp32', cacheDir, cache: true });
}

async function measure(data, images) {
  const cacheDir = join(data, 'cache');
  const embeddings = await fullStore(cacheDir);
  const splits = { trainSplit: 'train', validationSplit: 'validation' };
  const masks = new LowResMasks(256, undefined);
  const checking = { skipBad: false, onEmpty: 'fail', onWarning() {} };
  const started = performance.now();
  const found = await openData({ ...splits, data, images, cacheDir, skipBad: false, seed: 1 });
  const { train, validation } = await checkSamples(found, masks, checking);
  await embeddings.ensure(concatenated(train, validation));
  const source = { masks, prompts: PROMPTS, seed: 1, embeddings };
  for (const plan of planBatches(pick(train, shuffled(train.length, 1, 0)), 4)) {
    (await prepareBatch(source, plan, 0)).dispose();
  }
  const seconds = Math.round((performance.now() - started) / 1000);
  const peak = Math.round(process.resourceUsage().maxRSS / 1024);
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  const live = Math.round((heapUsed + arrayBuffers) / 2 ** 20);
  const kind = images === undefined ? 'folder' : 'COCO';
  console.log(
    `${kind}, ${train.length} samples: ${peak} MiB at most, ${live} MiB of it in use at the end, ${seconds} s`,
  );
}

const [first, ...more] = process.argv.slice(2);
if (first === '--measure') await measure(...more);
else {
  const root = await mkdtemp(join(tmpdir(), 'sam-native-memory-'));
  try {
    for (const count of [first ?? '1000', ...more]) {
      const [folder, coco] = [join(root, count), join(root, `${count}-coco`)];
      await writeFolder(folder, Number(count));
      await writeCoco(coco, Number(count));
      // Each in a process of its own: what one has taken, it may keep.
      for (const source of [[folder], [coco, join(folder, 'train', 'images')]]) {
        const own = ['--expose-gc', fileURLToPath(import.meta.url), '--measure', ...source];
        spawnSync(process.execPath, own, { stdio: 'inherit' });
      }
    }
  } finally {
    await rm(root, { recursive: true });
  }
}
