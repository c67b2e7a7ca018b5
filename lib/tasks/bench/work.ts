/**
 * The arithmetic of SAM's parts, counted from their sizes: floating-point operations (a multiply-add is two) and the numbers
 * that each operation has to read and write, with everything elementwise fused into its neighbours. From both follows the least
 * time that a device of a given rate and bandwidth needs.
 */
import { EMBEDDING_CHANNELS, EMBEDDING_SIDE, MODEL_SIDE } from '../../frame.js';
import type { Encoder, Stage, TinyVit, Vit } from '../../models/encoders.js';

const PATCH = MODEL_SIDE / EMBEDDING_SIDE; // side, pixels

/** Widths of SAM's mask decoder. */
const DECODER = {
  layers: 2,
  mlp: 2048,
  /** Width of attention between tokens and image. */
  cross: 128,
  masks: 4,
  /** Channels after the two upscalings. */
  upscaled: [64, 32],
} as const;

/** Operation, or several of a kind. */
export interface Operation {
  flops: number;
  /** Numbers read and written: inputs, weights, outputs, each once. */
  numbers: number;
  /** Whether the input comes from the frozen encoder, so that its gradient is not needed. */
  frozenInput?: boolean;
}

/** Peak of a device by its data sheet. */
export interface Peak {
  flopsPerSecond: number;
  bytesPerSecond: number;
  bytesPerNumber: number;
}

export const flopsOf = (operations: readonly Operation[]) => operations.reduce((sum, { flops }) => sum + flops, 0);

/** Works out the seconds that operations take at least, one after another, each bound by arithmetic or by memory. */
export function leastSeconds(operations: readonly Operation[], peak: Peak): number {
  return operations.reduce((sum, { flops, numbers }) => {
    const memory = (numbers * peak.bytesPerNumber) / peak.bytesPerSecond;
    return sum + Math.max(flops / peak.flopsPerSecond, memory);
  }, 0);
}

/** Counts a linear layer: y = W x + b for each of `rows` x. */
function linear(rows: number, inputs: number, outputs: number): Operation {
  return { flops: 2 * rows * inputs * outputs, numbers: rows * (inputs + outputs) + inputs * outputs };
}

/** Counts attention: softmax(q k) v, `times` over, whose scores never leave the chip. `dim` is that of all heads together. */
function attention(queries: number, keys: number, dim: number, times = 1): Operation {
  return { flops: 4 * times * queries * keys * dim, numbers: 2 * times * (queries + keys) * dim };
}

/** Counts a convolution with an output of `side` x `side`. `fan`: inputs of each output number, its kernel's area included. */
function convolution(side: number, stride: number, inputs: number, outputs: number, fan: number): Operation {
  const pixels = side * side;
  return { flops: 2 * pixels * outputs * fan, numbers: pixels * (inputs * stride * stride + outputs) + outputs * fan };
}

const TOKENS = EMBEDDING_SIDE * EMBEDDING_SIDE;

/** Counts the neck after the last layer, which has `dim` channels. */
function neck(dim: number): Operation[] {
  return [
    linear(TOKENS, dim, EMBEDDING_CHANNELS),
    convolution(EMBEDDING_SIDE, 1, EMBEDDING_CHANNELS, EMBEDDING_CHANNELS, 9 * EMBEDDING_CHANNELS),
  ];
}

/** Lists the operations of an image encoder, for one picture; null for an encoder that nobody counted. */
export function encoderWork(encoder: Encoder | undefined): Operation[] | null {
  if (encoder?.kind === 'vit') return vitWork(encoder);
  return encoder?.kind === 'tiny-vit' ? tinyVitWork(encoder) : null;
}

/** Lists the operations of a ViT; the padding of windows at the edge counts, as transformers computes it. */
function vitWork(vit: Vit): Operation[] {
  const operations = [linear(TOKENS, 3 * PATCH * PATCH, vit.dim)];
  for (let layer = 0; layer < vit.layers; layer++)
    operations.push(...vitLayer(vit, vit.globalLayers.includes(layer) ? EMBEDDING_SIDE : vit.window));
  return [...operations, ...neck(vit.dim)];
}

function vitLayer({ dim, mlp }: Vit, side: number): Operation[] {
  const windows = Math.ceil(EMBEDDING_SIDE / side) ** 2;
  const perWindow = side * side;
  const tokens = windows * perWindow;
  const positions = { flops: 4 * tokens * side * dim, numbers: 0 }; // q times a row and a column of distances
  return [
    linear(tokens, dim, 3 * dim),
    attention(perWindow, perWindow, dim, windows),
    positions,
    linear(tokens, dim, dim),
    linear(TOKENS, dim, mlp),
    linear(TOKENS, mlp, dim),
  ];
}

function tinyVitWork({ stages: [first, ...others] }: TinyVit): Operation[] {
  const half = first.dim / 2;
  const operations = [
    convolution(MODEL_SIDE / 2, 2, 3, half, 27),
    convolution(MODEL_SIDE / 4, 2, half, first.dim, 9 * half),
  ];
  for (let block = 0; block < first.blocks; block++) operations.push(...mobileBlock(first.dim, first.grid));
  let before: Stage = first;
  for (const stage of others) {
    operations.push(...merging(before, stage));
    for (let block = 0; block < stage.blocks; block++) operations.push(...tinyBlock(stage));
    before = stage;
  }
  return [...operations, ...neck(before.dim)];
}

function mobileBlock(dim: number, grid: number): Operation[] {
  const [tokens, wide] = [grid * grid, 4 * dim];
  return [linear(tokens, dim, wide), convolution(grid, 1, wide, wide, 9), linear(tokens, wide, dim)];
}

function merging(from: Stage, to: Stage): Operation[] {
  return [
    linear(from.grid ** 2, from.dim, to.dim),
    convolution(to.grid, from.grid / to.grid, to.dim, to.dim, 9),
    linear(to.grid ** 2, to.dim, to.dim),
  ];
}

function tinyBlock({ dim, grid, window }: Stage): Operation[] {
  const windows = Math.ceil(grid / window) ** 2;
  const perWindow = window * window;
  return [
    linear(windows * perWindow, dim, 3 * dim),
    attention(perWindow, perWindow, dim, windows),
    linear(windows * perWindow, dim, dim),
    convolution(grid, 1, dim, dim, 9),
    linear(grid * grid, dim, 4 * dim),
    linear(grid * grid, 4 * dim, dim),
  ];
}

/** Counts a prompt's tokens: predicted IoU, four masks, and its points (a single one is padded to two). */
const promptTokens = (points: number) => 1 + DECODER.masks + Math.max(2, points);

/** Lists the operations of the mask decoder, forward, for one prompt of so many points (a box has two: its corners). */
export function decoderWork(points: number): Operation[] {
  const tokens = promptTokens(points);
  const operations: Operation[] = [];
  for (let layer = 0; layer < DECODER.layers; layer++) {
    const frozenInput = layer === 0;
    operations.push(
      ...attentionBlock({ rows: tokens }, { rows: tokens }, EMBEDDING_CHANNELS),
      ...attentionBlock({ rows: tokens }, { rows: TOKENS, frozenInput }, DECODER.cross),
      ...[linear(tokens, EMBEDDING_CHANNELS, DECODER.mlp), linear(tokens, DECODER.mlp, EMBEDDING_CHANNELS)],
      ...attentionBlock({ rows: TOKENS, frozenInput }, { rows: tokens }, DECODER.cross),
    );
  }
  return [...operations, ...attentionBlock({ rows: tokens }, { rows: TOKENS }, DECODER.cross), ...maskHead()];
}

interface Attended {
  rows: number;
  frozenInput?: boolean;
}

/** Lists the operations of attention with its four projections. */
function attentionBlock(queries: Attended, keys: Attended, width: number): Operation[] {
  const projected = ({ rows, frozenInput = false }: Attended) => ({
    ...linear(rows, EMBEDDING_CHANNELS, width),
    frozenInput,
  });
  return [
    ...[queries, keys, keys].map(projected),
    attention(queries.rows, keys.rows, width),
    linear(queries.rows, width, EMBEDDING_CHANNELS),
  ];
}

/** Lists the operations that end in masks: two upscalings, five small networks, the product of masks and channels. */
function maskHead(): Operation[] {
  const [first, second] = DECODER.upscaled;
  const pixels = 16 * TOKENS;
  const networks = DECODER.masks + 1;
  return [
    linear(TOKENS, EMBEDDING_CHANNELS, 4 * first), // each pixel becomes 2 x 2
    linear(4 * TOKENS, first, 4 * second),
    ...Array.from({ length: networks }, () => linear(1, EMBEDDING_CHANNELS, 2 * EMBEDDING_CHANNELS + second)),
    { flops: 2 * DECODER.masks * second * pixels, numbers: (DECODER.masks + second) * pixels },
  ];
}

/**
 * Lists the operations of an optimisation step of one prompt: forward, then the gradients of each operation's weights and of its input,
 * each of which costs as much as forward. AdamW's arithmetic is nothing beside it.
 */
export function stepWork(points: number): Operation[] {
  const forward = decoderWork(points);
  const backward = forward.map(({ flops, numbers, frozenInput }) => {
    const gradients = frozenInput === true ? 1 : 2;
    return { flops: gradients * flops, numbers: gradients * numbers };
  });
  return [...forward, ...backward];
}
