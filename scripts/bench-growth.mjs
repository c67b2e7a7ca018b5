/**
 * How time and memory grow: against images, epochs, images a batch, prompts an image. Between neighbouring sizes it gives the exponent of
 * growth, log(value ratio) / log(size ratio): 1 is linear, 0 is flat.
 *
 *   node scripts/bench-growth.mjs [--only images,epochs,batch,points,prompts] [--quick]
 *
 * About 20 minutes and 5 GB of disk. `--quick`: a minute, small sizes; shows that all runs. The cache's embeddings are holes in files
 * (bench/zero-shards.mjs); all else is real. Uses MobileSAM.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeRivers } from '../dist/samples/sample-rivers.js';
import { machine, report, show } from './bench/rows.mjs';
import { resumeOurs, run, runOurs } from './bench/sides.mjs';

/** The largest exponents allowed, with room for what clocks and caches add. */
const LINEAR = 1.1;
const FLAT = 0.1;

/** Of each: `measure(n)` gives the values that `values` describes, as [name, unit, largest exponent]. */
const PARTS = {
  images: {
    sizes: [100, 1000, 10000, 100000],
    quick: [100, 1000],
    measure: measureImages,
    values: {
      files: ['files of the cache', '', LINEAR],
      opening: ['opening the cache', 's', LINEAR],
      lookUps: ['looking up all keys', 's', LINEAR],
      reading: ['reading a batch of 4', 's', FLAT],
      writing: ['adding a shard of 16', 's', FLAT],
      resuming: ['resuming: labels checked, all embeddings found', 's', LINEAR],
      memory: ['peak memory of resuming', 'MiB', FLAT],
      listing: ['`cache ls`', 's', LINEAR],
      evicting: ['evicting half', 's', LINEAR],
    },
  },
  epochs: {
    sizes: [5, 50, 500],
    quick: [1, 4],
    measure: measureEpochs,
    values: {
      training: ['`train`, one image to train on', 's', LINEAR],
      memory: ['peak memory of `train`', 'MiB', FLAT],
      history: ['history.jsonl', 'KiB', LINEAR],
      folder: ['run folder', 'MiB', FLAT],
      resuming: ['`train --resume` of the finished run: its report', 's', FLAT],
      resumingMemory: ['peak memory of that', 'MiB', FLAT],
    },
  },
  batch: decoderPart('batch', 'a step, 3 joint points', [1, 2, 4, 8, 16, 32], [1, 2, 4]),
  points: decoderPart('points', 'a step of one image, separate points, `best`', [1, 4, 16, 64], [1, 4]),
  prompts: decoderPart('prompts', 'prompts of one image, predicted', [1, 4, 16, 64], [1, 4]),
};

function decoderPart(job, what, sizes, quick) {
  return {
    sizes,
    quick,
    measure: (n) => child('growth-decoder.mjs', job, n),
    values: { seconds: [what, 's', LINEAR], memory: ['peak memory of that', 'MiB', LINEAR] },
  };
}

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(PARTS).join(',') },
    quick: { type: 'boolean', default: false },
  },
});
const wanted = flags.only.split(',');
const unknown = wanted.filter((name) => !(name in PARTS));
if (unknown.length > 0) throw new Error(`--only ${unknown}: expected some of ${Object.keys(PARTS)}`);
const scratch = mkdtempSync(join(tmpdir(), 'sam-native-bench-'));

/** What a program of bench/ says, run in a process of its own: what one has taken of memory, it may keep. */
async function child(file, ...args) {
  const path = fileURLToPath(new URL(`bench/${file}`, import.meta.url));
  return JSON.parse(await run(process.execPath, [path, ...args.map(String)], {}));
}

async function measureImages(count) {
  const root = join(scratch, 'images');
  const job = (name, ...args) => child('growth-images.mjs', name, root, ...args);
  try {
    await job('prepare', count);
    return { ...(await job('resume')), ...(await job('useCache')), ...(await job('evict')) };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function measureEpochs(epochs) {
  const data = await makeRivers(scratch, {}, { train: 1, validation: 1 });
  const options = { data, epochs, batchSize: 1, model: 'mobile-sam', seed: 1 };
  const { runDir, wall, peakMiB } = await runOurs(options, scratch);
  const again = await resumeOurs(runDir, scratch);
  if (again.epochs !== epochs) throw new Error(`the finished run reports ${again.epochs} epochs of ${epochs}`);
  return {
    ...{ training: wall, memory: peakMiB, resuming: again.wall, resumingMemory: again.peakMiB },
    ...{ history: statSync(join(runDir, 'history.jsonl')).size / 2 ** 10, folder: (await bytesOf(runDir)) / 2 ** 20 },
  };
}

/** `last` may be another name of `best`: both count, as they do later. */
async function bytesOf(folder) {
  const sizes = (await readdir(folder, { recursive: true })).map((name) => statSync(join(folder, name)).size);
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Growth between neighbours. */
function exponents(sizes, values) {
  return sizes.slice(1).map((size, i) => Math.log(values[i + 1] / values[i]) / Math.log(size / sizes[i]));
}

const rows = [];
console.log(JSON.stringify(machine()));
console.log('\n| against | what | values | exponents | at most |\n|---|---|---|---|---|');
try {
  for (const part of wanted) {
    const { sizes: all, quick, measure, values } = PARTS[part];
    const sizes = flags.quick ? quick : all;
    const measured = [];
    for (const size of sizes) {
      console.error(`${part}: ${size}`);
      measured.push(await measure(size));
    }
    const against = `${part}: ${sizes.map((size) => size.toLocaleString('en')).join(', ')}`;
    for (const [key, [what, unit, most]] of Object.entries(values)) {
      const series = measured.map((result) => result[key]);
      const growth = exponents(sizes, series);
      const cells = [
        against,
        what,
        `${series.map(show).join(', ')} ${unit}`,
        growth.map((e) => e.toFixed(2)).join(', '),
      ];
      console.log(`| ${cells.join(' | ')} | ${most} |`); // at once: the next part may take long
      rows.push({
        name: `${part}: ${what}`,
        ours: Math.max(...growth),
        unit: '',
        target: most,
        note: 'exponent of growth',
      });
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
console.log();
report(rows);
