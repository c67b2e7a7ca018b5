/** Parts that SAM's two kinds of image encoders share. Tokens are N x height x width x channels. */
import type { Graph } from './graph.js';
import { channelNorm, conv, gelu, layerNorm, linear, linearOf, type Site } from './layers.js';
import type { Value } from './value.js';
import { reshaped } from './weights.js';

/** Name under which Meta's weights have the image encoder. */
export const ENCODER = 'image_encoder';

/** Epsilon of the norms in SAM's neck, and in its ViT. */
export const NORM_EPSILON = 1e-6;

/** Turns N x C x H x W into tokens. */
export const toTokens = (graph: Graph, x: Value) => graph.transpose(x, [0, 2, 3, 1]);

/** Turns tokens into N x C x H x W. */
export const toChannels = (graph: Graph, x: Value) => graph.transpose(x, [0, 3, 1, 2]);

/** Adds two linear layers with a GELU between them, behind a norm. */
export function mlp(site: Site, x: Value, names: { norm: string; layers: [string, string] }, epsilon: number): Value {
  const hidden = linear(site, layerNorm(site, x, names.norm, epsilon), names.layers[0]);
  return linear(site, gelu(site.graph, hidden), names.layers[1]);
}

/** Adds SAM's neck: tokens of any channels become N x 256 x 64 x 64. */
export function neck(site: Site, x: Value): Value {
  const { graph, weights } = site;
  const name = `${ENCODER}.neck`;
  const first = weights.take(`${name}.0.weight`); // 1 x 1: a linear layer of tokens
  const weight = reshaped(first, first.shape.slice(0, 2));
  // Exact: small as it is, in int8 it would add a tenth to the embedding's error.
  const narrow = linearOf(site, x, { name: `${name}.0`, weight, exact: true });
  const normed = layerNorm(site, narrow, `${name}.1`, NORM_EPSILON);
  const second = { name: `${name}.2`, weight: weights.take(`${name}.2.weight`), padding: 1 };
  return channelNorm(site, conv(site, toChannels(graph, normed), second), `${name}.3`, NORM_EPSILON);
}
