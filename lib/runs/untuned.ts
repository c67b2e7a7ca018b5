/** Whether a run has made its model worse: its validation IoU, beside that of the model as the run began with it. */
import type { RunState } from './run-state.js';

/** Number of epochs in a row below the untuned model after which a run is warned of: one or two may be the noise of a start. */
const TOO_MANY = 3;

/** Least difference that four decimals show. */
const SHOWN = 0.00005;

/** Says by how much an IoU lies below the untuned model's; undefined where it does not, or where either is not known. */
export function worseThanUntuned(iou: number | undefined, untuned: number | null | undefined): string | undefined {
  if (iou === undefined || untuned == null || untuned - iou < SHOWN) return undefined;
  const [mean, before, less] = [iou, untuned, untuned - iou].map((value) => value.toFixed(4));
  return `worse than untuned: mean IoU ${mean}, untuned ${before} (${less} less)`;
}

/** Says that the last epochs of a run, three or more, all lie below the untuned model; undefined where they don't. */
export function worseForLong({ untunedIou, validationIous }: RunState): string | undefined {
  const good = validationIous.findLastIndex((iou) => worseThanUntuned(iou, untunedIou) === undefined);
  const epochs = validationIous.length - 1 - good;
  return epochs < TOO_MANY ? undefined : `for ${epochs} epochs ${worseThanUntuned(validationIous.at(-1), untunedIou)}`;
}
