/** Prompts of several images -> the arrays that cross the native boundary. */
import type { PromptBatch } from '../../binding.js';
import { SamError } from '../core/errors.js';
import { fitted, LOW_RES_SIDE, MODEL_SIDE } from '../frame.js';
import { movedPrompt } from './geometry.js';
import type { PointSets, Prompt } from './prompt.js';

/** Label of a point that is not there: masked out of the decoder's attention. */
const MISSING = -100;
/** Label of Hugging Face's padding: a token of zeros that attention sees. */
const PADDING = -10;
/** Logits of a mask prompt. */
const MASK_VALUES = LOW_RES_SIDE ** 2;

/** The picture that prompts belong to. With `imageSize` it is squashed to a square first. */
export interface PromptFrame {
  readonly imageWidth: number;
  readonly imageHeight: number;
  readonly imageSize?: number | undefined;
}

/**
 * Makes one batch from the prompts of B images, in pixels of each image. `joint`: a prompt stays one prompt, N is the most points
 * that any has. `separate`: each point becomes a prompt of its own (N = 1), with its prompt's box. Images with fewer points or
 * prompts are filled up with missing ones; an image's first prompt always exists, even without a point.
 *
 * `padTo` above 0 is what the article does: up to so many points, what is missing is a padding token instead, which attention
 * sees; as a separate point it is a prompt that exists, and its mask counts.
 *
 * @throws SamError `SAM_BAD_ARGUMENT`: not one frame for each image, or boxes or masks for some prompts only.
 */
export function toPromptBatch(
  prompts: readonly (readonly Prompt[])[],
  frames: readonly PromptFrame[],
  { pointSets, padTo = 0 }: { pointSets: PointSets; padTo?: number },
): PromptBatch {
  if (prompts.length !== frames.length) {
    throw new SamError('SAM_BAD_ARGUMENT', `got the prompts of ${prompts.length} images with ${frames.length} frames`);
  }
  const perImage = pointSets === 'joint' ? prompts : prompts.map((list) => list.flatMap(onePromptPerPoint));
  const all = perImage.flat();
  const withBoxes = all.some((prompt) => prompt.box !== null);
  if (withBoxes && (all.some((prompt) => prompt.box === null) || perImage.some((list) => list.length === 0))) {
    throw new SamError('SAM_BAD_ARGUMENT', 'some prompts of the batch have a box and others have none');
  }
  const withMasks = all.some(({ mask }) => mask !== undefined);
  if (withMasks && all.some(({ mask }) => mask === undefined)) {
    throw new SamError('SAM_BAD_ARGUMENT', 'some prompts of the batch have a mask and others have none');
  }
  const [padPrompts, padPoints] = pointSets === 'separate' ? [padTo, Math.min(padTo, 1)] : [1, padTo];
  const promptsPerImage = Math.max(1, padPrompts, ...perImage.map((list) => list.length));
  const mostPoints = Math.max(padPoints, ...all.map((prompt) => prompt.points.length));
  // With neither a point nor a box one missing point stands for "no prompt": the decoder sees nothing of it.
  const pointsPerPrompt = withBoxes ? mostPoints : Math.max(1, mostPoints);
  const slots = perImage.length * promptsPerImage;
  const batch = {
    images: perImage.length,
    promptsPerImage,
    pointsPerPrompt,
    promptPresent: new Uint8Array(slots).fill(padTo > 0 ? 1 : 0),
    ...(pointsPerPrompt > 0 && {
      points: new Float32Array(slots * pointsPerPrompt * 2),
      pointLabels: new Int32Array(slots * pointsPerPrompt).fill(padTo > 0 ? PADDING : MISSING),
    }),
    ...(withBoxes && { boxes: new Float32Array(slots * 4) }),
    ...(withMasks && { masks: new Float32Array(slots * MASK_VALUES) }),
  } satisfies PromptBatch;
  perImage.forEach((list, image) => {
    const scale = modelScale(frames[image]!);
    batch.promptPresent[image * promptsPerImage] = 1;
    // A padded prompt has its image's box and mask; without padding nobody looks at it.
    for (let index = 0; index < promptsPerImage; index++) {
      const padding = padTo > 0 ? { ...list[0], points: [], labels: [], box: list[0]?.box ?? null } : undefined;
      const prompt = list[index] ?? padding;
      if (prompt !== undefined) writePrompt(batch, image * promptsPerImage + index, prompt, scale);
    }
  });
  return batch;
}

function writePrompt(
  batch: PromptBatch,
  slot: number,
  prompt: Prompt,
  [scaleX, scaleY]: readonly [number, number],
): void {
  const { points, labels, box, mask } = movedPrompt(prompt, ([x, y]) => [x * scaleX, y * scaleY]);
  const at = slot * batch.pointsPerPrompt;
  batch.promptPresent![slot] = 1;
  batch.points?.set(points.flat(), at * 2);
  batch.pointLabels?.set(labels, at);
  if (box !== null) batch.boxes!.set(box, slot * 4);
  if (mask !== undefined) batch.masks!.set(mask, slot * MASK_VALUES);
}

function onePromptPerPoint(prompt: Prompt): Prompt[] {
  if (prompt.points.length === 0) return [prompt];
  return prompt.points.map((point, index) => ({ ...prompt, points: [point], labels: [prompt.labels[index]!] }));
}

/** Returns the pixels of the model frame to one pixel of the image, across and down (each side is rounded, so they may differ). */
function modelScale({ imageWidth, imageHeight, imageSize }: PromptFrame): readonly [number, number] {
  const picture = { width: imageWidth, height: imageHeight };
  const { width, height } = fitted(picture, MODEL_SIDE, imageSize !== undefined);
  return [width / imageWidth, height / imageHeight];
}
