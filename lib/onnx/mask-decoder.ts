/** SAM's mask decoder as nodes of an ONNX graph, https://arxiv.org/abs/2304.02643, appendix A. */
import { EMBEDDING_CHANNELS, EMBEDDING_SIDE, LOW_RES_SIDE } from '../frame.js';
import { channelNorm, doubled, gelu, linear, type Site } from './layers.js';
import { twoWayTransformer } from './two-way-transformer.js';
import type { Dim, Value } from './value.js';
import { stacked } from './weights.js';

const UPSCALE_EPSILON = 1e-6;
const MASK_TOKENS = 4;
/** Tokens that are the decoder's own: of the predicted IoUs, then of the masks. */
export const OWN_TOKENS = 1 + MASK_TOKENS;

export interface MaskDecoderInputs {
  /** Tokens of the prompts: `[N, n, 256]`. */
  sparse: Value;
  /** {@link ownTokens} for each of the N: `[N, 5, 256]`. */
  own: Value;
  /** Image with the dense prompt: `[N, 256, 64, 64]`. */
  image: Value;
  /** Encoded positions of the image's parts: `[N or 1, 256, 64, 64]`. */
  positions: Value;
  /** As of {@link twoWayTransformer}. */
  unseen?: Value;
}

/** Adds the decoder's own tokens: `[1, 5, 256]`. */
export function ownTokens({ graph, weights }: Site): Value {
  const rows = ['iou_token', 'mask_tokens'].map((name) => weights.take(`mask_decoder.${name}.weight`));
  const { read } = stacked(rows);
  return graph.weight('mask_decoder.tokens', { shape: [1, OWN_TOKENS, EMBEDDING_CHANNELS], read });
}

/**
 * Adds the decoder. Of the masks those from `first` on are made, of four: 0 is the mask for when there is one, 1 to 3 are those to
 * choose from. Returns logits `[N, masks, 256, 256]` and predicted IoUs `[N, masks]`.
 */
export function decodeMasks(
  site: Site,
  inputs: MaskDecoderInputs,
  { first, epsilon }: { first: 0 | 1; epsilon: number },
): { masks: Value; ious: Value } {
  const { graph } = site;
  const { sparse, own, unseen } = inputs;
  const tokens = graph.concat([own, sparse], 1, 'num_tokens');
  const image = inRows(site, inputs.image);
  const positions = inRows(site, inputs.positions);
  const seen = twoWayTransformer(site, { tokens, image, positions, ...(unseen && { unseen }) }, epsilon);
  const tokenAt = (index: number) => graph.squeeze(graph.slice(seen.tokens, 1, index, index + 1), 1);
  const factors: Value[] = [];
  for (let i = first; i < MASK_TOKENS; i++) {
    const made = feedForward(site, tokenAt(1 + i), `mask_decoder.output_hypernetworks_mlps.${i}`);
    factors.push(graph.unsqueeze(made, 1));
  }
  const ious = feedForward(site, tokenAt(0), 'mask_decoder.iou_prediction_head');
  return {
    masks: masksOf(site, seen.image, graph.concat(factors, 1)),
    ious: first === 0 ? ious : graph.slice(ious, 1, first, MASK_TOKENS),
  };
}

/** Puts the parts of an image in a row: `[N, 256, 64, 64]` becomes `[N, 4096, 256]`. */
function inRows({ graph }: Site, image: Value): Value {
  const rows = graph.reshape(image, [image.shape[0]!, EMBEDDING_CHANNELS, EMBEDDING_SIDE ** 2]);
  return graph.work(graph.transpose(rows, [0, 2, 1]));
}

function feedForward(site: Site, x: Value, name: string): Value {
  const layer = (y: Value, index: number) => linear(site, y, `${name}.layers.${index}`);
  const { graph } = site;
  return layer(graph.unary('Relu', layer(graph.unary('Relu', layer(x, 0)), 1)), 2);
}

/** Enlarges the image and multiplies it by the factors that each mask's token became: `[N, masks, 32]`. */
function masksOf(site: Site, image: Value, factors: Value): Value {
  const { graph } = site;
  const name = 'mask_decoder.output_upscaling';
  const [n, count, channels] = factors.shape as [Dim, number, number];
  const grid = [n, EMBEDDING_CHANNELS, EMBEDDING_SIDE, EMBEDDING_SIDE];
  const small = graph.reshape(graph.transpose(image, [0, 2, 1]), grid);
  const larger = gelu(graph, channelNorm(site, doubled(site, small, `${name}.0`), `${name}.1`, UPSCALE_EPSILON));
  const large = gelu(graph, doubled(site, larger, `${name}.3`));
  const products = graph.matmul(factors, graph.reshape(large, [n, channels, LOW_RES_SIDE ** 2]));
  return graph.reshape(products, [n, count, LOW_RES_SIDE, LOW_RES_SIDE]);
}
