/**
 * The image encoder and the training step beside those of `transformers`, in turn (A B A B, medians), each in a process of its own.
 *
 *   node scripts/bench-transformers.mjs --python PYTHON --model FOLDER [--rounds 3] [--only encoder,separate,joint]
 *
 * PYTHON (or $PYTHON): with torch and transformers. FOLDER (or $SAM_BENCH_MODEL): a ViT in Hugging Face's layout, such as
 * `scripts/reference_vit.py base FOLDER` makes with random weights, which changes no timing.
 */
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { native } from '../dist/addon/native.js';
import { defaultCacheDir } from '../dist/core/cache-dir.js';
import { resolveModel } from '../dist/models/resolve.js';
import { median } from '../dist/scoring/statistics.js';
import { timeEncoder, timeStep } from '../dist/tasks/bench/measure.js';
import { machine, report } from './bench/rows.mjs';
import { run, TUNED_ALLOCATOR } from './bench/sides.mjs';

const BATCH = 4;
const EFFORT = { warmups: 1, rounds: 5 }; // in a process, as bench-transformers.py

/** What is compared: ours with each of the peers. bf16 is ours where the processor has it, as `--precision auto` is. */
const COMPARISONS = [
  {
    what: 'encoder',
    ours: ['bf16'],
    peers: [
      {
        name: 'transformers at its best (bf16, allocator tuned)',
        flags: ['--dtype', 'bf16'],
        tuned: true,
        target: 1.35,
      },
      { name: "transformers' default (fp32)", flags: [], tuned: false, target: 2.5 },
    ],
  },
  ...['separate', 'joint'].map((what) => ({
    what,
    ours: ['bf16', 'fp32'],
    peers: [
      { name: 'eager PyTorch, default allocator', flags: [], tuned: false, target: 2.5 },
      { name: 'eager PyTorch, allocator tuned', flags: [], tuned: true, target: 1.6 },
    ],
  })),
];
const NAMES = {
  encoder: 'an image through the encoder',
  separate: `a step of ${BATCH} images, 3 separate points, best`,
  joint: `a step of ${BATCH} images, 3 joint points, 3 masks`,
};

/** Of a step: as bench-transformers.py does it. */
const STEPS = {
  separate: { pointSets: 'separate', maskOutput: 'single', multiMask: 'best' },
  joint: { pointSets: 'joint', maskOutput: 'multi', multiMask: 'best' },
};
const TRAINING = { loss: 'dice:1+bce:1', lr: 1e-6, weightDecay: 1e-2 };

/** In the child: seconds of ours. */
async function measure(what, precision, spec) {
  const binding = native();
  binding.setThreads(cpus().length);
  const { encoder: path, weights } = await resolveModel(spec, { cacheDir: defaultCacheDir() });
  const device = 'cpu';
  const seconds =
    what === 'encoder'
      ? await timeEncoder(await binding.loadEncoder({ path, device, precision, check: false }), EFFORT)
      : await timeStep(await binding.loadModel({ weights, device, precision }), BATCH, EFFORT, undefined, {
          ...STEPS[what],
          ...TRAINING,
        });
  process.stdout.write(JSON.stringify({ seconds }));
}

async function compare({ python, model, rounds, only }) {
  console.log(JSON.stringify(machine()));
  const script = fileURLToPath(new URL('bench-transformers.py', import.meta.url));
  const rows = [];
  for (const { what, ours, peers } of COMPARISONS.filter(({ what }) => only.includes(what))) {
    const own = ours.map(() => []);
    const theirs = peers.map(() => []);
    for (let round = 0; round < rounds; round++) {
      for (const [i, precision] of ours.entries()) {
        const args = [fileURLToPath(import.meta.url), '--child', what, precision, model];
        own[i].push(JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })).seconds);
      }
      for (const [i, { flags, tuned }] of peers.entries()) {
        const args = [script, what, model, ...flags, '--batch', String(BATCH)];
        const result = JSON.parse(await run(python, args, tuned ? TUNED_ALLOCATOR : {}));
        theirs[i].push(result.seconds);
      }
    }
    for (const [i, precision] of ours.entries())
      for (const [j, { name, target }] of peers.entries()) {
        const [mine, peer] = [median(own[i]), median(theirs[j])];
        rows.push({ name: `${NAMES[what]}, ${precision}`, ours: mine, peer, unit: 's', target, note: name });
      }
  }
  report(rows);
}

if (process.argv[2] === '--child') await measure(...process.argv.slice(3));
else {
  const { values } = parseArgs({
    options: {
      python: { type: 'string' },
      model: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      only: { type: 'string', default: Object.keys(NAMES).join(',') },
    },
  });
  const python = values.python ?? process.env.PYTHON;
  const model = values.model ?? process.env.SAM_BENCH_MODEL;
  if (python === undefined || model === undefined) {
    console.error('error: --python PYTHON (with torch and transformers) and --model FOLDER are needed');
    process.exit(2);
  }
  const only = values.only.split(',');
  const unknown = only.filter((what) => NAMES[what] === undefined);
  if (unknown.length > 0) {
    console.error(`error: --only ${unknown.join(', ')}: there are ${Object.keys(NAMES).join(', ')}`);
    process.exit(2);
  }
  await compare({ python, model, rounds: Number(values.rounds), only });
}
