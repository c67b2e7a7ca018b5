/** The two-way transformer of SAM's mask decoder as nodes of an ONNX graph: tokens look at the image, the image looks at the tokens. */
import { layerNorm, linear, type Site } from './layers.js';
import type { Dim, Value } from './value.js';

const DEPTH = 2;
const HEADS = 8;
/** Epsilon of the last norm: the same whatever that of the others. */
const FINAL_EPSILON = 1e-5;

/** What the transformer works on. */
export interface TwoWayInputs {
  /** `[N, tokens, 256]`. */
  tokens: Value;
  /** The image, its parts in a row: `[N, 4096, 256]`. */
  image: Value;
  /** Where those parts are: `[N or 1, 4096, 256]`. */
  positions: Value;
  /** Added to what attention to the tokens is made of: `[N, 1, 1, tokens]`, very negative where one is not to be seen. */
  unseen?: Value;
}

/** Adds the transformer. Returns tokens and image as they come out of it. */
export function twoWayTransformer(site: Site, inputs: TwoWayInputs, epsilon: number): { tokens: Value; image: Value } {
  let state = { tokens: inputs.tokens, image: inputs.image };
  for (let i = 0; i < DEPTH; i++) state = block(site, inputs, state, { index: i, epsilon });
  const { graph } = site;
  const name = 'mask_decoder.transformer';
  const q = graph.add(state.tokens, inputs.tokens);
  const k = graph.add(state.image, inputs.positions);
  const attended = attention(site, { q, k, v: state.image, name: `${name}.final_attn_token_to_image` });
  const tokens = layerNorm(site, graph.add(state.tokens, attended), `${name}.norm_final_attn`, FINAL_EPSILON);
  return { tokens, image: state.image };
}

function block(
  site: Site,
  { tokens: places, positions, unseen }: TwoWayInputs,
  { tokens, image }: { tokens: Value; image: Value },
  { index, epsilon }: { index: number; epsilon: number },
): { tokens: Value; image: Value } {
  const { graph } = site;
  const name = `mask_decoder.transformer.layers.${index}`;
  const normed = (x: Value, number: number) => layerNorm(site, x, `${name}.norm${number}`, epsilon);
  // In the first block the tokens are their own places: nothing is added to them, and attention replaces them.
  const placed = index === 0 ? tokens : graph.add(tokens, places);
  const seen = attention(site, { q: placed, k: placed, v: tokens, name: `${name}.self_attn`, unseen });
  let queries = normed(index === 0 ? seen : graph.add(tokens, seen), 1);

  const k = graph.add(image, positions);
  const toImage = `${name}.cross_attn_token_to_image`;
  queries = normed(
    graph.add(queries, attention(site, { q: graph.add(queries, places), k, v: image, name: toImage })),
    2,
  );
  const wide = graph.unary('Relu', linear(site, queries, `${name}.mlp.lin1`));
  queries = normed(graph.add(queries, linear(site, wide, `${name}.mlp.lin2`)), 3);

  const back = { q: k, k: graph.add(queries, places), v: queries, name: `${name}.cross_attn_image_to_token`, unseen };
  return { tokens: queries, image: normed(graph.add(image, attention(site, back)), 4) };
}

function attention(
  site: Site,
  { q, k, v, name, unseen }: { q: Value; k: Value; v: Value; name: string; unseen?: Value | undefined },
): Value {
  const { graph } = site;
  // In int8 the few weights between tokens and image would cost more than all the others together: measured, IoU 0.995 for 0.998.
  const exact = q !== k;
  const headsOf = (x: Value, part: string, perm: readonly number[]) => {
    const projected = linear(site, x, `${name}.${part}_proj`, { exact });
    const [n, count, width] = projected.shape as [Dim, Dim, number];
    return graph.transpose(graph.reshape(projected, [n!, count!, HEADS, width / HEADS]), perm);
  };
  const queries = headsOf(q, 'q', [0, 2, 1, 3]);
  const [n, , count, depth] = queries.shape as [Dim, number, Dim, number];
  // The queries are made smaller, not the products: those could be beyond fp16.
  const small = graph.mul(queries, graph.floats([1 / Math.sqrt(depth)]));
  const products = graph.matmul(small, headsOf(k, 'k', [0, 2, 3, 1]));
  const shares = graph.softmax(unseen === undefined ? products : graph.add(products, unseen));
  const mixed = graph.transpose(graph.matmul(shares, headsOf(v, 'v', [0, 2, 1, 3])), [0, 2, 1, 3]);
  return linear(site, graph.reshape(mixed, [n!, count!, HEADS * depth]), `${name}.out_proj`, { exact });
}
