import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../lib/addon/native.js';
import { Graph } from '../../lib/onnx/graph.js';
import { linear } from '../../lib/onnx/layers.js';
import { ModelProtoSchema, TensorProto_DataLocation } from '../../lib/onnx/onnx_pb.js';
import { findOnnxRuntime, OnnxRuntime } from '../../lib/onnx/runtime.js';
import { transposed, Weights } from '../../lib/onnx/weights.js';
import { writeModel } from '../../lib/onnx/write-model.js';

const SIDE = 64;
let folder: string;
let weights: Weights;
let runtime: OnnxRuntime;
const values = Float32Array.from({ length: 2 * SIDE * SIDE }, (_, i) => Math.sin(i) / 8);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sam-onnx-'));
  const path = join(folder, 'weights.safetensors');
  const names = ['layer.weight', 'other.weight'];
  await native().saveTensors({ path, names, shape: [SIDE, SIDE], values });
  weights = await Weights.open(path);
  runtime = new OnnxRuntime(findOnnxRuntime()!);
});
afterAll(async () => {
  runtime.close();
  await weights.close();
  rmSync(folder, { recursive: true });
});

/** A graph of one product: y = x W^T, of one row. */
function product(variant: 'fp32' | 'fp16' | 'int8'): Graph {
  const graph = new Graph('product', variant);
  const x = graph.work(graph.input('x', ['n', SIDE]));
  const weight = weights.take('other.weight');
  const biased = { ...weights, take: (name: string) => (name.endsWith('bias') ? zero : weight) };
  const zero = { shape: [SIDE], read: async () => new Float32Array(SIDE) };
  graph.output(linear({ graph, weights: biased as unknown as Weights }, x, 'layer'), 'y');
  return graph;
}

/** What it should give. */
function expected(x: Float32Array): Float32Array {
  const matrix = values.subarray(SIDE * SIDE);
  return Float32Array.from({ length: SIDE }, (_, o) =>
    x.reduce((sum, value, i) => sum + value * matrix[o * SIDE + i]!, 0),
  );
}

describe('a file of ONNX', () => {
  it.each([
    ['fp32', 1e-5],
    ['fp16', 5e-3],
    ['int8', 3e-2],
  ] as const)('in %s gives what its nodes say, within %d', async (variant, tolerance) => {
    const path = join(folder, `${variant}.onnx`);
    expect(await writeModel(product(variant), path)).toEqual([path]);
    const x = Float32Array.from({ length: SIDE }, (_, i) => Math.cos(i));
    const run = await runtime.open(path);
    const { y } = await run({ x: { type: 'float32', data: x, dims: [1, SIDE] } }, ['y']);
    expect(y!.dims).toEqual([1, SIDE]);
    const wanted = expected(x);
    for (const [i, value] of (y!.data as Float32Array).entries())
      expect(Math.abs(value - wanted[i]!)).toBeLessThan(tolerance);
  });

  it('keeps its large tensors beside it where they would be too many, and runs', async () => {
    const path = join(folder, 'large.onnx');
    const written = await writeModel(product('fp32'), path, { mostWithin: 1000, metadata: { model: 'm' } });
    expect(written).toEqual([path, `${path}_data`]);
    expect(statSync(`${path}_data`).size).toBe(SIDE * SIDE * 4);
    const { graph, metadataProps, opsetImport } = fromBinary(ModelProtoSchema, readFileSync(path));
    expect(opsetImport.map(({ version }) => version)).toEqual([17n]);
    expect(metadataProps).toMatchObject([{ key: 'model', value: 'm' }]);
    const places = graph!.initializer.map(({ dataLocation }) => dataLocation);
    expect(places).toEqual([TensorProto_DataLocation.EXTERNAL, TensorProto_DataLocation.DEFAULT]);
    const run = await runtime.open(path);
    const x = new Float32Array(SIDE).fill(1);
    const { y } = await run({ x: { type: 'float32', data: x, dims: [1, SIDE] } }, ['y']);
    expect((y!.data as Float32Array)[5]).toBeCloseTo(expected(x)[5]!, 4);
  });
});

describe('weights', () => {
  it('are read by name, and turned round', async () => {
    expect(await weights.take('layer.weight').read()).toEqual(values.subarray(0, SIDE * SIDE));
    const turned = await transposed(weights.take('other.weight')).read();
    expect(turned[3 * SIDE + 7]).toBe(values[SIDE * SIDE + 7 * SIDE + 3]);
  });

  it('that are missing are named', () => {
    expect(() => weights.take('none')).toThrow(/weights\.safetensors: tensor none is missing/);
    expect(() => weights.take('constructor')).toThrow('tensor constructor is missing');
  });
});
