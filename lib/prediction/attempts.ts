/** Attempts: more than one try at a mask, by several prompts or by the mask itself as a prompt. */
import { type Prompt, shapesOf } from '../prompts/prompt.js';
import type { AskOptions } from './ask-decoder.js';
import type { ImageEmbedding } from './image-embedding.js';
import type { Prediction } from './prediction.js';
import type { SamModel } from './sam-model.js';

export interface Attempt {
  readonly prompt: Prompt;
  readonly prediction: Prediction;
  /** Number of the attempt, from 1 on. */
  readonly attempt: number;
}

/**
 * Predicts with each prompt and returns the attempt of the highest predicted IoU, of several the first; undefined without a prompt.
 */
export async function bestOf(
  model: SamModel,
  embedding: ImageEmbedding,
  prompts: readonly Prompt[],
  how: AskOptions,
): Promise<Attempt | undefined> {
  let best: Attempt | undefined;
  for (const [index, prompt] of prompts.entries()) {
    const prediction = await model.predict(embedding, { ...shapesOf(prompt), ...how, maskPrompt: prompt.mask });
    if (best === undefined || prediction.rawScore > best.prediction.rawScore)
      best = { prompt, prediction, attempt: index + 1 };
  }
  return best;
}

/** Refines a mask: asks again with the same prompt and the mask found last, `times` times. */
export async function refined(
  model: SamModel,
  embedding: ImageEmbedding,
  { prompt, prediction }: Attempt,
  how: AskOptions,
  times: number,
): Promise<Prediction> {
  let last = prediction;
  for (let time = 0; time < times; time++) {
    last = await model.predict(embedding, { ...shapesOf(prompt), ...how, maskPrompt: last.lowResLogits });
  }
  return last;
}
