/**
 * The image encoder and the training step beside those of `transformers`, in turn (A B A B, medians), each in a process of its own.
 *
 *   node scripts/bench-transformers.mjs --python PYTHON --model FOLDER [--rounds 3]
 *
 * PYTHON (or $PYTHON): with torch and transformers. FOLDER (or $SAM_BENCH_MODEL): a ViT in Hugging Face's layout, such as
 * `scripts/reference_vit.py base FOLDER` makes with random weights, which changes no timing.
 */
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { native } from '../dist/native.js';
import { machine, median, report } from './bench/rows.mjs';
import { runPython, TUNED_ALLOCATOR } from './bench/sides.mjs';

const BATCH = 4;
const ROUNDS = 5; // within a process, after one to warm up
const SIDE = 1024;

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

/** In the child: seconds of ours. */
async function measure(what, precision, model) {
  const { resolveModel } = await import('../dist/models/resolve.js');
  const { defaultCacheDir } = await import('../dist/setup/cache-dir.js');
  const binding = native();
  binding.setThreads(cpus().length);
  const { encoder, weights } = await resolveModel(model, { cacheDir: defaultCacheDir() });
  const run = what === 'encoder' ? await encoding(encoder, precision) : await stepping(weights, precision, what);
  await run();
  const seconds = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    await run();
    seconds.push((performance.now() - start) / 1000);
  }
  process.stdout.write(JSON.stringify({ seconds: median(seconds) }));
}

async function encoding(path, precision) {
  const encoder = await native().loadEncoder({ path, device: 'cpu', precision, check: false });
  const pixels = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => (i * 7919) % 251);
  return async () => {
    const encoding = await encoder.begin({ pixels, width: SIDE, height: SIDE });
    while (!(await encoding.advance()));
    encoding.dispose();
  };
}

async function stepping(weights, precision, layout) {
  const separate = layout === 'separate';
  const model = await native().loadModel({ weights, device: 'cpu', precision });
  const trainer = native().createTrainer(model, {
    weightDecay: 1e-2, // PyTorch's default
    loss: { dice: 1, bce: 1, focal: 0, iou: 0, rowDiceCe: 0 },
    selection: { maskOutput: separate ? 'single' : 'multi', multiMask: 'best' },
  });
  const batch = {
    embeddings: native().embeddingsFrom(
      Float32Array.from({ length: BATCH * 256 * 64 * 64 }, (_, i) => Math.sin(i * i) / 10),
    ),
    prompts: {
      images: BATCH,
      promptsPerImage: separate ? 3 : 1,
      pointsPerPrompt: separate ? 1 : 3,
      points: Float32Array.from({ length: BATCH * 6 }, (_, i) => (i * 389) % SIDE),
      pointLabels: new Int32Array(BATCH * 3).fill(1),
    },
    targets: Uint8Array.from({ length: BATCH * 256 * 256 }, (_, i) => ((i * 7919) % 251 > 150 ? 1 : 0)),
    maskSize: 256,
    validSizes: new Int32Array(BATCH * 2).fill(256),
  };
  return () => trainer.step(batch, { learningRate: 1e-6, update: true, scale: 1 });
}

async function compare({ python, model, rounds }) {
  console.log(JSON.stringify(machine()));
  const script = fileURLToPath(new URL('bench-transformers.py', import.meta.url));
  const rows = [];
  for (const { what, ours, peers } of COMPARISONS) {
    const own = ours.map(() => []);
    const theirs = peers.map(() => []);
    for (let round = 0; round < rounds; round++) {
      for (const [i, precision] of ours.entries()) {
        const args = [fileURLToPath(import.meta.url), '--child', what, precision, model];
        own[i].push(JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })).seconds);
      }
      for (const [i, { flags, tuned }] of peers.entries()) {
        const args = [script, what, model, ...flags, '--batch', String(BATCH)];
        const result = JSON.parse(await runPython(python, args, tuned ? TUNED_ALLOCATOR : {}));
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
    options: { python: { type: 'string' }, model: { type: 'string' }, rounds: { type: 'string', default: '3' } },
  });
  const python = values.python ?? process.env.PYTHON;
  const model = values.model ?? process.env.SAM_BENCH_MODEL;
  if (python === undefined || model === undefined) {
    console.error('error: --python PYTHON (with torch and transformers) and --model FOLDER are needed');
    process.exit(2);
  }
  await compare({ python, model, rounds: Number(values.rounds) });
}
