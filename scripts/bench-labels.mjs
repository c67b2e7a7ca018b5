/**
 * How many labels are enough? Trains on the first so many of the shuffled training labels of a data set, for as many optimisation steps
 * each, and scores what comes of it on its validation split. Prints the table of docs/how-many-labels.md; `--out` keeps the figures, which
 * scripts/make-docs-pictures.mjs draws.
 *
 *   node scripts/bench-labels.mjs [--data sample:rivers] [--labels 2,5,10,20] [--seeds 1,2,3] [--steps 100] [--out labels.json]
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { evaluate, openSplit, train } from '../dist/index.js';

const BATCH = 4;
const { values: options } = parseArgs({
  options: {
    data: { type: 'string', default: 'sample:rivers' },
    labels: { type: 'string', default: '2,5,10,20' },
    seeds: { type: 'string', default: '1,2,3' },
    steps: { type: 'string', default: '100' },
    out: { type: 'string' },
  },
});
const numbers = (text) => text.split(',').map(Number);
const rows = (samples, split) =>
  samples.map(({ image, mask, name }) => [resolve(image.path), resolve(mask.path), split, name].join(','));
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Shuffled by the seed (Fisher and Yates), so that each seed draws other labels, and more labels hold the fewer. */
function shuffled(list, seed) {
  const order = [...list];
  let state = seed * 2654435761;
  for (let last = order.length - 1; last > 0; last--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const other = Math.floor((state / 2 ** 32) * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}

const dir = await mkdtemp(join(tmpdir(), 'bench-labels-'));
const started = performance.now();
const [all, validation] = await Promise.all(
  ['train', 'validation'].map((split) => openSplit({ data: options.data, split })),
);
const runs = [];
for (const seed of numbers(options.seeds)) {
  const order = shuffled(all, seed);
  for (const labels of numbers(options.labels)) {
    const data = join(dir, `${labels}-${seed}.csv`);
    const lines = [...rows(order.slice(0, labels), 'train'), ...rows(validation, 'validation')];
    await writeFile(data, `image,mask,split,name\n${lines.join('\n')}\n`);
    const epochs = Math.round(Number(options.steps) / Math.ceil(labels / BATCH));
    const out = join(dir, `${labels}-${seed}`);
    const { seconds } = await train({ data, epochs, batchSize: BATCH, seed, out, report: false }).result;
    runs.push({ labels, seed, epochs, model: join(out, 'checkpoints', 'last.safetensors'), seconds: seconds.total });
    console.error(`${labels} labels, seed ${seed}: ${epochs} epochs, ${seconds.total.toFixed(0)} s`);
  }
}
// The last checkpoint, not the best: nothing is chosen by the pictures that score.
const models = ['untuned', ...runs.map(({ model }) => model)];
const scores = await evaluate({ models, data: options.data, out: join(dir, 'scores.csv') });
await rm(dir, { recursive: true });

const result = ({ meanIou, minIou, belowHalf }) => ({ meanIou, minIou, belowHalf });
const untuned = result(scores.models[0]);
const points = runs.map(({ model, ...run }, index) => ({ ...run, ...result(scores.models[index + 1]) }));
const kept = { data: options.data, steps: Number(options.steps), images: validation.length, untuned, points };
if (options.out !== undefined) await writeFile(options.out, `${JSON.stringify(kept, null, 2)}\n`);

const cells = (values) => values.map((value) => value.toFixed(3)).join(', ');
console.log(`${cpus().length} x ${cpus()[0].model}, load ${loadavg()[0].toFixed(1)}, ${scores.precision}`);
console.log(`untuned: mean IoU ${untuned.meanIou.toFixed(3)}, worst ${untuned.minIou.toFixed(3)}\n`);
console.log(
  '| labels | mean IoU of each seed | their mean | worst image of each | seconds of a run |\n|---|---|---|---|---|',
);
for (const labels of numbers(options.labels)) {
  const same = points.filter((point) => point.labels === labels);
  const ious = same.map(({ meanIou }) => meanIou);
  const worst = cells(same.map(({ minIou }) => minIou));
  const took = mean(same.map(({ seconds }) => seconds)).toFixed(0);
  console.log(`| ${labels} | ${cells(ious)} | ${mean(ious).toFixed(3)} | ${worst} | ${took} |`);
}
console.log(`\nall: ${((performance.now() - started) / 60000).toFixed(1)} minutes`);
