/**
 * Does `audit` find bad labels? Some labels of a clean set are spoilt at random (cut, shifted, swapped; seeded), the set is
 * audited, and each way to score the disagreement is measured by its AUC: how often a spoilt label ranks worse than a clean one.
 *
 *   node scripts/bench-audit.mjs [--data sample:rivers] [--splits train,validation] [--without PATTERN] [--share 0.25]
 *     [--trials 3] [--dump FILE.jsonl] [options of `audit`, such as --group-by '^(.*)_[ab]$' --epochs 10]
 */
import { appendFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { randomFor } from '../dist/core/random.js';
import { decodeMask, imageSize } from '../dist/data/decode.js';
import { openSource } from '../dist/data/open-data.js';
import { chebyshevDistance } from '../dist/prompts/morphology.js';
import { confusion, scores } from '../dist/scoring/metrics.js';
import { mean } from '../dist/scoring/statistics.js';
import { consensus } from '../dist/tasks/audit/disagreement.js';
import { foldsOf } from '../dist/tasks/audit/folds.js';
import { resolveAuditOptions } from '../dist/tasks/audit/options.js';
import { outOfFold } from '../dist/tasks/audit/out-of-fold.js';
import { trainOptionsOf } from '../dist/tasks/workbench/options.js';
import { openWorkbench } from '../dist/tasks/workbench/workbench.js';

const own = {
  data: { type: 'string', default: 'sample:rivers' },
  splits: { type: 'string', default: 'train,validation' },
  without: { type: 'string' },
  share: { type: 'string', default: '0.25' },
  trials: { type: 'string', default: '3' },
  dump: { type: 'string' },
  'group-by': { type: 'string' },
  model: { type: 'string', default: 'mobile-sam' },
  epochs: { type: 'string', default: '10' },
  folds: { type: 'string', default: '5' },
  draws: { type: 'string', default: '5' },
  lr: { type: 'string', default: '1e-4' },
};
const given = parseArgs({ options: own }).values;
const options = resolveAuditOptions({
  data: given.data,
  model: given.model,
  epochs: Number(given.epochs),
  folds: Number(given.folds),
  draws: Number(given.draws),
  lr: Number(given.lr),
  ...(given['group-by'] !== undefined && { groupBy: given['group-by'] }),
});
const KINDS = ['cut', 'shifted', 'swapped'];

/** Every way takes a verdict and gives a number, the higher the worse the label. */
const WAYS = {
  'vote IoU': ({ label, vote }) => iouOf(vote, label.values).then((iou) => 1 - iou),
  'mean IoU': async ({ label, predictions }) =>
    1 - mean(await Promise.all(predictions.map(({ mask }) => iouOf(mask, label.values)))),
  'boundary IoU': async ({ label, vote }) => 1 - (await iouOf(boundary(vote, label), boundary(label.values, label))),
  'vote + boundary': async (verdict) => ((await WAYS['vote IoU'](verdict)) + (await WAYS['boundary IoU'](verdict))) / 2,
  'confident vote IoU': async (verdict) => 1 - confidentIou(verdict),
  'soft IoU': async (verdict) => softIou(verdict),
  'softmin (cleanlab)': async (verdict) => 1 - softmin(qualities(verdict), 0.1),
  'mean quality': async (verdict) => 1 - mean(qualities(verdict)),
};

async function iouOf(mask, label) {
  return scores(await confusion(mask, label)).iou;
}

/** Pixels inside that are within 2 % of the diagonal of the outside (Cheng et al. 2021). */
function boundary(values, { width, height }) {
  const inside = Uint8Array.from(values, (value) => (value === 0 ? 0 : 1));
  const width2 = Math.max(1, Math.round(0.02 * Math.hypot(width, height)));
  return Uint8Array.from(chebyshevDistance(inside, width, height), (depth) => (depth > 0 && depth <= width2 ? 1 : 0));
}

/** Mean probability of each pixel of the label, on the decoder's grid. */
function probabilities({ label, predictions }) {
  const scale = 256 / Math.max(label.width, label.height);
  const [columns, rows] = [label.width, label.height].map((side) => Math.max(1, Math.floor(side * scale + 0.5)));
  const found = [];
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const p = mean(predictions.map(({ lowResLogits }) => 1 / (1 + Math.exp(-lowResLogits[y * 256 + x]))));
      const at = Math.floor(((y + 0.5) * label.height) / rows) * label.width;
      const inside = label.values[at + Math.floor(((x + 0.5) * label.width) / columns)];
      found.push({ p, inside });
    }
  }
  return found;
}

function softIou(verdict) {
  let [both, either] = [0, 0];
  for (const { p, inside } of probabilities(verdict)) {
    both += inside ? p : 0;
    either += inside ? 1 : p;
  }
  return 1 - both / either;
}

/** IoU of the more likely side with the label, each pixel weighing as much as the model is sure of it. */
function confidentIou(verdict) {
  let [both, either] = [0, 0];
  for (const { p, inside } of probabilities(verdict)) {
    const weight = Math.abs(2 * p - 1);
    both += inside && p > 0.5 ? weight : 0;
    either += inside || p > 0.5 ? weight : 0;
  }
  return either === 0 ? 1 : both / either;
}

/** Each pixel's probability of what the label says there. */
function qualities(verdict) {
  return probabilities(verdict).map(({ p, inside }) => (inside ? p : 1 - p));
}

/** Lad and Mueller 2023, the weights of low qualities being the greater. */
function softmin(values, temperature) {
  let [sum, weights] = [0, 0];
  for (const value of values) {
    const weight = Math.exp((1 - value) / temperature);
    sum += weight * value;
    weights += weight;
  }
  return sum / weights;
}

const labelOf = async (sample) => decodeMask(sample, await imageSize(sample));

/** Without 20 to 50 % of its pixels: those on one side of a line. */
function cut({ values, width, height }, random) {
  const angle = random.uniform(0, 2 * Math.PI);
  const along = (at) => (at % width) * Math.cos(angle) + Math.floor(at / width) * Math.sin(angle);
  const inside = Array.from(values.keys()).filter((at) => values[at] !== 0);
  const sorted = inside.map(along).sort((a, b) => a - b);
  const limit = sorted[Math.floor(sorted.length * random.uniform(0.2, 0.5))];
  return { values: values.map((value, at) => (value !== 0 && along(at) >= limit ? 1 : 0)), width, height };
}

/** By 8 to 20 % of the longer side, in any direction. */
function shifted({ values, width, height }, random) {
  const angle = random.uniform(0, 2 * Math.PI);
  const by = random.uniform(0.08, 0.2) * Math.max(width, height);
  const [dx, dy] = [Math.round(by * Math.cos(angle)), Math.round(by * Math.sin(angle))];
  const from = (x, y) => (x < 0 || y < 0 || x >= width || y >= height ? 0 : values[y * width + x]);
  return { values: values.map((_, at) => from((at % width) - dx, Math.floor(at / width) - dy)), width, height };
}

/** The label of another image, of another group where there are groups. */
async function swapped(sample, { width, height }, samples, random) {
  const group = (name) =>
    options.groupBy === undefined ? name : (new RegExp(options.groupBy).exec(name)?.[1] ?? name);
  const others = samples.filter(({ name }) => group(name) !== group(sample.name));
  const other = await labelOf(others[random.integer(others.length)]);
  const values = new Uint8Array(width * height);
  for (let at = 0; at < values.length; at++) {
    const y = Math.floor((Math.floor(at / width) * other.height) / height);
    values[at] = other.values[y * other.width + Math.floor(((at % width) * other.width) / width)];
  }
  return { values, width, height };
}

/** The samples of a trial, some of them with another label. */
async function spoil(samples, trial) {
  const random = randomFor(trial, 0, '\0spoil', 0);
  const order = samples.map((sample) => ({ sample, rank: random.next() })).sort((a, b) => a.rank - b.rank);
  const count = Math.round(samples.length * Number(given.share));
  const kinds = new Map();
  const spoilt = new Map();
  for (const [index, { sample }] of order.slice(0, count).entries()) {
    const kind = KINDS[index % KINDS.length];
    const label = await labelOf(sample);
    const made =
      kind === 'cut'
        ? cut(label, random)
        : kind === 'shifted'
          ? shifted(label, random)
          : await swapped(sample, label, samples, random);
    kinds.set(sample.name, kind);
    const mask = { path: `${sample.mask.path} (${kind}, trial ${trial})`, draw: async () => made };
    spoilt.set(sample.name, { ...sample, mask });
  }
  return { samples: samples.map((sample) => spoilt.get(sample.name) ?? sample), kinds };
}

/** The area under the curve: how often one of the first is above one of the others; ties count half. */
function auc(bad, good) {
  let sum = 0;
  for (const a of bad) for (const b of good) sum += a > b ? 1 : a === b ? 0.5 : 0;
  return sum / (bad.length * good.length);
}

const hooks = { onNote: () => {}, onWarning: (line) => console.error(line) };
const source = await openSource(options);
const clean = [];
for (const split of given.splits.split(','))
  for (const sample of await source.readSplit(split, { requireMasks: true, skipBad: false }))
    if (given.without === undefined || !new RegExp(given.without).test(sample.name))
      clean.push({ ...sample, name: `${split}/${sample.name}` });
const bench = await openWorkbench({ train: clean }, trainOptionsOf(options, {}), hooks);

const perTrial = [];
const started = performance.now();
for (let trial = 1; trial <= Number(given.trials); trial++) {
  const { samples, kinds } = await spoil(clean, trial);
  const foldOf = foldsOf(samples, options.folds, options.groupBy, trial);
  const rows = [];
  for await (const verdict of outOfFold(samples, foldOf, { options, bench })) {
    const { sample, label, predictions } = verdict;
    const full = { label, predictions, vote: consensus(predictions.map(({ mask }) => mask)) };
    const values = {};
    for (const [name, score] of Object.entries(WAYS)) values[name] = await score(full);
    rows.push({ trial, name: sample.name, kind: kinds.get(sample.name) ?? 'clean', ...values });
  }
  if (given.dump) for (const row of rows) appendFileSync(given.dump, `${JSON.stringify(row)}\n`);
  perTrial.push(rows);
  console.error(`trial ${trial}: ${((performance.now() - started) / 1000).toFixed(0)} s`);
}
await bench.dispose();

console.log(
  `${clean.length} images, ${given.share} of the labels spoilt, ${given.trials} trials, ${JSON.stringify(given)}`,
);
const head = ['score', ...KINDS, 'all', 'least of a trial'];
console.log(`| ${head.join(' | ')} |\n|${'---|'.repeat(head.length)}`);
for (const way of Object.keys(WAYS)) {
  const of = (rows, kind) => rows.filter((row) => row.kind === kind).map((row) => row[way]);
  const bad = (rows) => KINDS.flatMap((kind) => of(rows, kind));
  const all = perTrial.map((rows) => auc(bad(rows), of(rows, 'clean')));
  const byKind = KINDS.map((kind) => mean(perTrial.map((rows) => auc(of(rows, kind), of(rows, 'clean')))));
  console.log(`| ${way} | ${[...byKind, mean(all), Math.min(...all)].map((value) => value.toFixed(3)).join(' | ')} |`);
}
