/**
 * Where a run stands. With the weights and the optimiser's moments this is all that a resumed run needs: the order of
 * images, their prompts and the learning rates follow from the seed and these counts.
 */
import { z } from 'zod';

const count = z.number().int().min(0);
const losses = z.array(z.number());

/** Schema of a {@link RunState} in a file. */
export const runStateSchema = z.object({
  /** Completed epochs. */
  epoch: count,
  /** Optimisation steps of the whole run. */
  step: count,
  /** Batches done in the epoch in progress; always at the end of an optimisation step. */
  batch: count,
  /** Sum of the images' losses in the epoch in progress. */
  lossSum: z.number(),
  /** Images trained on in the epoch in progress. */
  sampleCount: count,
  /** Mean loss of each completed epoch. */
  trainLosses: losses,
  /** Validation loss of each completed epoch. */
  validationLosses: losses,
  /** Mean validation IoU of each completed epoch. */
  validationIous: losses,
  /** Mean validation IoU of the model as the run began with it; null where nobody measured it: runs of earlier versions, and of a search. */
  untunedIou: z.number().nullable().default(null),
  /** Least validation loss; null before the first epoch is complete. */
  bestLoss: z.number().nullable(),
  /** Epoch of least validation loss, from 1; 0 before the first is complete. */
  bestEpoch: count,
});

/** Where a run stands: what is done, and the losses so far. */
export type RunState = z.infer<typeof runStateSchema>;

/** Returns the state of a run that has not begun. */
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
    untunedIou: null,
    bestLoss: null,
    bestEpoch: 0,
  };
}

/** Closes the epoch in progress and moves on to the next. Returns whether it was the best so far. */
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

/** Tells whether early stopping ends the run: its last `earlyStop` epochs brought no better validation loss. */
function stopsEarly(state: RunState, earlyStop: number | undefined): boolean {
  return earlyStop !== undefined && state.epoch > 0 && state.epoch - state.bestEpoch >= earlyStop;
}

/** Tells whether nothing is left to train: all epochs are done, or early stopping ended the run. */
export function isFinished(state: RunState, options: { epochs: number; earlyStop?: number | undefined }): boolean {
  return state.epoch >= options.epochs || stopsEarly(state, options.earlyStop);
}
