/** The two sides of the whole job: a run of `sam-native train`, and one of the recipe in Python. */
import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kebab } from '../../dist/core/suggest.js';

export const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const PEAK = fileURLToPath(new URL('peak.mjs', import.meta.url));
const RECIPE = fileURLToPath(new URL('../bench-recipe.py', import.meta.url));

/** As it was before the addon, loaded into this process, said how OpenMP shall wait: the recipe runs as its user's shell would run it. */
const ENVIRONMENT = { ...process.env };

/** What a careful user of PyTorch sets, so that freed memory stays with the process. */
export const TUNED_ALLOCATOR = {
  MALLOC_MMAP_MAX_: '0',
  MALLOC_TRIM_THRESHOLD_: '17179869184',
  MALLOC_TOP_PAD_: '134217728',
};

/**
 * A training run from an empty cache: weights, embeddings and all.
 * @param options of `train`, by their TypeScript names
 * @returns the result of `--json`, with `wall` (seconds, start-up included), `peakMiB` and the `losses` of all steps.
 */
export async function runOurs(options, scratch) {
  const [out, cacheDir] = [join(scratch, 'run'), join(scratch, 'cache')];
  for (const path of [out, cacheDir]) rmSync(path, { recursive: true, force: true });
  const result = await train({ ...options, out, cacheDir }, scratch);
  const history = readFileSync(join(out, 'history.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const losses = history.filter(({ type }) => type === 'step').map(({ loss }) => loss);
  rmSync(cacheDir, { recursive: true, force: true });
  return { ...result, losses };
}

/** `--resume` of a run: the result of `--json` with `wall` and `peakMiB`. */
export function resumeOurs(runDir, scratch) {
  return train({ resume: runDir }, scratch);
}

async function train(options, scratch) {
  const peak = join(scratch, 'peak');
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${kebab(name)}`, String(value)]);
  const started = performance.now();
  const text = await run(process.execPath, ['--import', PEAK, MAIN, 'train', ...flags, '--json'], {
    SAM_BENCH_PEAK: peak,
  });
  const wall = (performance.now() - started) / 1000;
  return { ...JSON.parse(text), wall, peakMiB: Number(readFileSync(peak, 'utf8')) };
}

/**
 * The recipe: bench-recipe.py's own result, with `wall`.
 * @param flags of bench-recipe.py, by their names without the dashes; `tuned`: with the careful user's allocator
 */
export async function runRecipe({ python, plan, tuned = false, ...flags }, scratch) {
  const [planFile, out] = [join(scratch, 'plan.json'), join(scratch, 'recipe.pt')];
  writeFileSync(planFile, JSON.stringify(plan));
  const args = Object.entries({ ...flags, plan: planFile, out }).flatMap(([name, value]) => [
    `--${name}`,
    String(value),
  ]);
  const started = performance.now();
  const text = await run(python, [RECIPE, ...args], tuned ? TUNED_ALLOCATOR : {});
  const wall = (performance.now() - started) / 1000;
  rmSync(out, { force: true });
  return { ...JSON.parse(text), wall };
}

/** Stdout of a program, run as its user's shell would run it; what it says on stderr is passed on. */
export function run(program, args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { ...ENVIRONMENT, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(text);
      else reject(new Error(`${program} ${args[0]} ended with code ${code}`));
    });
  });
}
