/**
 * A prompt where nobody gives one: a grid of single points is tried, the mask that the model itself is surest of becomes a
 * rough mask, and from that a prompt is drawn as in training.
 */
import type { MaskOutput } from '../../binding.js';
import type { LowResMask, Prompt } from '../prompts/prompt.js';
import type { ImageEmbedding, SamModel } from './sam-model.js';

/** Points across and down. */
const GRID = 8;
/** Prompts decoded at a time: three masks each are 12 MiB of logits. */
const CHUNK = 16;
/** Side of the decoder's grid. */
const SIDE = 256;
/** A mask that covers less or more of the picture is not taken for the object while there is any other. */
const SENSIBLE = { least: 0.01, most: 0.95 };

interface Candidate {
  mask: LowResMask;
  iou: number;
  sensible: boolean;
}

/**
 * The mask of highest predicted IoU among those of a grid of single positive points: of a sensible size if there is one, else
 * of any. Undefined when every mask is empty.
 */
export async function findRoughMask(
  model: SamModel,
  embedding: ImageEmbedding,
  { maskOutput, signal }: { maskOutput: MaskOutput; signal?: AbortSignal | undefined },
): Promise<LowResMask | undefined> {
  const prompts = gridPrompts(embedding.width, embedding.height);
  let best: Candidate | undefined;
  for (let start = 0; start < prompts.length; start += CHUNK) {
    signal?.throwIfAborted();
    const chunk = prompts.slice(start, start + CHUNK);
    const { lowResLogits, iouPredictions } = await model.decode(embedding, chunk, maskOutput);
    iouPredictions.forEach((iou, index) => {
      // Counting pixels is the costly part: what cannot win is not looked at.
      if (best?.sensible && iou <= best.iou) return;
      const logits = lowResLogits.subarray(index * SIDE * SIDE, (index + 1) * SIDE * SIDE);
      const found = candidate(logits, iou, embedding);
      if (found !== undefined && isBetter(found, best)) best = found;
    });
  }
  return best?.mask;
}

/** Single positive points in the middle of each cell of the grid, in pixels of the image. */
export function gridPrompts(width: number, height: number): Prompt[] {
  const at = (index: number, side: number) => Math.max(0, ((index + 0.5) * side) / GRID - 0.5);
  return Array.from({ length: GRID * GRID }, (_, index) => ({
    points: [[at(index % GRID, width), at(Math.floor(index / GRID), height)]] as const,
    labels: [1] as const,
    box: null,
  }));
}

function isBetter(found: Candidate, best: Candidate | undefined): boolean {
  if (best === undefined || found.sensible !== best.sensible) return best === undefined || found.sensible;
  return found.iou > best.iou;
}

/** The part inside the picture, above 0. Undefined when there is none. */
function candidate(logits: Float32Array, iou: number, embedding: ImageEmbedding): Candidate | undefined {
  const { width, height, imageSize } = embedding;
  const longSide = Math.max(width, height);
  const fitted = (side: number) =>
    imageSize === undefined ? Math.max(1, Math.floor((side * SIDE) / longSide + 0.5)) : SIDE;
  const [validWidth, validHeight] = [fitted(width), fitted(height)];
  const values = new Uint8Array(SIDE * SIDE);
  let area = 0;
  for (let y = 0; y < validHeight; y++) {
    for (let at = y * SIDE; at < y * SIDE + validWidth; at++) {
      if (logits[at]! <= 0) continue;
      values[at] = 1;
      area++;
    }
  }
  if (area === 0) return undefined;
  const share = area / (validWidth * validHeight);
  const mask = { values, size: SIDE, validWidth, validHeight, imageWidth: width, imageHeight: height };
  return { mask, iou, sensible: share >= SENSIBLE.least && share <= SENSIBLE.most };
}
