/** The public API. Importing it loads neither the addon nor LibTorch: the first call that needs them does. */
export { type BenchOptions, type BenchResult, bench } from './bench/bench.js';
export { type BandReader, type Bands, openBands, readBands } from './data/bands.js';
export type { DataSplits, DecodedImage, Mask, Sample, Samples } from './data/sample.js';
export { type DataHooks, type DataOptions, openData, openImages, openSplit, type SplitOptions } from './data/source.js';
export { type Compute, resolveDevice } from './device.js';
export { SamError, type SamErrorCode, type SamErrorOptions } from './errors.js';
export { type AuditControl, type AuditProgress, type AuditResult, audit } from './evaluation/audit/audit.js';
export { type ApplyResult, applyDecisions, type Decision, type Decisions } from './evaluation/audit/decisions.js';
export type { AuditItem } from './evaluation/audit/folder.js';
export type { AuditOptions } from './evaluation/audit/options.js';
export {
  type EvaluatedPrompt,
  type EvaluateOptions,
  type EvaluateProgress,
  evaluate,
} from './evaluation/evaluate.js';
export { type PreviewOptions, type PreviewResult, type PromptItem, previewPrompts } from './evaluation/preview.js';
export type * from './evaluation/results.js';
export { type TuneOptions, type TuneResult, tuneRoughMask } from './evaluation/tune/tune.js';
export { exportHuggingFace } from './export/hugging-face.js';
export { type ExportOptions, type ExportResult, exportEncoder } from './export/torchscript.js';
export { type EmbedImagesOptions, type EmbedImagesResult, embedImages } from './models/embed-images.js';
export type { ModelDescriptor, ResolvedModel } from './models/model.js';
export {
  type PredictImagesOptions,
  type PredictImagesResult,
  type PredictOutput,
  predictImages,
} from './models/predict-images.js';
export type { TileCounts } from './models/predict-raster.js';
export {
  ImageEmbedding,
  type LoadOptions,
  type Prediction,
  type PredictOptions,
  SamModel,
} from './models/sam-model.js';
export type { ResolvedTrainOptions, TrainOptions } from './options.js';
export { chebyshevDistance, erode } from './prompts/morphology.js';
export { type Cleaning, cleanMask } from './prompts/rough/clean.js';
export { dropSmall, fillHoles, keepLargest } from './prompts/rough/components.js';
export { type HsvBands, hsvMask, rgbToHsv } from './prompts/rough/hsv.js';
export { otsuThreshold } from './prompts/rough/otsu.js';
export { type RoughGrid, type RoughMask, RoughMasks } from './prompts/rough/rough-masks.js';
export type { RoughMaskSettings, RoughMethod } from './prompts/rough/settings.js';
export { aboveThreshold, INDEX_BANDS, normalisedDifference, type SpectralIndex } from './prompts/rough/spectral.js';
export { defaultCacheDir } from './setup/cache-dir.js';
export type { NearDuplicate } from './split/near-duplicates.js';
export { type SplitDataOptions, type SplitDataResult, splitData } from './split/split.js';
export { type CheckpointMetadata, readCheckpointMetadata } from './training/checkpoints.js';
export type * from './training/events.js';
export { type RunConfig, readRunConfig } from './training/run-folder.js';
export { type TrainControl, train } from './training/train.js';
export type { TrainRun } from './training/train-run.js';
export type { SearchComparison } from './tuning/compare.js';
export type { SearchOptions } from './tuning/options.js';
export {
  type ArmResult,
  type ComparisonControl,
  type ComparisonProgress,
  comparePrompts,
  type PromptComparison,
} from './tuning/prompts/compare-prompts.js';
export type { ComparisonOptions } from './tuning/prompts/options.js';
export {
  type SearchControl,
  type SearchProgress,
  type SearchResult,
  searchSettings,
  type TrialResult,
} from './tuning/search.js';
