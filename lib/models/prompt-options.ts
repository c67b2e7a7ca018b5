/** The prompt settings that a tuned model was trained with: prediction and evaluation go on with them. */
import { z } from 'zod';
import { SamError } from '../core/errors.js';
import type { ResolvedPromptOptions } from '../option-types.js';
import { promptOptions } from '../options.js';
import type { PromptSettings } from '../prompts/prompt.js';
import type { ResolvedModel } from './model.js';

export type { ResolvedPromptOptions };

const promptOptionsSchema = z.object(promptOptions);

/** Returns the prompt options that a checkpoint records; undefined for source weights. */
function trainedWith(model: ResolvedModel): ResolvedPromptOptions | undefined {
  if (model.checkpoint === undefined) return undefined;
  try {
    return promptOptionsSchema.parse(JSON.parse(model.checkpoint.metadata.options ?? ''));
  } catch (error) {
    throw new SamError('SAM_BAD_CHECKPOINT', `${model.checkpoint.path} does not say what prompts it was trained with`, {
      fix: 'it may be of another version of sam-native: train anew, or use that version',
      cause: error,
    });
  }
}

/** Returns the bands that a tuned model saw: prediction goes on with them where no others are asked for. */
export function trainedBands(model: ResolvedModel): string | undefined {
  if (trainedWith(model) === undefined) return undefined;
  const { bands } = JSON.parse(model.checkpoint?.metadata.options ?? '{}') as { bands?: unknown };
  return typeof bands === 'string' ? bands : undefined;
}

/** Returns the rule by which measurements became the pictures that a tuned model saw; undefined where all were photographs. */
export function trainedStretch(model: ResolvedModel): string | undefined {
  const text = model.checkpoint?.metadata.stretch;
  return text === undefined ? undefined : String(JSON.parse(text));
}

/**
 * Returns the prompt options that were given, else those that `model` was trained with, else the defaults.
 *
 * @throws SamError `SAM_BAD_CHECKPOINT`: a checkpoint does not record them.
 */
export function promptOptionsFor(given: object, model: ResolvedModel | undefined): ResolvedPromptOptions {
  const said = Object.entries(given).filter(([name, value]) => name in promptOptions && value !== undefined);
  const asked = Object.fromEntries(said);
  const trained = model === undefined ? undefined : trainedWith(model);
  return promptOptionsSchema.parse({ ...trained, ...asked });
}

/**
 * Turns prompt options into the settings of the code that draws prompts.
 *
 * @throws SamError `SAM_BAD_OPTION`: they would draw no prompt at all.
 */
export function toPromptSettings(options: ResolvedPromptOptions): PromptSettings {
  const {
    prompt: kind,
    numPositive,
    numNegative,
    erode,
    dynamicDistance,
    perturbation,
    pointSets,
    maskPrompt,
  } = options;
  if (kind === 'points' && numPositive + numNegative === 0) {
    throw new SamError('SAM_BAD_OPTION', '`numPositive` 0 and `numNegative` 0 leave no prompt', {
      fix: 'ask for at least one point, or take `prompt` box',
    });
  }
  const padTo = options.missingPoints === 'token' && kind !== 'box' ? numPositive + numNegative : 0;
  return { kind, numPositive, numNegative, erode, dynamicDistance, perturbation, pointSets, padTo, maskPrompt };
}
