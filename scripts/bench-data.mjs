/**
 * The way of an image to the encoder beside the recipe's, what a read of the embedding cache takes beside a copy in memory (in turn,
 * medians), and for how much of the encoding the encoder had nothing to do.
 *
 *   node scripts/bench-data.mjs --python PYTHON [--image FILE.jpg] [--rounds 5] [--profile FILE.json]
 *
 * PYTHON (or $PYTHON): with torch, transformers and Pillow. Without --image, a sample river at 1024 x 1024. The timeline is that of
 * MobileSAM, whose encoder is the fastest and so waits the soonest; --profile keeps it.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { native } from '../dist/addon/native.js';
import { defaultCacheDir } from '../dist/core/cache-dir.js';
import { decodeImage } from '../dist/data/decode.js';
import { loadData } from '../dist/data/open-data.js';
import { resolveModel } from '../dist/models/resolve.js';
import { trainOptionsSchema } from '../dist/options.js';
import { median } from '../dist/scoring/statistics.js';
import { machine, report } from './bench/rows.mjs';
import { run, runOurs } from './bench/sides.mjs';

const SIDE = 1024;
const SAMPLES = 20; // of a median, as in bench-data.py
const FLOATS = 256 * 64 * 64;
const STORED = 64; // embeddings in the cache, more than the processor's caches hold
const BATCH = 4;
const COLUMNS = 100; // of the timeline

const { values: flags } = parseArgs({
  options: {
    python: { type: 'string', default: process.env.PYTHON },
    image: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    profile: { type: 'string' },
  },
});
if (flags.python === undefined) {
  console.error('error: --python PYTHON (with torch, transformers and Pillow) is needed');
  process.exit(2);
}
const rounds = Number(flags.rounds);
const scratch = mkdtempSync(join(tmpdir(), 'sam-native-bench-data-'));
try {
  console.log(JSON.stringify(machine()));
  native().setThreads(availableParallelism());
  report([await imageRow(), ...(await cacheRows()), await timelineRow()]);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** Decoding, resizing and normalising, ours and the recipe's. */
async function imageRow() {
  const image = flags.image ?? (await sampleJpeg());
  const script = fileURLToPath(new URL('bench-data.py', import.meta.url));
  const { encoder: path } = await resolveModel('mobile-sam', { cacheDir: defaultCacheDir() });
  const encoder = await native().loadEncoder({ path, device: 'cpu', precision: 'fp32', check: false });
  const prepare = () =>
    milliseconds(async () => {
      const decoded = await decodeImage({ name: image, image: { path: image } });
      (await encoder.begin(decoded)).dispose();
    });
  const [ours, theirs] = [[], []];
  let versions = '';
  for (let round = 0; round < rounds; round++) {
    ours.push((await medianOf(prepare)) / 1000);
    const { seconds, ...used } = JSON.parse(await run(flags.python, [script, image, '--rounds', String(SAMPLES)], {}));
    theirs.push(seconds);
    versions = Object.entries(used)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ');
  }
  encoder.dispose();
  const name = 'an image from JPEG to the encoder';
  return { name, ours: median(ours), peer: median(theirs), unit: 's', target: 2, note: `SamProcessor (${versions})` };
}

async function sampleJpeg() {
  const hooks = { onWarning: console.error, onNote: console.error, signal: undefined };
  const { train } = await loadData(
    { ...trainOptionsSchema.parse({ data: 'sample:rivers', limit: 1 }), cacheDir: defaultCacheDir() },
    hooks,
  );
  const path = join(scratch, 'river.jpg');
  await sharp(train.at(0).image.path).resize(SIDE, SIDE).jpeg({ quality: 92 }).toFile(path);
  return path;
}

/** A batch of embeddings read from the cache (the disk's pages being in memory), and the same floats copied from memory to memory. */
async function cacheRows() {
  const rows = [];
  const bytes = 4 * FLOATS; // as the decoder gets it
  for (const precision of ['fp16', 'fp32']) {
    const cache = await native().openCache({ directory: join(scratch, precision), precision });
    const keys = Array.from({ length: STORED }, (_, index) => String(index).padStart(64, '0'));
    const values = Float32Array.from({ length: FLOATS }, (_, index) => Math.sin(index) / 10);
    for (const key of keys) {
      const embedding = native().embeddingsFrom(values);
      await cache.write(key, embedding);
      embedding.dispose();
    }
    await cache.flush();
    const memory = Buffer.alloc(STORED * bytes, 1);
    const into = Buffer.alloc(BATCH * bytes);
    let at = 0;
    const next = () => {
      at = (at + BATCH) % STORED;
      return at;
    };
    const read = () =>
      milliseconds(async () => {
        const first = next();
        (await cache.read(keys.slice(first, first + BATCH))).dispose();
      });
    const copy = () =>
      milliseconds(async () => {
        const first = next();
        memory.copy(into, 0, first * bytes, (first + BATCH) * bytes);
      });
    const [ours, theirs] = [[], []];
    for (let round = 0; round < rounds; round++) {
      ours.push(await medianOf(read));
      theirs.push(await medianOf(copy));
    }
    cache.dispose();
    const speed = (times) => ((BATCH * bytes) / 1e6 / median(times)).toFixed(1);
    rows.push({
      name: `${BATCH} embeddings read from the cache, ${precision}`,
      ours: median(ours) / 1000,
      peer: median(theirs) / 1000,
      unit: 's',
      target: 0.33, // copied, checked, converted: three passes over memory
      note: `${speed(ours)} GB/s; a copy in memory: ${speed(theirs)} GB/s`,
    });
  }
  return rows;
}

/** How much of the encoding, from its first slice to its last, no slice of the encoder ran. */
async function timelineRow() {
  const profile = resolve(flags.profile ?? join(scratch, 'profile.json'));
  await runOurs({ data: 'sample:rivers', model: 'mobile-sam', limit: 16, epochs: 1, profile }, scratch);
  const { traceEvents } = JSON.parse(readFileSync(profile, 'utf8'));
  const named = (name) =>
    traceEvents.filter((event) => event.ph === 'X' && event.name === name && event.cat === 'user_annotation');
  const slices = named('encode');
  const from = Math.min(...slices.map(({ ts }) => ts));
  const to = Math.max(...slices.map(({ ts, dur }) => ts + dur));
  const busy = slices.reduce((sum, { dur }) => sum + dur, 0);
  const spans = spansOf(traceEvents, 'decode image');
  console.log(
    `\n${((to - from) / 1000).toFixed(0)} ms of encoding, a column is ${((to - from) / 1000 / COLUMNS).toFixed(1)} ms`,
  );
  for (const [name, parts] of [
    ['decode image', spans],
    ['preprocess', named('preprocess')],
    ['encode', slices],
    ['write embedding', named('write embedding')],
  ])
    console.log(`${name.padEnd(16)}|${lane(parts, from, to)}|`);
  console.log('');
  const idle = 100 * (1 - busy / (to - from));
  return { name: 'of the encoding, without the encoder running', ours: idle, unit: '%', target: 5, note: 'MobileSAM' };
}

/** Pairs of asynchronous events as slices. */
function spansOf(events, name) {
  const ends = new Map(events.filter((e) => e.ph === 'e' && e.name === name).map(({ id, ts }) => [id, ts]));
  return events.filter((e) => e.ph === 'b' && e.name === name).map(({ id, ts }) => ({ ts, dur: ends.get(id) - ts }));
}

/** One character for each column of time: # busy for most of it, - for some of it. */
function lane(parts, from, to) {
  const width = (to - from) / COLUMNS;
  return Array.from({ length: COLUMNS }, (_, column) => {
    const [start, end] = [from + column * width, from + (column + 1) * width];
    const busy = parts.reduce(
      (sum, { ts, dur }) => sum + Math.max(0, Math.min(end, ts + dur) - Math.max(start, ts)),
      0,
    );
    return busy > width / 2 ? '#' : busy > 0 ? '-' : ' ';
  }).join('');
}

async function medianOf(time) {
  await time();
  const times = [];
  for (let sample = 0; sample < SAMPLES; sample++) times.push(await time());
  return median(times);
}

async function milliseconds(work) {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
