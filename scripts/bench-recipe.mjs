/**
 * The whole job, ours against the article's recipe in Python (bench-recipe.py): same weights, images, points, order, batch, loss, epochs;
 * in turn (A B A B), medians. ViT-B and ViT-H have random weights, which change no timing, and are extrapolated to 1000 photographs to train on, 225
 * to validate, 50 epochs; MobileSAM, 20 + 8 photographs and 20 epochs, really runs to the end on both sides.
 *
 *   node scripts/bench-recipe.mjs [--python PYTHON] [--only losses,vit-b,vit-h,mobile-sam] [--rounds 2] [--quick] [--out FILE.json]
 *
 * PYTHON (or $PYTHON) needs torch, transformers, safetensors, pillow, numpy and monai. About two hours; `--quick` proves in
 * minutes that all runs, and its figures mean nothing. `--models DIR` keeps the random weights (0.4 and 2.6 GB) for the next time.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { defaultCacheDir } from '../dist/core/cache-dir.js';
import { resolveModel } from '../dist/models/resolve.js';
import { makeRivers } from '../dist/samples/sample-rivers.js';
import { median } from '../dist/scoring/statistics.js';
import { oursSeconds, recipeSeconds, WHOLE_JOB } from './bench/extrapolate.mjs';
import { makePlan } from './bench/plan.mjs';
import { machine, report } from './bench/rows.mjs';
import { runOurs, runRecipe } from './bench/sides.mjs';

const CASES = ['losses', 'vit-b', 'vit-h', 'mobile-sam'];
const { values: flags } = parseArgs({
  options: {
    python: { type: 'string', default: process.env.PYTHON ?? 'python3' },
    only: { type: 'string', default: CASES.join(',') },
    rounds: { type: 'string', default: '2' },
    models: { type: 'string' },
    out: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
});
const wanted = flags.only.split(',');
const unknown = wanted.filter((name) => !CASES.includes(name));
if (unknown.length > 0) throw new Error(`--only ${unknown}: expected some of ${CASES}`);
const rounds = flags.quick ? 1 : Number(flags.rounds);
const { python } = flags;
const scratch = mkdtempSync(join(tmpdir(), 'sam-native-bench-'));

/** The recipe's step in our options: each point a prompt of its own, the best mask counts, one mask output, Dice + BCE. */
const LIKE_FOR_LIKE = {
  ...{ pointSets: 'separate', multiMask: 'best', maskOutput: 'single', missingPoints: 'token' },
  ...{ loss: 'dice:1+bce:1', lr: 2e-5, weightDecay: 2e-4, warmupSteps: 10 },
  report: false, // the recipe draws none
};

/** A round of the jobs that are extrapolated. At least 64 images and 50 steps in two rounds; ViT-H, whose images take the recipe 45 s each, fewer. */
const SIZES = {
  'vit-b': { size: 'base', name: 'ViT-B', batch: 8, images: 32, steps: 28, validation: 8 },
  'vit-h': { size: 'huge', name: 'ViT-H', batch: 2, images: 4, steps: 8, validation: 2 },
};
const QUICK = { batch: 2, images: 2, steps: 2, validation: 1 };

/** How far the losses of both sides may differ, relative to the recipe's. */
const LOSS_BOUND = 1e-3;

/** Random weights as transformers' folder. */
function vitFolder(size) {
  const folder = join(flags.models ?? join(scratch, 'models'), `vit-${size}`);
  if (!existsSync(join(folder, 'model.safetensors'))) {
    const script = fileURLToPath(new URL('reference_vit.py', import.meta.url));
    execFileSync(python, [script, size, folder], { stdio: ['ignore', 'inherit', 'inherit'] });
  }
  return folder;
}

/** 1024 x 1024 photographs, drawn. */
function photographs(train, validation) {
  return makeRivers(join(scratch, `rivers-${train}-${validation}`), {}, { train, validation });
}

/** Both sides' losses of the first five steps, in fp32. */
async function compareLosses() {
  const mobileSam = await resolveModel('mobile-sam', { cacheDir: defaultCacheDir() });
  const models = [{ name: 'MobileSAM', model: 'mobile-sam', weights: mobileSam.weights, batch: 4 }];
  if (!flags.quick) models.push({ name: 'ViT-B', model: vitFolder('base'), weights: vitFolder('base'), batch: 1 });
  const [details, rows] = [[], []];
  for (const { name, model, weights, batch } of models) {
    const data = await photographs(5 * batch, 1);
    const options = { ...LIKE_FOR_LIKE, data, epochs: 1, batchSize: batch, seed: 42 };
    const plan = await makePlan(options);
    const ours = await runOurs({ ...options, model, precision: 'fp32' }, scratch);
    const recipe = await runRecipe({ python, plan, data, model: weights, batch, dtype: 'fp32' }, scratch);
    if (recipe.losses.length !== 5) throw new Error(`expected five steps, got ${recipe.losses.length}`);
    const worst = Math.max(...recipe.losses.map((loss, step) => Math.abs(ours.losses[step] - loss) / loss));
    details.push({ name, batch, ours: ours.losses, recipe: recipe.losses, largestRelativeDifference: worst });
    rows.push({
      name: `${name}, losses of steps 1 to 5: relative difference`,
      ours: worst,
      unit: '',
      target: LOSS_BOUND,
    });
    if (worst > LOSS_BOUND)
      throw new Error(`${name}: losses differ by ${worst}: what follows would compare different work`);
  }
  return { details, rows };
}

/** Seconds per image and per step of each side in turn, then the whole job from them. */
async function extrapolated(key) {
  const { size, name, ...amount } = { ...SIZES[key], ...(flags.quick && QUICK) };
  const { batch, images, steps, validation } = amount;
  const [data, model] = [await photographs(images, validation), vitFolder(size)];
  const epochs = Math.ceil((steps * batch) / images);
  const options = { ...LIKE_FOR_LIKE, data, batchSize: batch, epochs, seed: 42 };
  const whole = await makePlan(options);
  // One long epoch with one validation at its end, of few images: each takes the recipe's encoder as long as any other.
  const plan = { epochs: [whole.epochs.flat()], validation: whole.validation.slice(0, 2) };
  const recipe = { python, plan, data, model, batch, steps, 'encode-steps': images / batch };
  const sides = {
    recipe: () => runRecipe(recipe, scratch),
    ours: () => runOurs({ ...options, model }, scratch),
    tuned: () => runRecipe({ ...recipe, tuned: true }, scratch),
    defaults: () => runOurs({ data, epochs, seed: 42, model }, scratch),
  };
  // ViT-H has one target only, and its recipe takes long.
  const names = key === 'vit-h' ? ['recipe', 'ours'] : Object.keys(sides);
  const runs = await inTurn(names, sides);
  const hours = (side) => {
    const of = ['recipe', 'tuned'].includes(side) ? recipeSeconds : oursSeconds;
    return median(runs[side].map((run) => of(run, WHOLE_JOB))) / 3600;
  };
  const measured = `from ${images * rounds} images and ${steps * rounds} steps`;
  const row = (what, side, peer, target) => ({
    name: `${name}, 1000 x 50, ${what}`,
    ours: hours(side),
    peer: hours(peer),
    unit: 'h',
    target,
    note: measured,
  });
  const rows = [row('like for like', 'ours', 'recipe', key === 'vit-h' ? 75 : 50)];
  if (key === 'vit-b') {
    rows.push(row("like for like, the recipe's allocator tuned", 'ours', 'tuned', 25));
    rows.push(row('our defaults (joint points, batch 4)', 'defaults', 'recipe', 100));
  }
  return { details: { job: WHOLE_JOB, batch, runs }, rows };
}

/** Both sides to the end, start-up, validation and checkpoints included. */
async function mobileSam() {
  const [train, validation, epochs] = flags.quick ? [4, 1, 1] : [20, 8, 20];
  const data = await photographs(train, validation);
  const { weights } = await resolveModel('mobile-sam', { cacheDir: defaultCacheDir() });
  const options = { ...LIKE_FOR_LIKE, data, epochs, batchSize: 4, seed: 42 };
  const plan = await makePlan(options);
  const recipe = { python, plan, data, model: weights, batch: 4 };
  const runs = await inTurn(['recipe', 'ours', 'tuned'], {
    recipe: () => runRecipe(recipe, scratch),
    ours: () => runOurs({ ...options, model: 'mobile-sam' }, scratch),
    tuned: () => runRecipe({ ...recipe, tuned: true }, scratch),
  });
  const wall = (side) => median(runs[side].map((run) => run.wall));
  const faster = wall('tuned') < wall('recipe') ? 'tuned' : 'recipe';
  const note = `really run; the faster recipe: ${faster === 'tuned' ? 'allocator tuned' : 'default allocator'}`;
  const name = `MobileSAM, ${train + validation} x ${epochs}, like for like`;
  return { details: runs, rows: [{ name, ours: wall('ours'), peer: wall(faster), unit: 's', target: 6, note }] };
}

/** A B C, A B C, …; each result as it comes, so that an interrupted run has said something. */
async function inTurn(names, sides) {
  const runs = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      const run = await sides[name]();
      runs[name].push(run);
      console.error(
        `round ${round + 1}, ${name}: ${run.wall.toFixed(0)} s, ${JSON.stringify(run.secondsPerStep ?? run.seconds)}`,
      );
    }
  }
  return runs;
}

process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
process.on('SIGINT', () => process.exit(130)); // the sides hear it too
try {
  const work = {
    losses: compareLosses,
    'vit-b': () => extrapolated('vit-b'),
    'vit-h': () => extrapolated('vit-h'),
    'mobile-sam': mobileSam,
  };
  const result = { machine: machine(), quick: flags.quick, rounds, rows: [] };
  for (const name of wanted) {
    const { details, rows } = await work[name]();
    result[name] = details;
    result.rows.push(...rows);
  }
  report(result.rows);
  if (flags.out !== undefined) writeFileSync(flags.out, `${JSON.stringify(result, null, 2)}\n`);
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
}
