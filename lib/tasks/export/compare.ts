/** Two answers to the same prompts: how far an export's lies from its model's. */
import { LOW_RES_SIDE, type Size } from '../../frame.js';
import type { ResolvedPromptOptions } from '../../models/prompt-options.js';
import { toProbabilities } from '../../raster/probabilities.js';
import { confusion, scores } from '../../scoring/metrics.js';
import type { DecodedMasks } from './exported.js';

const PLANE = LOW_RES_SIDE ** 2;

/** How far apart two answers are. */
export interface Distance {
  /** IoU of the masks that `predict` would write. */
  iou: number;
  /** Largest difference of two logits, over all masks. */
  logits: number;
  /** Largest difference of two predicted IoUs, over all masks. */
  scores: number;
}

/** How a mask is chosen and drawn. */
export interface Drawing extends Pick<ResolvedPromptOptions, 'maskOutput' | 'multiMask' | 'imageSize'> {
  readonly size: Size;
  /** Prompts that exist, 1 each; undefined: all do. */
  readonly present: Uint8Array | undefined;
}

/** Compares an export's masks (three or four a prompt) with the model's four. */
export async function distance(exported: DecodedMasks, model: DecodedMasks, drawing: Drawing): Promise<Distance> {
  const known = lastTokens(model, exported.outputs);
  const found = scores(await confusion(maskOf(exported, drawing), maskOf(model, drawing)));
  return {
    iou: found.iou,
    logits: largestDifference(exported.lowResLogits, known.lowResLogits),
    scores: largestDifference(exported.iouPredictions, known.iouPredictions),
  };
}

/** Returns the masks of the last tokens of each prompt, as many as are wanted. */
function lastTokens(masks: DecodedMasks, wanted: number): DecodedMasks {
  if (wanted === masks.outputs) return masks;
  const keep = (values: Float32Array, length: number) =>
    values.filter((_, at) => Math.floor(at / length) % masks.outputs >= masks.outputs - wanted);
  return {
    lowResLogits: keep(masks.lowResLogits, PLANE),
    iouPredictions: keep(masks.iouPredictions, 1),
    outputs: wanted,
  };
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let at = 0; at < a.length; at++) {
    const difference = Math.abs(a[at]! - b[at]!);
    // NaN is as far off as can be.
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  return largest;
}

/** Draws the mask that is chosen, at the picture's size: 1 inside. */
function maskOf(masks: DecodedMasks, drawing: Drawing): Uint8Array {
  const { width, height } = drawing.size;
  const squashed = drawing.imageSize !== undefined;
  const probabilities = toProbabilities(chosenLogits(masks, drawing), { width, height, squashed });
  return Uint8Array.from(probabilities, (value) => Number(value > 0.5));
}

/** Chooses one of the masks of each prompt by predicted IoU, and then, as `multiMask` says, the best prompt's or the mean of all. */
function chosenLogits(masks: DecodedMasks, { maskOutput, multiMask, present }: Drawing): Float32Array {
  const { lowResLogits, iouPredictions, outputs } = masks;
  const better = (a: number, b: number) => (iouPredictions[b]! > iouPredictions[a]! ? b : a);
  const isAsked = (at: number) => {
    const token = (at % outputs) + 4 - outputs;
    return maskOutput === 'single' ? token === 0 : token > 0;
  };
  const chosen: number[] = [];
  for (let prompt = 0; prompt < iouPredictions.length / outputs; prompt++) {
    if (present?.[prompt] === 0) continue;
    const own = Array.from({ length: outputs }, (_, mask) => prompt * outputs + mask);
    chosen.push(own.filter(isAsked).reduce(better));
  }
  const taken = multiMask === 'best' ? [chosen.reduce(better)] : chosen;
  const logits = new Float32Array(PLANE);
  for (const mask of taken)
    for (let at = 0; at < PLANE; at++) logits[at]! += lowResLogits[mask * PLANE + at]! / taken.length;
  return logits;
}
