/**
 * SAM's own image encoder, a ViT of any size: https://arxiv.org/abs/2304.02643, after ViTDet, https://arxiv.org/abs/2203.16527.
 * Everything follows from the shapes of its weights, as in native/weights/vit_weights.cpp.
 */
import { ENCODER, mlp, NORM_EPSILON, neck, toTokens } from './encoder-parts.js';
import type { Graph } from './graph.js';
import { constant, conv, layerNorm, type Site } from './layers.js';
import type { Dim, Value } from './value.js';
import type { Weight } from './weights.js';
import { type Parts, windowAttention } from './window-attention.js';

/** Rows of queries that attend to the whole picture at a time: the scores of all would take a gigabyte, twice. */
const BAND = 8;

/** Adds a ViT: `pixels` N x 3 x 1024 x 1024, in the type that the graph works in, become N x 256 x 64 x 64. */
export function vitEncoder(site: Site, pixels: Value): Value {
  const { graph, weights } = site;
  let x = graph.add(patches(site, pixels), constant(site, `${ENCODER}.pos_embed`));
  for (let i = 0; weights.has(`${ENCODER}.blocks.${i}.norm1.weight`); i++) x = block(site, x, `${ENCODER}.blocks.${i}`);
  return neck(site, x);
}

function patches(site: Site, pixels: Value): Value {
  const name = `${ENCODER}.patch_embed.proj`;
  const weight = site.weights.take(`${name}.weight`);
  const bias = site.weights.take(`${name}.bias`);
  return toTokens(site.graph, conv(site, pixels, { name, weight, bias, stride: weight.shape[3]! }));
}

function block(site: Site, x: Value, name: string): Value {
  const { graph, weights } = site;
  const tables = ['rel_pos_h', 'rel_pos_w'].map((table) => `${name}.attn.${table}`);
  const [distances, depth] = weights.take(tables[0]!).shape as [number, number];
  const layer = {
    name: `${name}.attn`,
    heads: (x.shape[3] as number) / depth,
    window: (distances + 1) / 2,
    order: 'part, head',
    bias: weights.take(`${name}.attn.qkv.bias`),
  } as const;
  const [rows, columns] = tables.map((table) => graph.weight(table, byPosition(weights.take(table)))) as [Value, Value];
  const normed = layerNorm(site, x, `${name}.norm1`, NORM_EPSILON);
  const attended = graph.add(
    x,
    windowAttention(site, normed, layer, (parts) => attend(graph, parts, { rows, columns })),
  );
  const names = { norm: `${name}.norm2`, layers: [`${name}.mlp.lin1`, `${name}.mlp.lin2`] as [string, string] };
  return graph.add(attended, mlp(site, attended, names, NORM_EPSILON));
}

/** Turns a vector for each distance, from 1 - side to side - 1, into one for each query's place and key's: side x depth x side. */
function byPosition({ shape, read }: Weight): Weight {
  const [distances, depth] = shape as [number, number];
  const side = (distances + 1) / 2;
  return {
    shape: [side, depth, side],
    async read() {
      const table = await read();
      const vectors = new Float32Array(side * depth * side);
      let i = 0;
      for (let query = 0; query < side; query++)
        for (let at = 0; at < depth; at++)
          for (let key = 0; key < side; key++) vectors[i++] = table[(query - key + side - 1) * depth + at]!;
      return vectors;
    },
  };
}

/**
 * Adds the attention of windows: scores are q k^T, and what two tokens' distance in rows and in columns adds, each a product of
 * q with a learnt vector.
 */
function attend(graph: Graph, { q, k, v }: Parts, by: { rows: Value; columns: Value }): Value {
  const side = by.rows.shape[0] as number;
  const [n, windows, heads, tokens, depth] = q.shape as [Dim, number, number, number, number];
  const grid = graph.reshape(q, [n, windows, heads, side, side, depth]);
  const turned = [0, 1, 2, 4, 3, 5];
  const rows = graph.matmul(grid, by.rows);
  const columns = graph.transpose(graph.matmul(graph.transpose(grid, turned), by.columns), turned);
  const keys = graph.transpose(k, [0, 1, 2, 4, 3]);
  const band = (q: Value, rows: Value, columns: Value): Value => {
    const count = q.shape[3] as number;
    const queries = graph.reshape(q, [n, windows, heads, count * side, depth]);
    const scores = graph.reshape(graph.matmul(queries, keys), [n, windows, heads, count, side, side, side]);
    const placed = graph.add(graph.add(scores, graph.unsqueeze(rows, 6)), graph.unsqueeze(columns, 5));
    return graph.matmul(graph.softmax(graph.reshape(placed, [n, windows, heads, count * side, tokens])), v);
  };
  if (windows > 1 || side % BAND > 0) return band(grid, rows, columns);
  const sizes = Array<number>(side / BAND).fill(BAND);
  const [qs, rs, cs] = [grid, rows, columns].map((x) => graph.split(x, 3, sizes)) as [Value[], Value[], Value[]];
  return graph.concat(
    qs.map((q, i) => band(q, rs[i]!, cs[i]!)),
    3,
  );
}
