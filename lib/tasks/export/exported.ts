/** An exported file at work, whatever runs it: what each format implements so that `verify.ts` can hold it against the model. */
import type { PromptBatch } from '../../../binding.js';
import type { DecodedImage } from '../../data/sample.js';
import { LOW_RES_SIDE } from '../../frame.js';

/** A picture as encoders take it, as `preprocess` of the addon makes it. */
export interface EncoderInput {
  /** 3 x 1024 x 1024 numbers: normalised, zeros at right and bottom. */
  readonly values: Float32Array;
  /** Rows that the picture fills. */
  readonly height: number;
  /** Columns that the picture fills. */
  readonly width: number;
  /** The picture that it was made of, for what makes its own of it. `imageSize`: side of the square it is squashed to first. */
  readonly image: DecodedImage & { readonly imageSize?: number };
}

/** Masks of P prompts, as the decoder gives them. */
export interface DecodedMasks {
  /** Logits, P x C x 256 x 256. */
  lowResLogits: Float32Array;
  /** Predicted IoU, P x C. */
  iouPredictions: Float32Array;
  /** C: 3 for mask tokens 1 to 3, 4 where token 0 comes before them. */
  outputs: number;
}

/** Exported halves of a model at work. Where one is missing, the model's own takes its place. */
export interface Exported {
  /** Encodes a picture: 256 x 64 x 64 numbers. */
  encode?(picture: EncoderInput): Promise<Float32Array>;
  /** Answers the prompts of one picture, in the model frame. */
  decode?(embedding: Float32Array, prompts: PromptBatch): Promise<DecodedMasks>;
  /** Ends it. */
  close(): Promise<void>;
}

/** One prompt in Meta's terms, of which an exported decoder knows no others. */
export interface MetaPrompt {
  /** N x 2, model frame: points, then a box's corners. */
  readonly points: Float32Array;
  /** N labels: 1, 0, 2 and 3 for the corners, -1 for the one that pads a prompt without a box. */
  readonly labels: Int32Array;
  /** Logits of a mask prompt, 256 x 256. */
  readonly mask: Float32Array | undefined;
}

const CORNERS = [2, 3] as const;
const NOT_A_POINT = -1;
/** Labels below are of points that are not there. */
const LEAST_LABEL = -1;

/** Turns the prompts of one picture into Meta's terms, in their order; what is missing from a prompt is left out. */
export function metaPrompts(batch: PromptBatch): MetaPrompt[] {
  const { promptsPerImage, pointsPerPrompt, points, pointLabels, boxes, masks } = batch;
  return Array.from({ length: promptsPerImage }, (_, prompt) => {
    const coordinates: number[] = [];
    const labels: number[] = [];
    for (let at = prompt * pointsPerPrompt; at < (prompt + 1) * pointsPerPrompt; at++) {
      if (pointLabels![at]! < LEAST_LABEL) continue;
      coordinates.push(points![at * 2]!, points![at * 2 + 1]!);
      labels.push(pointLabels![at]!);
    }
    if (boxes !== undefined) {
      coordinates.push(...boxes.subarray(prompt * 4, prompt * 4 + 4));
      labels.push(...CORNERS);
    } else if (labels.length > 0) {
      coordinates.push(0, 0);
      labels.push(NOT_A_POINT);
    }
    const mask = masks?.subarray(prompt * LOW_RES_SIDE ** 2, (prompt + 1) * LOW_RES_SIDE ** 2);
    return { points: Float32Array.from(coordinates), labels: Int32Array.from(labels), mask };
  });
}

/** Asks prompt by prompt, and joins the answers: prompts of one picture may have different numbers of points. */
export async function eachPrompt(
  batch: PromptBatch,
  ask: (prompt: MetaPrompt) => Promise<DecodedMasks>,
): Promise<DecodedMasks> {
  const answers: DecodedMasks[] = [];
  for (const prompt of metaPrompts(batch)) answers.push(await ask(prompt));
  return {
    lowResLogits: joined(answers.map(({ lowResLogits }) => lowResLogits)),
    iouPredictions: joined(answers.map(({ iouPredictions }) => iouPredictions)),
    outputs: answers[0]!.outputs,
  };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
