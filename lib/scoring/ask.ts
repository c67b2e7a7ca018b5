/** One image, asked as an entrant says: the prompt that it gets, and the model's answer. */

import { validationRandom } from '../core/random.js';
import { toLowRes } from '../data/low-res.js';
import type { Mask, Sample } from '../data/sample.js';
import { type ResolvedPromptOptions, toPromptSettings } from '../models/prompt-options.js';
import { findRoughMask } from '../prediction/auto-prompt.js';
import type { ImageEmbedding } from '../prediction/image-embedding.js';
import { emptyPrediction, type Prediction } from '../prediction/prediction.js';
import type { SamModel } from '../prediction/sam-model.js';
import { drawPrompt } from '../prompts/draw.js';
import { type Prompt, shapesOf } from '../prompts/prompt.js';
import { drawRoughPrompt, type RoughMasks, roughGridOf } from '../prompts/rough/rough-masks.js';
import type { Entrant } from './entrants.js';

export interface Asked {
  sample: Sample;
  label: Mask;
  model: SamModel;
  embedding: ImageEmbedding;
  signal: AbortSignal | undefined;
}

/**
 * Makes the prompt that an entrant gives for an image.
 *
 * @param masks the rough masks, where the entrant's prompts come from such.
 * @returns undefined where the model is to find the object by itself, and finds nothing.
 */
export async function promptFor(
  { prompts, promptSource }: Entrant,
  { sample, label, model, embedding, signal }: Asked,
  masks: RoughMasks | undefined,
): Promise<Prompt | undefined> {
  const settings = toPromptSettings(prompts);
  const random = validationRandom(prompts.seed, sample.name);
  if (promptSource === 'rough')
    return drawRoughPrompt(await masks!.get(sample, signal), settings, random, masks!.settings.erosion);
  if (promptSource === 'ground-truth') {
    return drawPrompt(toLowRes(label, prompts.maskSize, prompts.imageSize), settings, random);
  }
  const mask = await findRoughMask(model, embedding, { maskOutput: prompts.maskOutput, signal });
  if (mask === undefined) return undefined;
  return drawRoughPrompt(roughGridOf(mask), settings, random, undefined);
}

/** Asks the model for the mask of a prompt. Without a prompt the mask is empty and the predicted IoU 0. */
export async function ask(
  prompt: Prompt | undefined,
  prompts: ResolvedPromptOptions,
  { model, embedding, signal }: Pick<Asked, 'model' | 'embedding' | 'signal'>,
): Promise<Prediction> {
  if (prompt === undefined) return emptyPrediction(embedding);
  const { maskOutput, multiMask } = prompts;
  const { pointSets, padTo } = toPromptSettings(prompts);
  const how = { maskOutput, multiMask, pointSets, padTo, maskPrompt: prompt.mask, signal };
  return model.predict(embedding, { ...shapesOf(prompt), ...how });
}
