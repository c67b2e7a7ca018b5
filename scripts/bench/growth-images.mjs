/**
 * What grows with the images of a data set: its embedding cache (files, opening, looking up, reading, writing, eviction), and what a run does
 * before its first step when all embeddings are there. Run as a program it does one of the `JOBS` in the folder given.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { native } from '../../dist/addon/native.js';
import { openData } from '../../dist/data/open-data.js';
import { concatenated } from '../../dist/data/sample-list.js';
import { collectGarbage, listFolders } from '../../dist/embeddings/embedding-folders.js';
import { EmbeddingStore } from '../../dist/embeddings/embedding-store.js';
import { median } from '../../dist/scoring/statistics.js';
import { checkSamples } from '../../dist/training/check-samples.js';
import { LowResMasks } from '../../dist/training/masks.js';
import { writeFolder } from './data-set.mjs';
import { writeZeroShards } from './zero-shards.mjs';

const SHARD = 16;
const BATCH = 4;
const REPEATS = 7;

const dataIn = (root) => join(root, 'data');
const cacheIn = (root) => join(root, 'cache');

/** In the folder: a data set of `count` images and a cache that holds all their embeddings. */
async function prepare(root, count) {
  await writeFolder(dataIn(root), Number(count) - 1); // one more is there to validate
  const keys = [];
  const opened = { directory: '' };
  const openCache = native().openCache;
  native().openCache = ({ directory }) => {
    opened.directory = directory;
    return { has: (key) => keys.push(key) > 0, dispose() {} };
  };
  await ensureAll(root, await openAll(root));
  native().openCache = openCache;
  await writeZeroShards(opened.directory, keys);
  await writeFile(join(root, 'keys.json'), JSON.stringify({ keys, ...opened }));
  return {};
}

function openAll(root) {
  const splits = { trainSplit: 'train', validationSplit: 'validation' };
  return openData({ ...splits, data: dataIn(root), cacheDir: cacheIn(root), skipBad: false, seed: 1 });
}

/** Looks for the embeddings, all of which must be there. */
async function ensureAll(root, { train, validation }) {
  const encoder = { name: 'none', encoder: 'none', encoderHash: 'none' };
  const cacheDir = cacheIn(root);
  const store = await EmbeddingStore.open({ encoder, device: 'cpu', precision: 'bf16', cacheDir, cache: true });
  const { encoded } = await store.ensure(concatenated(train, validation));
  if (encoded > 0) throw new Error(`${encoded} embeddings were not found`);
  await store.dispose();
}

/** All that a run does with its images before its first step: reads their names, checks their labels, looks for their embeddings. */
async function resume(root) {
  const checking = { skipBad: false, onEmpty: 'fail', onWarning() {} };
  const resuming = await seconds(async () => {
    const checked = await checkSamples(await openAll(root), new LowResMasks(256, undefined), checking);
    await ensureAll(root, checked);
  });
  return { resuming, memory: process.resourceUsage().maxRSS / 1024 };
}

async function useCache(root) {
  const { keys, directory } = JSON.parse(await readFile(join(root, 'keys.json'), 'utf8'));
  const shards = (await readdir(directory)).filter((name) => name.endsWith('.safetensors'));
  const open = () => native().openCache({ directory, precision: 'fp16' });
  const opening = await medianOf(REPEATS, async () => (await open()).dispose());
  const cache = await open();
  const lookUps = await medianOf(REPEATS, () => {
    if (!keys.every((key) => cache.has(key))) throw new Error('a key is missing');
  });
  const batch = (round) => Array.from({ length: BATCH }, (_, i) => keys[((BATCH * round + i) * 7919) % keys.length]);
  const reading = await medianOf(REPEATS * 8, async (round) => (await cache.read(batch(round))).dispose());
  const embedding = native().embeddingsFrom(new Float32Array(256 * 64 * 64).fill(1));
  const writing = await medianOf(REPEATS, async (round) => {
    for (let i = 0; i < SHARD; i++) await cache.write(`new ${round} ${i}`, embedding);
  });
  cache.dispose();
  return { files: shards.length, opening, lookUps, reading, writing };
}

async function evict(root) {
  const listing = await medianOf(REPEATS, () => listFolders(cacheIn(root)));
  const [{ bytes }] = await listFolders(cacheIn(root));
  let removed = 0;
  const evicting = await seconds(async () => {
    removed = (await collectGarbage(cacheIn(root), bytes / 2)).removedShards;
  });
  if (removed === 0 || !existsSync(cacheIn(root))) throw new Error('nothing was evicted');
  return { listing, evicting };
}

async function seconds(work) {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

async function medianOf(repeats, work) {
  const times = [];
  for (let round = 0; round < repeats; round++) times.push(await seconds(() => work(round)));
  return median(times);
}

const JOBS = { prepare, resume, useCache, evict };
const [job, ...args] = process.argv.slice(2);
process.stdout.write(JSON.stringify(await JOBS[job](...args)));
