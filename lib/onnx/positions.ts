/** Where something is, as sines and cosines: https://arxiv.org/abs/2006.10739. In fp32 throughout: the angles go to hundreds. */
import { EMBEDDING_CHANNELS, EMBEDDING_SIDE } from '../frame.js';
import type { Site } from './layers.js';
import type { Value } from './value.js';

/** Adds the encoding of coordinates, which are shares of the frame: `[…, 2]`, x then y, gives `[…, 256]`, fp32. */
export function encodePositions({ graph, weights }: Site, coordinates: Value): Value {
  const name = 'prompt_encoder.pe_layer.positional_encoding_gaussian_matrix';
  const matrix = graph.weight(name, weights.take(name), 'float');
  const number = (value: number) => graph.floats([value], [], 'float');
  const centred = graph.sub(graph.mul(coordinates, number(2)), number(1));
  const angles = graph.mul(graph.matmul(centred, matrix), number(2 * Math.PI));
  return graph.concat([graph.unary('Sin', angles), graph.unary('Cos', angles)], -1);
}

/** Adds the encoding of where each part of the image embedding is: `[1, 256, 64, 64]`, fp32. */
export function imagePositions(site: Site): Value {
  const { graph } = site;
  const grid: number[] = [];
  for (let y = 0; y < EMBEDDING_SIDE; y++) {
    for (let x = 0; x < EMBEDDING_SIDE; x++) grid.push((x + 0.5) / EMBEDDING_SIDE, (y + 0.5) / EMBEDDING_SIDE);
  }
  const encoded = encodePositions(site, graph.floats(grid, [EMBEDDING_SIDE ** 2, 2], 'float'));
  return graph.reshape(graph.transpose(encoded, [1, 0]), [1, EMBEDDING_CHANNELS, EMBEDDING_SIDE, EMBEDDING_SIDE]);
}
