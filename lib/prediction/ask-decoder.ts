/** Asks the decoder with one prompt of a picture or many: as few native calls as their shapes allow. */
import { z } from 'zod';
import type { Embeddings, MaskOutput, SamModel as NativeModel } from '../../binding.js';
import { nativeCall } from '../addon/native.js';
import { SamError } from '../core/errors.js';
import { hookOptions, parseOptions, requireOptions } from '../core/parse-options.js';
import { LOW_RES_SIDE } from '../frame.js';
import { MOST_POINTS, promptOptions } from '../options.js';
import { toPromptBatch } from '../prompts/batch.js';
import type { PointSets, Prompt } from '../prompts/prompt.js';
import { Prediction } from './prediction.js';
import { checkPrompt, type UserPrompt, userPromptTypes } from './user-prompt.js';

/** A prompt: points, a box, or both, and a mask beside them. */
export interface PredictPrompt extends UserPrompt {
  /** Mask that the decoder sees beside the points and the box: 256 x 256 logits, such as an earlier prediction's. */
  maskPrompt?: Float32Array | undefined;
}

/** How the decoder is asked. */
export interface AskOptions {
  /**
   * Masks that the decoder gives: `multi` chooses among three (whole, part, sub-part) by predicted IoU, `single` takes the one.
   * Default multi.
   */
  maskOutput?: MaskOutput | undefined;
  /** Whether all points are one prompt (`joint`), or each is one and `multiMask` makes one mask of theirs (`separate`). */
  pointSets?: PointSets | undefined;
  /** Mask of separate points: that of highest predicted IoU, or the mean of the logits. Default best. */
  multiMask?: 'best' | 'mean' | undefined;
  /**
   * Number of points up to which missing ones become padding tokens, for a model trained with `--missing-points token`. Default 0:
   * none do; 2000 at most.
   */
  padTo?: number | undefined;
  /** Signal that ends the work: it rejects with its reason. */
  signal?: AbortSignal | undefined;
}

/** A prompt, and how the decoder is asked with it. */
export interface PredictOptions extends PredictPrompt, AskOptions {}

/** Asks for every mask that the decoder makes of a prompt (three; with separate points, of each), that of highest score first. */
export interface AllMasks {
  /** Whether all masks are wanted, not the best. */
  multimask: true;
}

/** What is known of a picture that the decoder is asked about. */
export interface Asked {
  readonly embeddings: Embeddings;
  readonly width: number;
  readonly height: number;
  readonly imageSize?: number | undefined;
  readonly valid?: Uint8Array | undefined;
}

/** Types of {@link PredictPrompt}'s members. */
const promptTypes = {
  ...userPromptTypes,
  maskPrompt: z
    .custom<Float32Array>(
      (value) => value instanceof Float32Array && value.length === LOW_RES_SIDE ** 2,
      'expected the 256 x 256 logits of a mask, a Float32Array',
    )
    .optional(),
};

/** Types of {@link AskOptions}'s members, and of what else `predict` takes. */
const askTypes = {
  maskOutput: promptOptions.maskOutput,
  pointSets: promptOptions.pointSets,
  multiMask: promptOptions.multiMask,
  padTo: z
    .number()
    .int()
    .min(0)
    .max(2 * MOST_POINTS)
    .default(0),
  signal: hookOptions.signal,
  multimask: z.boolean().default(false),
};

const promptSchema = z.strictObject(promptTypes);
const askSchema = z.strictObject(askTypes);
const bothSchema = z.strictObject({ ...promptTypes, ...askTypes });
type Asking = z.output<typeof askSchema>;

/** Prompts that go through the decoder in one call: what they take, 3 MB each with their masks, is bounded. */
const MOST_AT_ONCE = 32;

/** Prompts that are checked, and how the decoder is asked with them. */
export interface Question {
  readonly prompts: readonly Prompt[];
  readonly how: Asking;
}

/** Checks one prompt, given with its options or before them. Throws as {@link readPrompts}. */
export function readPrompt(asked: Asked, prompt: PredictOptions, options: object = {}): Question {
  const given = { ...requireOptions(prompt), ...requireOptions(options) };
  const how = parseOptions(bothSchema, given);
  return { prompts: [checked(given, asked)], how };
}

/**
 * Checks many prompts of a picture.
 *
 * @throws SamError `SAM_BAD_ARGUMENT`: no prompt, or one outside the picture; `SAM_BAD_OPTION`: options, or what is no prompt.
 */
export function readPrompts(asked: Asked, given: readonly PredictPrompt[], options: object = {}): Question {
  const how = parseOptions(askSchema, options);
  const prompts = given.map((prompt, index) => {
    try {
      parseOptions(promptSchema, prompt);
      return checked(prompt, asked);
    } catch (error) {
      if (!(error instanceof SamError)) throw error;
      const { code, message, fix } = error;
      throw new SamError(code, `prompt ${index + 1} of ${given.length}: ${message}`, { fix, cause: error });
    }
  });
  return { prompts, how };
}

function checked(given: PredictPrompt, { width, height }: Asked): Prompt {
  const prompt = checkPrompt(given, width, height, 'the image');
  return given.maskPrompt === undefined ? prompt : { ...prompt, mask: given.maskPrompt };
}

/** Predicts the masks of each prompt: the one that is taken, or all, that of highest predicted IoU first. */
export async function predictEach(
  model: NativeModel,
  asked: Asked,
  { prompts, how }: Question,
): Promise<Prediction[][]> {
  const found = new Array<Prediction[]>(prompts.length);
  for (const places of batchesOf(prompts, how)) {
    how.signal?.throwIfAborted();
    const masks = await predictBatch(
      model,
      asked,
      places.map((place) => prompts[place]!),
      how,
    );
    places.forEach((place, index) => {
      found[place] = masks[index]!;
    });
  }
  how.signal?.throwIfAborted();
  return found;
}

/** Parts prompts, by their places, into those of one shape, which may go through the decoder together. */
function batchesOf(prompts: readonly Prompt[], { pointSets, padTo }: Asking): number[][] {
  const kinds = new Map<string, number[]>();
  prompts.forEach(({ points, box, mask }, place) => {
    // Separate points become one mask, and padding goes up to the most points: such prompts go alone.
    const alone = pointSets === 'separate' || padTo > 0;
    const kind = alone ? `${place}` : `${points.length}, ${box === null}, ${mask === undefined}`;
    const places = kinds.get(kind);
    if (places === undefined) kinds.set(kind, [place]);
    else places.push(place);
  });
  return [...kinds.values()].flatMap((places) => {
    const starts = Array.from({ length: Math.ceil(places.length / MOST_AT_ONCE) }, (_, index) => index * MOST_AT_ONCE);
    return starts.map((start) => places.slice(start, start + MOST_AT_ONCE));
  });
}

async function predictBatch(
  model: NativeModel,
  asked: Asked,
  prompts: readonly Prompt[],
  { maskOutput, multiMask, pointSets, padTo, multimask }: Asking,
): Promise<Prediction[][]> {
  const { embeddings, width, height, imageSize } = asked;
  const frame = { imageWidth: width, imageHeight: height, imageSize };
  const batch = toPromptBatch([prompts], [frame], { pointSets, padTo });
  const each = multimask ? 'output' : pointSets === 'joint' ? 'prompt' : undefined;
  const found = await nativeCall(() =>
    model.predict({
      embeddings,
      prompts: batch,
      selection: { maskOutput, multiMask },
      sizes: Int32Array.of(height, width),
      ...(imageSize === undefined ? {} : { imageSize }),
      ...(each === undefined ? {} : { each }),
    }),
  );
  const all = found.masks.map((mask, index) => {
    const logits = found.lowResLogits.subarray(index * LOW_RES_SIDE ** 2, (index + 1) * LOW_RES_SIDE ** 2);
    clear(mask, asked.valid);
    // A copy, unless it is all: a mask that is kept must not keep the others' logits.
    const lowResLogits = found.masks.length === 1 ? logits : logits.slice();
    return new Prediction({ mask, width, height, rawScore: found.scores[index]!, lowResLogits });
  });
  const perPrompt = all.length / prompts.length;
  return prompts.map((_, index) =>
    all.slice(index * perPrompt, (index + 1) * perPrompt).sort((a, b) => b.rawScore - a.rawScore),
  );
}

/** Takes the mask away where there is no picture. */
function clear(mask: Uint8Array, valid: Uint8Array | undefined): void {
  valid?.forEach((there, at) => {
    if (there === 0) mask[at] = 0;
  });
}
