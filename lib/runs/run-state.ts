/**
 * Where a run stands. With the weights and the optimiser's moments this is all that a resumed run needs: the order of
 * images, their prompts and the learning rates follow from the seed and these counts.
 */
import { z } from 'zod';

const count = z.number().int().min(0);
const losses = z.array(z.number());

export const runStateSchema = z.object({
  /** Completed epochs. */
  epoch: count,
  /** Optimisation steps of the whole run. */
  step: count,
  /** Batches done of the epoch in progress; always at the end of an optimisation step. */
  batch: count,
  /** Of the epoch in progress: the sum of the images' losses, and how many images. */
  lossSum: z.number(),
  sampleCount: count,
  /** One for each completed epoch. */
  trainLosses: losses,
  validationLosses: losses,
  validationIous: losses,
  /** Null before the first epoch is complete. */
  bestLoss: z.number().nullable(),
  /** From 1; 0 before the first epoch is complete. */
  bestEpoch: count,
});

export type RunState = z.infer<typeof runStateSchema>;

export function initialState(): RunState {
  return {
    epoch: 0,
    step: 0,
    batch: 0,
    lossSum: 0,
    sampleCount: 0,
    trainLosses: [],
    validationLosses: [],
    validationIous: [],
    bestLoss: null,
    bestEpoch: 0,
  };
}

/** Moves on to the next epoch. Returns whether this one was the best so far. */
export function completeEpoch(state: RunState, validation: { loss: number; iou: number }): boolean {
  state.epoch++;
  state.trainLosses.push(state.lossSum / state.sampleCount);
  state.validationLosses.push(validation.loss);
  state.validationIous.push(validation.iou);
  Object.assign(state, { batch: 0, lossSum: 0, sampleCount: 0 });
  if (state.bestLoss !== null && validation.loss >= state.bestLoss) return false;
  state.bestLoss = validation.loss;
  state.bestEpoch = state.epoch;
  return true;
}

/** `--early-stop N`: the last N epochs brought no better validation loss. */
function stopsEarly(state: RunState, earlyStop: number | undefined): boolean {
  return earlyStop !== undefined && state.epoch > 0 && state.epoch - state.bestEpoch >= earlyStop;
}

export function isFinished(state: RunState, options: { epochs: number; earlyStop?: number | undefined }): boolean {
  return state.epoch >= options.epochs || stopsEarly(state, options.earlyStop);
}
