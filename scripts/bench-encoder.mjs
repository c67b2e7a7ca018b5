// Times image encoders, one picture at a time: fp32 against bf16 in turn, each in a process of its own. Prints medians as a
// Markdown table; the peak is the whole process's, its weights included.
//
//   node scripts/bench-encoder.mjs MODEL... [--rounds N]    a MODEL as `--model` takes it, e.g. mobile-sam facebook/sam-vit-base
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { median } from '../dist/scoring/statistics.js';

const PRECISIONS = ['fp32', 'bf16'];
const IMAGES = 3; // after one to warm up
const SIDE = 1024;

/** In the child: one line of JSON. */
async function measure(model, precision) {
  const { native } = await import('../dist/addon/native.js');
  const { resolveModel } = await import('../dist/models/resolve.js');
  const { defaultCacheDir } = await import('../dist/core/cache-dir.js');
  const binding = native();
  binding.setThreads(cpus().length);
  const { encoder: path, name } = await resolveModel(model, { cacheDir: defaultCacheDir() });
  const start = performance.now();
  const encoder = await binding.loadEncoder({ path, device: 'cpu', precision, check: false });
  const load = performance.now() - start;
  const pixels = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => (i * 7919) % 251);
  const [seconds, slices] = [[], []];
  for (let i = 0; i <= IMAGES; i++) {
    const encoding = await encoder.begin({ pixels, width: SIDE, height: SIDE });
    const began = performance.now();
    for (let done = false; !done; ) {
      const slice = performance.now();
      done = await encoding.advance();
      slices.push(performance.now() - slice);
    }
    seconds.push((performance.now() - began) / 1000);
    encoding.dispose();
  }
  const mib = process.resourceUsage().maxRSS / 1024;
  const longest = Math.max(...slices.slice(slices.length / (IMAGES + 1)));
  process.stdout.write(JSON.stringify({ name, load: load / 1000, encode: median(seconds.slice(1)), longest, mib }));
}

function compare(models, rounds) {
  console.log('| encoder | load, s | one image, s | longest slice, ms | peak, MiB |\n|---|---|---|---|---|');
  for (const model of models) {
    const results = PRECISIONS.map(() => []);
    for (let round = 0; round < rounds; round++) {
      for (const [i, precision] of PRECISIONS.entries()) {
        const args = [fileURLToPath(import.meta.url), '--child', model, precision];
        results[i].push(JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })));
      }
    }
    for (const [i, precision] of PRECISIONS.entries()) {
      const of = (key, digits) => median(results[i].map((result) => result[key])).toFixed(digits);
      console.log(
        `| ${results[i][0].name}, ${precision} | ${of('load', 1)} | ${of('encode', 2)} | ${of('longest', 0)} | ${of('mib', 0)} |`,
      );
    }
  }
}

const args = process.argv.slice(2);
if (args[0] === '--child') await measure(args[1], args[2]);
else {
  const at = args.indexOf('--rounds');
  const rounds = at < 0 ? 3 : Number(args.splice(at, 2)[1]);
  compare(args, rounds);
}
