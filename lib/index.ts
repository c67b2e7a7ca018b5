/** The public API. Importing it loads neither the addon nor an image library's work: that happens on first use. */
export type { Sample } from './data/sample.js';
export { type Compute, resolveDevice } from './device.js';
export { SamError, type SamErrorCode, type SamErrorOptions } from './errors.js';
export {
  type ImageEmbedding,
  type LoadOptions,
  type Prediction,
  type PredictOptions,
  SamModel,
} from './models/sam-model.js';
export type { ResolvedTrainOptions, TrainOptions } from './options.js';
export { type CheckpointMetadata, readCheckpointMetadata } from './training/checkpoints.js';
export type * from './training/events.js';
export { type RunConfig, readRunConfig } from './training/run-folder.js';
export { type TrainControl, train } from './training/train.js';
export type { TrainRun } from './training/train-run.js';
