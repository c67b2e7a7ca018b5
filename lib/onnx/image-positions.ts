/** What stands for the places of an embedding: SAM's Fourier features of the grid, which the decoder adds to its keys. */
import { EMBEDDING_SIDE } from '../frame.js';
import type { Site } from './layers.js';
import type { Value } from './value.js';

const MATRIX = 'prompt_encoder.pe_layer.positional_encoding_gaussian_matrix';

/** Adds 1 x 256 x 64 x 64 of them, in fp32: a half would not hold the angles. */
export function imagePositions({ graph, weights }: Site): Value {
  const places = Array.from({ length: EMBEDDING_SIDE }, (_, i) => (2 * (i + 0.5)) / EMBEDDING_SIDE - 1);
  const grid = places.flatMap((y) => places.flatMap((x) => [x, y]));
  const points = graph.floats(grid, [EMBEDDING_SIDE ** 2, 2], 'float');
  const projected = graph.matmul(points, graph.weight(MATRIX, weights.take(MATRIX), 'float'));
  const angles = graph.mul(projected, graph.floats([2 * Math.PI], [], 'float'));
  const features = graph.concat([graph.unary('Sin', angles), graph.unary('Cos', angles)], 1);
  const channels = features.shape[1]!;
  return graph.reshape(graph.transpose(features, [1, 0]), [1, channels, EMBEDDING_SIDE, EMBEDDING_SIDE]);
}
