/** More than one try at a mask: the best of several prompts, and the mask itself as a prompt. */
import type { Prompt } from '../prompts/prompt.js';
import type { ImageEmbedding, Prediction, PredictOptions, SamModel } from './sam-model.js';

/** How the decoder is asked; the same for every attempt. */
export type AskOptions = Pick<PredictOptions, 'maskOutput' | 'multiMask' | 'pointSets' | 'padTo' | 'signal'>;

export interface Attempt {
  readonly prompt: Prompt;
  readonly prediction: Prediction;
  /** From 1 on. */
  readonly attempt: number;
}

/** The prediction of the highest predicted IoU, of several the first. Undefined without a prompt. */
export async function bestOf(
  model: SamModel,
  embedding: ImageEmbedding,
  prompts: readonly Prompt[],
  how: AskOptions,
): Promise<Attempt | undefined> {
  let best: Attempt | undefined;
  for (const [index, prompt] of prompts.entries()) {
    const prediction = await model.predict(embedding, { ...prompt, ...how, maskPrompt: prompt.mask });
    if (best === undefined || prediction.score > best.prediction.score)
      best = { prompt, prediction, attempt: index + 1 };
  }
  return best;
}

/** Asks again with the same prompt and the mask found last, `times` times. */
export async function refined(
  model: SamModel,
  embedding: ImageEmbedding,
  { prompt, prediction }: Attempt,
  how: AskOptions,
  times: number,
): Promise<Prediction> {
  let last = prediction;
  for (let time = 0; time < times; time++) {
    last = await model.predict(embedding, { ...prompt, ...how, maskPrompt: last.lowResLogits });
  }
  return last;
}
