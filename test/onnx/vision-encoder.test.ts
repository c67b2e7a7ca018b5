/** Image encoders as ONNX, in ONNX Runtime, against the addon's own: MobileSAM's weights, and a small ViT of random ones. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../lib/addon/native.js';
import type { Graph } from '../../lib/onnx/graph.js';
import { findOnnxRuntime, OnnxRuntime } from '../../lib/onnx/runtime.js';
import type { Tensor } from '../../lib/onnx/runtime-protocol.js';
import { DEVIATION, MEAN, metaEncoder, visionEncoder } from '../../lib/onnx/vision-encoder.js';
import { Weights } from '../../lib/onnx/weights.js';
import { writeModel } from '../../lib/onnx/write-model.js';
import { type RawTensor, writeTensors } from '../native/pth.js';
import { prepareAddon } from '../native/support.js';

const SIDE = 1024;
/** Of a picture that is neither square nor of whole windows. */
const HEIGHT = 700;
const EMBEDDING = 256 * 64 * 64;

let folder: string;
let runtime: OnnxRuntime;

beforeAll(async () => {
  await prepareAddon();
  folder = mkdtempSync(join(tmpdir(), 'sam-vision-encoder-'));
  runtime = new OnnxRuntime(findOnnxRuntime()!);
});
afterAll(() => {
  runtime.close();
  rmSync(folder, { recursive: true });
});

/** A river on a textured ground. */
const picture = Uint8Array.from({ length: SIDE * HEIGHT * 3 }, (_, i) => {
  const [x, y] = [Math.floor(i / 3) % SIDE, Math.floor(i / 3 / SIDE)];
  const river = Math.abs(y - 350 - 120 * Math.sin(x / 150)) < 60 ? 90 : 0;
  return 70 + river + (i % 3) * 25 + 40 * Math.sin((x + 2 * y) / 37);
});

/** The picture as `encoder.onnx` takes it. */
const asPicture: Tensor = { type: 'float32', data: Float32Array.from(picture), dims: [HEIGHT, SIDE, 3] };

/** The picture as `vision_encoder.onnx` takes it, after one that is all zeros. */
function asBatch(): Tensor {
  const data = new Float32Array(2 * 3 * SIDE * SIDE);
  for (const [i, value] of picture.entries()) {
    const [channel, at] = [i % 3, Math.floor(i / 3)];
    data[(3 + channel) * SIDE * SIDE + at] = (value - MEAN[channel]!) / DEVIATION[channel]!;
  }
  return { type: 'float32', data, dims: [2, 3, SIDE, SIDE] };
}

/** The addon's embedding of the picture, by weights or TorchScript. */
async function reference(path: string): Promise<Float32Array> {
  using encoder = await native().loadEncoder({ path, device: 'cpu', precision: 'fp32' });
  using encoding = await encoder.begin({ pixels: picture, width: SIDE, height: HEIGHT });
  while (!(await encoding.advance()));
  using embeddings = encoding.embeddings();
  return embeddings.toFloat32Array();
}

async function run(graph: Graph, name: string, input: Tensor): Promise<Tensor> {
  const path = join(folder, `${graph.name}-${graph.variant}.onnx`);
  await writeModel(graph, path);
  const outputs = graph.outputs.map((output) => output.name);
  const results = await (await runtime.open(path))({ [name]: input }, outputs);
  for (const output of outputs) expect(results[output]!.dims.slice(1)).toEqual([256, 64, 64]);
  return results.image_embeddings!;
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

function relativeError(a: Float32Array, b: Float32Array): number {
  const length = (of: (value: number, i: number) => number) =>
    Math.sqrt(b.reduce((sum, v, i) => sum + of(v, i) ** 2, 0));
  return length((value, i) => a[i]! - value) / length((value) => value);
}

const floatsOf = ({ data }: Tensor) => data as Float32Array;

describe("MobileSAM's", () => {
  let weights: Weights;
  let expected: Float32Array;
  beforeAll(async () => {
    weights = await Weights.open(process.env.SAM_TEST_WEIGHTS!);
    expected = await reference(process.env.SAM_TEST_ENCODER!);
  });
  afterAll(() => weights.close());

  it('agrees to 1e-4 in fp32', async () => {
    const embedding = await run(metaEncoder(weights, 'fp32'), 'input_image', asPicture);
    expect(embedding.dims).toEqual([1, 256, 64, 64]);
    expect(largestDifference(floatsOf(embedding), expected)).toBeLessThan(1e-4);
  }, 300_000);

  it.each([
    ['fp16', 0.005],
    ['int8', 0.02],
  ] as const)(
    'stays close in %s',
    async (variant, most) => {
      const embedding = await run(metaEncoder(weights, variant), 'input_image', asPicture);
      expect(relativeError(floatsOf(embedding), expected)).toBeLessThan(most);
    },
    300_000,
  );
});

/** Random weights of a ViT of 64 channels in 2 heads: windows, the whole picture, windows. In Meta's names. */
function smallViT(): Record<string, RawTensor> {
  const shapes: Record<string, number[]> = {
    'patch_embed.proj.weight': [64, 3, 16, 16],
    'patch_embed.proj.bias': [64],
    pos_embed: [1, 64, 64, 64],
    'neck.0.weight': [256, 64, 1, 1],
    'neck.2.weight': [256, 256, 3, 3],
  };
  const layer = (name: string, outputs: number, inputs?: number) => {
    shapes[`${name}.weight`] = inputs === undefined ? [outputs] : [outputs, inputs];
    shapes[`${name}.bias`] = [outputs];
  };
  for (const norm of ['neck.1', 'neck.3']) layer(norm, 256);
  for (const [i, window] of [14, 64, 14].entries()) {
    const name = `blocks.${i}`;
    for (const norm of ['norm1', 'norm2']) layer(`${name}.${norm}`, 64);
    layer(`${name}.attn.qkv`, 192, 64);
    layer(`${name}.attn.proj`, 64, 64);
    layer(`${name}.mlp.lin1`, 256, 64);
    layer(`${name}.mlp.lin2`, 64, 256);
    for (const table of ['rel_pos_h', 'rel_pos_w']) shapes[`${name}.attn.${table}`] = [2 * window - 1, 32];
  }
  const matrix = 'prompt_encoder.pe_layer.positional_encoding_gaussian_matrix';
  const tensors = Object.entries(shapes).map(([name, shape]) => [`image_encoder.${name}`, random(shape)] as const);
  return { ...Object.fromEntries(tensors), [matrix]: random([2, 128]) };
}

let state = 1;
function random(shape: number[]): RawTensor {
  const inputs = shape.slice(1).reduce((product, dim) => product * dim, 1);
  const values = Float32Array.from({ length: shape[0]! * inputs }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return ((state >>> 8) / 2 ** 23 - 1) * Math.sqrt(shape.length === 1 ? 1 : 3 / inputs);
  });
  return { shape, bytes: Buffer.from(values.buffer) };
}

describe('a ViT of any size', () => {
  let weights: Weights;
  let expected: Float32Array;
  beforeAll(async () => {
    const path = join(folder, 'vit.safetensors');
    writeTensors(path, smallViT());
    weights = await Weights.open(path);
    expected = await reference(path);
  });
  afterAll(() => weights.close());

  it('agrees to 1e-4 in both layouts, alone and in a batch', async () => {
    const one = await run(metaEncoder(weights, 'fp32'), 'input_image', asPicture);
    expect(largestDifference(floatsOf(one), expected)).toBeLessThan(1e-4);
    const two = await run(visionEncoder(weights, 'fp32'), 'pixel_values', asBatch());
    expect(two.dims[0]).toBe(2);
    expect(largestDifference(floatsOf(two).subarray(EMBEDDING), expected)).toBeLessThan(1e-4);
    expect(relativeError(floatsOf(two).subarray(0, EMBEDDING), expected)).toBeGreaterThan(0.1);
  }, 300_000);
});

it('names the tensor that is missing', async () => {
  const path = join(folder, 'lacking.safetensors');
  const { 'image_encoder.blocks.1.attn.rel_pos_w': _, ...others } = smallViT();
  writeTensors(path, others);
  const weights = await Weights.open(path);
  expect(() => metaEncoder(weights, 'fp32')).toThrow('tensor image_encoder.blocks.1.attn.rel_pos_w is missing');
  await weights.close();
});
