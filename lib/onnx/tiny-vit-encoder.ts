/**
 * MobileSAM's image encoder, TinyViT: https://arxiv.org/abs/2207.10666. The first stage is convolutional, the others attend within
 * windows. Blocks, heads and windows follow from the shapes of its weights.
 */
import { ENCODER, mlp, neck, toChannels, toTokens } from './encoder-parts.js';
import { conv, gelu, type Site } from './layers.js';
import type { Value } from './value.js';
import type { Weight, Weights } from './weights.js';
import { windowAttention } from './window-attention.js';

const BATCH_NORM_EPSILON = 1e-5;
const LAYER_NORM_EPSILON = 1e-5;
const STAGES = 4;

/** Tells by a tensor that only a TinyViT has. */
export function isTinyViT(weights: Weights): boolean {
  return weights.has(`${ENCODER}.patch_embed.seq.0.c.weight`);
}

/** Adds a TinyViT: `pixels` N x 3 x 1024 x 1024, in the type that the graph works in, become N x 256 x 64 x 64. */
export function tinyViTEncoder(site: Site, pixels: Value): Value {
  const { graph, weights } = site;
  const [first, second] = ['seq.0', 'seq.2'].map((part) => `${ENCODER}.patch_embed.${part}`) as [string, string];
  let x = normedConv(site, gelu(graph, normedConv(site, pixels, first, 2)), second, 2);
  for (let stage = 0; stage < STAGES; stage++) {
    const layer = `${ENCODER}.layers.${stage}`;
    const names = Array.from(countOf(weights, `${layer}.blocks.`), (block) => `${layer}.blocks.${block}`);
    if (stage > 0) x = toTokens(graph, x);
    for (const name of names) x = stage === 0 ? bottleneckBlock(site, x, name) : attentionBlock(site, x, name);
    if (stage === STAGES - 1) break;
    if (stage > 0) x = toChannels(graph, x);
    // The last merging keeps the resolution: SAM wants 64 x 64.
    x = bottleneck(site, x, `${layer}.downsample`, stage === STAGES - 2 ? 1 : 2);
  }
  return neck(site, x);
}

/** Returns the numbers that follow a prefix in the names of the weights. */
function countOf(weights: Weights, prefix: string): Set<number> {
  const names = weights.names().filter((name) => name.startsWith(prefix));
  return new Set(names.map((name) => Number.parseInt(name.slice(prefix.length), 10)).toSorted((a, b) => a - b));
}

/** Adds a convolution with its batch norm, as one convolution. Of N x C x H x W. */
function normedConv(site: Site, x: Value, name: string, stride = 1): Value {
  const { weight, bias } = folded(site.weights, name);
  const [outputs, inputs, side] = weight.shape as [number, number, number];
  const groups = inputs === 1 ? outputs : 1; // depthwise, or not
  return conv(site, x, { name: `${name}.c`, weight, bias, stride, padding: (side - 1) / 2, groups });
}

/** Folds a batch norm into the convolution before it: its kernels times gamma / sqrt(variance + epsilon). */
function folded(weights: Weights, name: string): { weight: Weight; bias: Weight } {
  const kernel = weights.take(`${name}.c.weight`);
  const [gamma, beta, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((part) =>
    weights.take(`${name}.bn.${part}`),
  ) as [Weight, Weight, Weight, Weight];
  const scales = async () => {
    const [gammas, variances] = await Promise.all([gamma.read(), variance.read()]);
    return Float64Array.from(gammas, (value, i) => value / Math.sqrt(variances[i]! + BATCH_NORM_EPSILON));
  };
  const weight = async () => {
    const [values, scale] = await Promise.all([kernel.read(), scales()]);
    return values.map((value, i) => value * scale[Math.floor((i * scale.length) / values.length)]!);
  };
  const bias = async () => {
    const [betas, means, scale] = await Promise.all([beta.read(), mean.read(), scales()]);
    return betas.map((value, i) => value - means[i]! * scale[i]!);
  };
  return { weight: { shape: kernel.shape, read: weight }, bias: { shape: beta.shape, read: bias } };
}

/** Adds 1 x 1, 3 x 3 for each channel, 1 x 1. */
function bottleneck(site: Site, x: Value, name: string, stride: number): Value {
  const wide = gelu(site.graph, normedConv(site, x, `${name}.conv1`));
  return normedConv(site, gelu(site.graph, normedConv(site, wide, `${name}.conv2`, stride)), `${name}.conv3`);
}

/** Adds an "MBConv". */
function bottleneckBlock(site: Site, x: Value, name: string): Value {
  return gelu(site.graph, site.graph.add(bottleneck(site, x, name, 1), x));
}

/** Adds attention, a convolution of each channel, and an MLP. Of tokens. */
function attentionBlock(site: Site, x: Value, name: string): Value {
  const { graph } = site;
  const attended = graph.add(x, attention(site, x, `${name}.attn`));
  const mixed = toTokens(graph, normedConv(site, toChannels(graph, attended), `${name}.local_conv`));
  const names = { norm: `${name}.mlp.norm`, layers: [`${name}.mlp.fc1`, `${name}.mlp.fc2`] as [string, string] };
  return graph.add(mixed, mlp(site, mixed, names, LAYER_NORM_EPSILON));
}

/**
 * Adds a TinyViT's attention. It pads its windows with zeros before the norm, which makes its bias of them: with that bias in the
 * next layer's, zeros stay zeros until there.
 */
function attention(site: Site, x: Value, name: string): Value {
  const { graph, weights } = site;
  const biases = weights.take(`${name}.attention_biases`);
  const [heads, distances] = biases.shape as [number, number];
  const window = Math.sqrt(distances);
  const scale = graph.weight(`${name}.norm.weight`, weights.take(`${name}.norm.weight`));
  const attributes = { axis: -1, epsilon: { float: LAYER_NORM_EPSILON } };
  const normed = graph.node('LayerNormalization', [x, scale], { shape: x.shape }, attributes);
  const added = graph.weight(`${name}.attention_biases`, byDistance(biases, window));
  const bias = biasBehindNorm(weights, name);
  return windowAttention(site, normed, { name, heads, window, order: 'head, part', bias }, ({ q, k, v }) => {
    const scores = graph.matmul(q, graph.transpose(k, [0, 1, 2, 4, 3]));
    return graph.matmul(graph.softmax(graph.add(scores, added)), v);
  });
}

/** Returns the bias of `qkv`, with what the layer makes of the bias of the norm before it. */
function biasBehindNorm(weights: Weights, name: string): Weight {
  const [weight, bias, norm] = ['qkv.weight', 'qkv.bias', 'norm.bias'].map((part) =>
    weights.take(`${name}.${part}`),
  ) as [Weight, Weight, Weight];
  return {
    shape: bias.shape,
    async read() {
      const [matrix, added, vector] = await Promise.all([weight.read(), bias.read(), norm.read()]);
      return added.map((value, row) => vector.reduce((sum, v, i) => sum + matrix[row * vector.length + i]! * v, value));
    },
  };
}

/** Turns a bias for each distance (rows, columns) into one for each two tokens of a window: heads x tokens x tokens. */
function byDistance({ shape: [heads], read }: Weight, side: number): Weight {
  const tokens = side * side;
  return {
    shape: [heads!, tokens, tokens],
    async read() {
      const biases = await read();
      const all = new Float32Array(heads! * tokens * tokens);
      const distance = (a: number, b: number) =>
        Math.abs(Math.floor(a / side) - Math.floor(b / side)) * side + Math.abs((a % side) - (b % side));
      for (let i = 0, query = 0; query < heads! * tokens; query++) {
        const head = Math.floor(query / tokens) * tokens;
        for (let key = 0; key < tokens; key++) all[i++] = biases[head + distance(query % tokens, key)]!;
      }
      return all;
    },
  };
}
