/** Layers that SAM's networks share, as nodes of an ONNX graph. `name` is a module's name in Meta's weights. */
import type { Graph } from './graph.js';
import type { Value } from './value.js';
import { reshaped, transposed, type Weight, type Weights } from './weights.js';

/** What a network is built into, and of which weights. */
export interface Site {
  graph: Graph;
  weights: Weights;
}

/** Adds a linear layer: `x` times the weight, plus the bias. */
export function linear(site: Site, x: Value, name: string, options: { exact?: boolean } = {}): Value {
  const { weights } = site;
  const [weight, bias] = [weights.take(`${name}.weight`), weights.take(`${name}.bias`)];
  return linearOf(site, x, { name, weight, bias, ...options });
}

/** Adds a linear layer of a weight (output x input) and a bias. `exact`: it stays as it is where others become int8. */
export function linearOf(
  { graph }: Site,
  x: Value,
  { name, weight, bias, exact = false }: { name: string; weight: Weight; bias?: Weight; exact?: boolean },
): Value {
  const product =
    graph.variant === 'int8' && !exact
      ? quantizedProduct(graph, x, name, weight)
      : graph.matmul(x, graph.weight(`${name}.weight`, transposed(weight)));
  return bias === undefined ? product : graph.add(product, graph.weight(`${name}.bias`, bias));
}

/**
 * Adds a product with a weight of int8, one scale for each output, the other factor being quantized as it comes: what ONNX
 * Runtime's quantize_dynamic makes of a MatMul, https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html.
 * Weights are unsigned: processors with AVX2 and no VNNI add two products of uint8 and int8 in 16 bits, which overflows (products of
 * MobileSAM's layers come out wrong by up to 6 %), and seven bits, which would not, cost the decoder's masks too much.
 */
function quantizedProduct(graph: Graph, x: Value, name: string, weight: Weight): Value {
  const [outputs, inputs] = weight.shape as [number, number];
  const made = once(async () => quantized(await weight.read(), outputs, inputs));
  const product = graph.bytes(
    `${name}.weight_quantized`,
    'uint8',
    [inputs, outputs],
    async () => (await made()).values,
  );
  const scales = graph.weight(`${name}.weight_scale`, { shape: [outputs], read: async () => (await made()).scales });
  const [small, scale, zero] = graph.nodeOf(
    'DynamicQuantizeLinear',
    [x],
    [{ shape: x.shape, type: 'uint8' }, { shape: [] }, { shape: [], type: 'uint8' }],
  ) as [Value, Value, Value];
  const shape = [...x.shape.slice(0, -1), outputs];
  const zeroOfWeight = graph.bytes('weight_zero', 'uint8', [], async () => Uint8Array.of(ZERO));
  const whole = graph.node('MatMulInteger', [small, product, zero, zeroOfWeight], { shape, type: 'int32' });
  return graph.mul(graph.cast(whole, 'float'), graph.mul(scale, scales));
}

/** What stands for 0 in a quantized weight. */
const ZERO = 128;

/** Quantizes a weight (outputs x inputs) to 1..255, {@link ZERO} being 0, and turns it round. */
function quantized(
  weight: Float32Array,
  outputs: number,
  inputs: number,
): { values: Uint8Array; scales: Float32Array } {
  const values = new Uint8Array(weight.length);
  const scales = new Float32Array(outputs);
  for (let o = 0; o < outputs; o++) {
    const row = weight.subarray(o * inputs, (o + 1) * inputs);
    const scale = row.reduce((most, w) => Math.max(most, Math.abs(w)), 0) / 127 || 1;
    scales[o] = scale;
    for (let i = 0; i < inputs; i++) values[i * outputs + o] = ZERO + Math.round(row[i]! / scale);
  }
  return { values, scales };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** Adds a layer norm over the last axis. */
export function layerNorm({ graph, weights }: Site, x: Value, name: string, epsilon: number): Value {
  const scale = graph.weight(`${name}.weight`, weights.take(`${name}.weight`));
  const bias = graph.weight(`${name}.bias`, weights.take(`${name}.bias`));
  return graph.node(
    'LayerNormalization',
    [x, scale, bias],
    { shape: x.shape },
    { axis: -1, epsilon: { float: epsilon } },
  );
}

/** Adds a layer norm over the channels of N x C x H x W ("LayerNorm2d"). */
export function channelNorm(site: Site, x: Value, name: string, epsilon: number): Value {
  const { graph } = site;
  return graph.transpose(layerNorm(site, graph.transpose(x, [0, 2, 3, 1]), name, epsilon), [0, 3, 1, 2]);
}

/** Adds the exact GELU: x (1 + erf(x / sqrt 2)) / 2. Opset 17 has none; ONNX Runtime fuses these nodes into one. */
export function gelu(graph: Graph, x: Value): Value {
  const erf = graph.unary('Erf', graph.div(x, graph.floats([Math.SQRT2])));
  return graph.mul(graph.mul(x, graph.add(erf, graph.floats([1]))), graph.floats([0.5]));
}

/** Adds a convolution of N x C x H x W. */
export function conv(
  { graph }: Site,
  x: Value,
  of: { name: string; weight: Weight; bias?: Weight; stride?: number; padding?: number; groups?: number },
): Value {
  const { name, weight, bias, stride = 1, padding = 0, groups = 1 } = of;
  const [outputs, , side] = weight.shape as [number, number, number];
  const inputs = [x, graph.weight(`${name}.weight`, weight), bias && graph.weight(`${name}.bias`, bias)];
  const [n, , ...sides] = x.shape;
  const out = (dim: number) => Math.floor((dim + 2 * padding - side) / stride) + 1;
  const shape = [n!, outputs, ...sides.map((dim) => out(dim as number))];
  const attributes = {
    kernel_shape: [side, side],
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
    group: groups,
  };
  return graph.node('Conv', inputs, { shape }, attributes);
}

/** Adds a transposed convolution of size and stride 2, which doubles N x C x H x W. */
export function doubled({ graph, weights }: Site, x: Value, name: string): Value {
  const weight = weights.take(`${name}.weight`);
  const inputs = [
    x,
    graph.weight(`${name}.weight`, weight),
    graph.weight(`${name}.bias`, weights.take(`${name}.bias`)),
  ];
  const [n, , height, width] = x.shape as [number, number, number, number];
  const shape = [n, weight.shape[1]!, 2 * height, 2 * width];
  return graph.node('ConvTranspose', inputs, { shape }, { kernel_shape: [2, 2], strides: [2, 2] });
}

/** Adds a weight as it is, or in another shape of as many numbers. */
export function constant({ graph, weights }: Site, name: string, shape?: readonly number[]): Value {
  const weight = weights.take(name);
  return graph.weight(name, shape === undefined ? weight : reshaped(weight, shape));
}
