/** Attention within windows of tokens: what SAM's two kinds of image encoders share. Tokens are N x height x width x channels. */
import type { Graph } from './graph.js';
import { linear, linearOf, type Site } from './layers.js';
import type { Dim, Value } from './value.js';
import { scaledRows, type Weight } from './weights.js';

/** Layer of attention. */
export interface Attention {
  /** Module's name in the weights; `qkv` and `proj` are within. */
  name: string;
  heads: number;
  /** Side of a window, in tokens. */
  window: number;
  /** Outputs of `qkv`: heads within q, k and v, or q, k and v within each head. */
  order: 'part, head' | 'head, part';
  /** Bias of `qkv`. */
  bias: Weight;
}

/** Queries, keys and values: each batch x windows x heads x tokens x depth. The 1 / sqrt(depth) of attention is in the keys. */
export interface Parts {
  q: Value;
  k: Value;
  v: Value;
}

/** Adds the attention of a layer: `attend` says how a window's tokens attend to each other. */
export function windowAttention(site: Site, x: Value, layer: Attention, attend: (parts: Parts) => Value): Value {
  const { graph, weights } = site;
  const { name, heads, order } = layer;
  const weight = weights.take(`${name}.qkv.weight`);
  const channels = weight.shape[0]! / 3;
  const depth = channels / heads;
  // Rows of q, k and v follow each other in runs.
  const run = order === 'part, head' ? channels : depth;
  const isKey = (row: number) => Math.floor(row / run) % 3 === 1;
  const scaled = (of: Weight) => scaledRows(of, (row) => (isKey(row) ? 1 / Math.sqrt(depth) : 1));
  const product = linearOf(site, x, { name: `${name}.qkv`, weight: scaled(weight) });
  // Where windows reach over the edge, the layer stands before zeros, and gives its bias.
  const padded = padToWindows(graph, product, layer.window);
  const qkv = graph.add(padded, graph.weight(`${name}.qkv.bias`, scaled(layer.bias)));
  const attended = attend(partsOf(graph, qkv, { ...layer, depth }));
  return linear(site, joined(graph, attended, x.shape, layer.window), `${name}.proj`);
}

function padToWindows(graph: Graph, x: Value, window: number): Value {
  const [n, height, width, channels] = x.shape as [Dim, number, number, number];
  const [down, across] = [windowsIn(height, window) * window, windowsIn(width, window) * window];
  if (down === height && across === width) return x;
  const pads = graph.ints([0, 0, 0, 0, 0, down - height, across - width, 0]);
  return graph.node('Pad', [x, pads], { shape: [n, down, across, channels] });
}

const windowsIn = (side: number, window: number) => Math.ceil(side / window);

function partsOf(graph: Graph, x: Value, layer: Attention & { depth: number }): Parts {
  const { heads, depth, window: side, order } = layer;
  const [n, height, width] = x.shape as [Dim, number, number, number];
  const [down, across] = [height / side, width / side];
  const partFirst = order === 'part, head';
  const grid = [n, down, side, across, side, ...(partFirst ? [3, heads] : [heads, 3]), depth];
  const [part, head] = partFirst ? [5, 6] : [6, 5];
  const turned = graph.transpose(graph.reshape(x, grid), [part, 0, 1, 3, head, 2, 4, 7]);
  const all = graph.reshape(turned, [3, n, down * across, heads, side * side, depth]);
  const [q, k, v] = [0, 1, 2].map((i) => graph.gather(all, graph.ints([i], []))) as [Value, Value, Value];
  return { q, k, v };
}

/** Puts the windows beside each other again, without what reached over the edge. `shape`: of the tokens. */
function joined(graph: Graph, x: Value, shape: readonly Dim[], side: number): Value {
  const [n, height, width] = shape as [Dim, number, number];
  const [heads, , depth] = x.shape.slice(2) as [number, number, number];
  const [down, across] = [windowsIn(height, side), windowsIn(width, side)];
  const grid = graph.reshape(x, [n, down, across, heads, side, side, depth]);
  const turned = graph.transpose(grid, [0, 1, 4, 2, 5, 3, 6]);
  const whole = graph.reshape(turned, [n, down * side, across * side, heads * depth]);
  if (down * side === height && across * side === width) return whole;
  const inputs = [whole, graph.ints([0, 0]), graph.ints([height, width]), graph.ints([1, 2])];
  return graph.node('Slice', inputs, { shape: [n, height, width, heads * depth] });
}
