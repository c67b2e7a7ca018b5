/** SAM's prompt encoder as nodes of an ONNX graph, https://arxiv.org/abs/2304.02643, appendix A. */
import { EMBEDDING_CHANNELS, MODEL_SIDE } from '../frame.js';
import { channelNorm, constant, conv, gelu, type Site } from './layers.js';
import { encodePositions } from './positions.js';
import type { Value } from './value.js';
import { stacked, zeros } from './weights.js';

/** Epsilon of the norms of the mask's embedding: the same in all of SAM. */
const MASK_NORM_EPSILON = 1e-6;

/**
 * Adds the tokens of points: `[N, n, 2]` pixels of the 1024 frame and their labels `[N, n]`, both fp32, give `[N, n, 256]`.
 * Labels: 1 and 0 (inside, outside), 2 and 3 (corners of a box), -1 ("not a point"), -10 (Hugging Face's padding: a zero token).
 */
export function embedPoints(site: Site, points: Value, labels: Value): Value {
  const { graph, weights } = site;
  const number = (value: number) => graph.floats([value], [], 'float');
  const positions = encodePositions(site, graph.div(graph.add(points, number(0.5)), number(MODEL_SIDE)));
  // A row for each label from -2 to 4; those beyond add nothing.
  const weight = (name: string) => weights.take(`prompt_encoder.${name}.weight`);
  const nothing = zeros([1, EMBEDDING_CHANNELS]);
  const kinds = [0, 1, 2, 3].map((label) => weight(`point_embeddings.${label}`));
  const rows = stacked([nothing, weight('not_a_point_embed'), ...kinds, nothing]);
  const table = graph.weight('prompt_encoder.labels', rows, 'float');
  const near = graph.node('Clip', [labels, number(-2), number(4)], { shape: labels.shape });
  const row = graph.cast(graph.add(near, number(2)), 'int64');
  const isPoint = graph.node('GreaterOrEqual', [labels, number(0)], { shape: labels.shape, type: 'bool' });
  const place = graph.node('Where', [graph.unsqueeze(isPoint, -1), positions, number(0)], {
    shape: positions.shape,
    type: 'float',
  });
  return graph.work(graph.add(place, graph.gather(table, row)));
}

/** Adds the embedding of a mask, logits of 256 x 256: `[N, 1, 256, 256]` gives `[N, 256, 64, 64]`. */
export function embedMask(site: Site, mask: Value): Value {
  const { graph, weights } = site;
  const layer = (x: Value, index: number, stride: number) => {
    const name = `prompt_encoder.mask_downscaling.${index}`;
    return conv(site, x, { name, weight: weights.take(`${name}.weight`), bias: weights.take(`${name}.bias`), stride });
  };
  const normed = (x: Value, index: number) =>
    gelu(graph, channelNorm(site, x, `prompt_encoder.mask_downscaling.${index}`, MASK_NORM_EPSILON));
  const half = normed(layer(graph.work(mask), 0, 2), 1);
  return layer(normed(layer(half, 3, 2), 4), 6, 1);
}

/** Adds what stands for a mask where there is none: `[1, 256, 1, 1]`. */
export function noMask(site: Site): Value {
  return constant(site, 'prompt_encoder.no_mask_embed.weight', [1, EMBEDDING_CHANNELS, 1, 1]);
}
