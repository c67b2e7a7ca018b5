/** SAM's image encoders as ONNX graphs: a picture, or a batch of prepared ones, becomes embeddings. */
import { EMBEDDING_CHANNELS, EMBEDDING_SIDE, MODEL_SIDE } from '../frame.js';
import { Graph, type Variant } from './graph.js';
import type { Site } from './layers.js';
import { imagePositions } from './positions.js';
import { isTinyViT, tinyViTEncoder } from './tiny-vit-encoder.js';
import type { Value } from './value.js';
import { vitEncoder } from './vit-encoder.js';
import type { Weights } from './weights.js';

/** Mean and deviation of ImageNet's pixels, which SAM's encoders expect; of 0..255, as native/encoder/preprocess.cpp has them. */
export const MEAN = [0.485, 0.456, 0.406].map((x) => x * 255);
export const DEVIATION = [0.229, 0.224, 0.225].map((x) => x * 255);

/**
 * Adds the image encoder that the weights hold: `pixels`, N x 3 x 1024 x 1024, normalised and padded, become N x 256 x 64 x 64.
 *
 * @throws SamError `SAM_BAD_CHECKPOINT`: a tensor of it is missing.
 */
export function addVisionEncoder(site: Site, pixels: Value): Value {
  const build = isTinyViT(site.weights) ? tinyViTEncoder : vitEncoder;
  return build(site, site.graph.work(pixels));
}

/**
 * Builds `encoder.onnx` of the layout `meta`, as samexporter's: a picture of any size up to 1024 pixels, RGB of 0..255, becomes
 * one embedding.
 */
export function metaEncoder(weights: Weights, variant: Variant): Graph {
  const graph = new Graph('sam_image_encoder', variant);
  const image = graph.input('input_image', ['image_height', 'image_width', 3]);
  graph.output(addVisionEncoder({ graph, weights }, prepared(graph, image)), 'image_embeddings');
  return graph;
}

/** Builds transformers.js' `vision_encoder.onnx`: a batch of prepared pictures becomes embeddings, and what stands for places. */
export function visionEncoder(weights: Weights, variant: Variant): Graph {
  const graph = new Graph('sam_vision_encoder', variant);
  const site = { graph, weights };
  const pixels = graph.input('pixel_values', ['batch_size', 3, MODEL_SIDE, MODEL_SIDE]);
  graph.output(addVisionEncoder(site, pixels), 'image_embeddings');
  const shape = [EMBEDDING_CHANNELS, EMBEDDING_SIDE, EMBEDDING_SIDE];
  const repeated = graph.expandBy(imagePositions(site), [graph.size(pixels, 0), ...shape], ['batch_size', ...shape]);
  graph.output(repeated, 'image_positional_embeddings');
  return graph;
}

/** Normalises a picture, and pads it with zeros at right and bottom. */
function prepared(graph: Graph, image: Value): Value {
  const planes = graph.transpose(image, [2, 0, 1]); // first: what follows takes a plane at a time
  const centred = graph.sub(planes, graph.floats(MEAN, [3, 1, 1], 'float'));
  const normalised = graph.div(centred, graph.floats(DEVIATION, [3, 1, 1], 'float'));
  const size = graph.node('Shape', [image], { shape: [2], type: 'int64' }, { start: 0, end: 2 });
  const missing = graph.sub(graph.ints([MODEL_SIDE, MODEL_SIDE]), size);
  const pads = graph.concat([graph.ints([0, 0, 0, 0]), missing], 0);
  const square = graph.node('Pad', [normalised, pads], { shape: [3, MODEL_SIDE, MODEL_SIDE] });
  // A reshape says to readers what they cannot infer: that it is 1024 x 1024 now.
  return graph.reshape(square, [1, 3, MODEL_SIDE, MODEL_SIDE]);
}
