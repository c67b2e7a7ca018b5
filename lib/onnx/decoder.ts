/** Prompt encoder and mask decoder as one graph, with the inputs and outputs that others' programs expect. */
import { EMBEDDING_CHANNELS, EMBEDDING_SIDE, LOW_RES_SIDE, MODEL_SIDE } from '../frame.js';
import { Graph, type Variant } from './graph.js';
import { decodeMasks, OWN_TOKENS, ownTokens } from './mask-decoder.js';
import { imagePositions } from './positions.js';
import { embedMask, embedPoints, noMask } from './prompt-encoder.js';
import type { Value } from './value.js';
import type { Weights } from './weights.js';

const IMAGE = [EMBEDDING_CHANNELS, EMBEDDING_SIDE, EMBEDDING_SIDE] as const;
const MASK = [LOW_RES_SIDE, LOW_RES_SIDE] as const;

/**
 * Builds the decoder with the signature of segment-anything's `SamOnnxModel`
 * (https://github.com/facebookresearch/segment-anything/blob/main/segment_anything/utils/onnx.py), without `--return-single-mask`: of
 * the four masks that for when there is one is the first. The caller appends a point labelled -1 where there is no box, as there.
 *
 * @param options.epsilon of the transformer's norms.
 * @param options.masks `best`: only one comes out, of the three to choose from that of the highest predicted IoU. For programs that take the
 * first mask whatever the model was tuned for.
 */
export function metaDecoder(
  weights: Weights,
  variant: Variant,
  { epsilon, masks = 'all' }: { epsilon: number; masks?: 'all' | 'best' },
): Graph {
  const graph = new Graph('sam_decoder', variant);
  const site = { graph, weights };
  const embeddings = graph.input('image_embeddings', [1, ...IMAGE]);
  const points = graph.input('point_coords', [1, 'num_points', 2]);
  const labels = graph.input('point_labels', [1, 'num_points']);
  const mask = graph.input('mask_input', [1, 1, ...MASK]);
  const hasMask = graph.work(graph.input('has_mask_input', [1]));
  const size = graph.input('orig_im_size', [2]);

  const without = graph.mul(noMask(site), graph.sub(graph.floats([1]), hasMask));
  const dense = graph.add(graph.mul(embedMask(site, mask), hasMask), without);
  const inputs = {
    sparse: embedPoints(site, points, labels),
    own: ownTokens(site),
    image: graph.add(graph.work(embeddings), dense),
    positions: imagePositions(site),
  };
  const decoded = decodeMasks(site, inputs, { first: masks === 'best' ? 1 : 0, epsilon });
  const { masks: lowRes, ious } = masks === 'best' ? bestOf(graph, decoded) : decoded;
  graph.output(inPicture(graph, graph.cast(lowRes, 'float'), size), 'masks');
  graph.output(ious, 'iou_predictions');
  graph.output(lowRes, 'low_res_masks');
  return graph;
}

/** Takes, of the masks of one prompt, that of the highest predicted IoU. */
function bestOf(graph: Graph, { masks, ious }: { masks: Value; ious: Value }): { masks: Value; ious: Value } {
  const best = graph.node('ArgMax', [ious], { shape: [1], type: 'int64' }, { axis: 1, keepdims: 0 });
  return { masks: graph.gather(masks, best, 1), ious: graph.gather(ious, best, 1) };
}

/** Brings masks of the frame into the picture's size: enlarged to the frame, cut to the picture within it, resized. */
function inPicture(graph: Graph, masks: Value, size: Value): Value {
  const number = (value: number) => graph.floats([value], [], 'float');
  const longest = graph.node('ReduceMax', [size], { shape: [1] }, { keepdims: 1 });
  const scaled = graph.mul(graph.div(number(MODEL_SIDE), longest), size);
  const within = graph.cast(graph.unary('Floor', graph.add(scaled, number(0.5))), 'int64');
  const leading = masks.shape.slice(0, 2) as number[];
  const large = resized(graph, masks, graph.ints([...leading, MODEL_SIDE, MODEL_SIDE]), [MODEL_SIDE, MODEL_SIDE]);
  const cut = graph.node('Slice', [large, graph.ints([0, 0]), within, graph.ints([2, 3])], {
    shape: [...leading, 'cut_height', 'cut_width'],
  });
  const sizes = graph.concat([graph.ints(leading), graph.cast(size, 'int64')], 0);
  return resized(graph, cut, sizes, ['height', 'width']);
}

function resized(graph: Graph, x: Value, sizes: Value, sides: Value['shape']): Value {
  const attributes = { mode: 'linear', coordinate_transformation_mode: 'half_pixel' };
  const shape = [...x.shape.slice(0, 2), ...sides];
  return graph.node('Resize', [x, undefined, undefined, sizes], { shape }, attributes);
}

/** Labels from which on, of real points, one is a corner of a box. */
const CORNER = 2;
/** Added to a product of attention it leaves nothing of it, in fp16 too. */
const NEVER = -30000;

/**
 * Builds the decoder with the signature that transformers.js' `SamModel` runs as `prompt_encoder_mask_decoder`: prompts of several images,
 * several for each, whose three masks to choose from come out. It pads itself, as transformers' prompt encoder does: where no corner of
 * a box is among the labels.
 *
 * @param options.epsilon of the transformer's norms.
 */
export function transformersJsDecoder(weights: Weights, variant: Variant, { epsilon }: { epsilon: number }): Graph {
  const graph = new Graph('sam_prompt_encoder_mask_decoder', variant);
  const site = { graph, weights };
  const points = graph.input('input_points', ['batch_size', 'point_batch_size', 'nb_points_per_image', 2]);
  const labels = graph.input('input_labels', ['batch_size', 'point_batch_size', 'nb_points_per_image'], 'int64');
  const embeddings = graph.input('image_embeddings', ['batch_size', ...IMAGE]);
  const positions = graph.input('image_positional_embeddings', ['batch_size', ...IMAGE]);

  const [images, prompts, count] = [0, 1, 2].map((axis) => graph.size(points, axis)) as [Value, Value, Value];
  const everyPrompt = (x: Value) => {
    const shape = [images, prompts, ...IMAGE];
    const all = graph.expandBy(graph.unsqueeze(x, 1), shape, ['batch_size', 'point_batch_size', ...IMAGE]);
    return graph.reshape(all, ['num_prompts', ...IMAGE]);
  };
  const flatLabels = graph.cast(graph.reshapeBy(labels, [-1, count], ['num_prompts', 'nb_points_per_image']), 'float');
  const flatPoints = graph.reshapeBy(points, [-1, count, 2], ['num_prompts', 'nb_points_per_image', 2]);
  const total = graph.size(flatPoints, 0);
  const everywhere = (x: Value, sizes: readonly number[]) =>
    graph.expandBy(x, [total, ...sizes], ['num_prompts', ...sizes]);
  const number = (value: number) => graph.floats([value], [], 'float');
  const inputs = {
    sparse: embedPoints(
      site,
      graph.concat([flatPoints, everywhere(number(0), [1, 2])], 1, 'nb_padded'),
      graph.concat([flatLabels, everywhere(number(-1), [1])], 1, 'nb_padded'),
    ),
    own: everywhere(ownTokens(site), [OWN_TOKENS, EMBEDDING_CHANNELS]),
    image: graph.add(graph.work(everyPrompt(embeddings)), noMask(site)),
    positions: everyPrompt(positions),
    unseen: unseenPadding(graph, flatLabels, count),
  };
  const { masks, ious } = decodeMasks(site, inputs, { first: 1, epsilon });
  const perImage = ['batch_size', 'point_batch_size'];
  graph.output(graph.reshapeBy(ious, [images, prompts, 3], [...perImage, 3]), 'iou_scores');
  graph.output(graph.reshapeBy(masks, [images, prompts, 3, ...MASK], [...perImage, 3, ...MASK]), 'pred_masks');
  return graph;
}

/** Hides the padding from attention where a box is: `[N, 1, 1, tokens]`, whose last one the padding is. */
function unseenPadding(graph: Graph, labels: Value, points: Value): Value {
  const number = (value: number) => graph.floats([value], [], 'float');
  const isCorner = graph.node('GreaterOrEqual', [labels, number(CORNER)], { shape: labels.shape, type: 'bool' });
  const inputs = [graph.cast(isCorner, 'float'), graph.ints([1])];
  const corners = graph.node('ReduceSum', inputs, { shape: ['num_prompts', 1] });
  const hidden = graph.mul(graph.node('Min', [corners, number(1)], { shape: corners.shape }), number(NEVER));
  const before = graph.add(points, graph.ints([OWN_TOKENS]));
  const pads = graph.concat([graph.ints([0]), before, graph.ints([0, 0])], 0);
  const all = graph.node('Pad', [hidden, pads], { shape: ['num_prompts', 'num_tokens'] });
  return graph.work(graph.unsqueeze(graph.unsqueeze(all, 1), 1));
}
