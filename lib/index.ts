/** The public API. Importing it loads neither the addon nor LibTorch: the first call that needs them does. */

export { defaultCacheDir } from './core/cache-dir.js';
export { SamError, type SamErrorCode, type SamErrorOptions } from './core/errors.js';
export type { Counted, Hooks } from './core/hooks.js';
export { type BandReader, type Bands, openBands, readBands } from './data/bands.js';
export {
  type DataOptions,
  openData,
  openImages,
  openSplit,
  type SplitOptions,
} from './data/open-data.js';
export type { DataSplits, DecodedImage, Mask, Sample, Samples } from './data/sample.js';
export { type Compute, resolveDevice } from './device.js';
export { type EmbedImagesResult, embedImages } from './embeddings/embed-images.js';
export type { EmbedImagesOptions } from './embeddings/embed-options.js';
export type { NearDuplicate } from './embeddings/near-duplicates.js';
export type { ModelDescriptor, ResolvedModel } from './models/model.js';
export type { ResolvedTrainOptions, TrainOptions } from './options.js';
export {
  type PredictImagesResult,
  type PredictOutput,
  predictImages,
} from './prediction/predict-images.js';
export type { PredictImagesOptions, PredictProgress } from './prediction/predict-options.js';
export type { TileCounts } from './prediction/predict-raster.js';
export {
  ImageEmbedding,
  type LoadOptions,
  type Prediction,
  type PredictOptions,
  SamModel,
} from './prediction/sam-model.js';
export { chebyshevDistance, erode } from './prompts/morphology.js';
export { type Cleaning, cleanMask } from './prompts/rough/clean.js';
export { dropSmall, fillHoles, keepLargest } from './prompts/rough/components.js';
export { type HsvBands, hsvMask, rgbToHsv } from './prompts/rough/hsv.js';
export { otsuThreshold } from './prompts/rough/otsu.js';
export { type RoughGrid, type RoughMask, RoughMasks } from './prompts/rough/rough-masks.js';
export type { RoughMaskSettings, RoughMethod } from './prompts/rough/settings.js';
export { aboveThreshold, INDEX_BANDS, normalisedDifference, type SpectralIndex } from './prompts/rough/spectral.js';
export { type CheckpointMetadata, readCheckpointMetadata } from './runs/checkpoints.js';
export type * from './runs/events.js';
export { type RunConfig, readRunConfig } from './runs/run-folder.js';
export type * from './scoring/results.js';
export { type AuditControl, type AuditProgress, type AuditResult, audit } from './tasks/audit/audit.js';
export { type ApplyResult, applyDecisions, type Decision, type Decisions } from './tasks/audit/decisions.js';
export type { AuditItem } from './tasks/audit/folder.js';
export type { AuditOptions } from './tasks/audit/options.js';
export { bench } from './tasks/bench/bench.js';
export type { BenchOptions } from './tasks/bench/options.js';
export type { BenchResult } from './tasks/bench/result.js';
export {
  type EvaluatedPrompt,
  type EvaluateProgress,
  evaluate,
} from './tasks/evaluate/evaluate.js';
export type { EvaluateOptions } from './tasks/evaluate/options.js';
export { type ExportResult, exportModel } from './tasks/export/export.js';
export type { ExportOptions } from './tasks/export/options.js';
export type { PreviewOptions } from './tasks/preview/options.js';
export { type PreviewResult, type PromptItem, previewPrompts } from './tasks/preview/preview.js';
export {
  type ArmResult,
  type ComparisonControl,
  type ComparisonProgress,
  comparePrompts,
  type PromptComparison,
} from './tasks/prompt-comparison/compare-prompts.js';
export type { ComparisonOptions } from './tasks/prompt-comparison/options.js';
export {
  type FitRoughMaskResult,
  fitRoughMask,
  type RoughThresholds,
} from './tasks/rough-thresholds/fit-rough-mask.js';
export type { FitRoughMaskOptions } from './tasks/rough-thresholds/options.js';
export type { SearchOptions } from './tasks/search/options.js';
export {
  type SearchControl,
  type SearchProgress,
  type SearchResult,
  searchSettings,
  type TrialResult,
} from './tasks/search/search.js';
export type { SplitDataOptions } from './tasks/split/options.js';
export { type SplitDataResult, splitData } from './tasks/split/split.js';
export type { SearchComparison } from './tasks/workbench/compare.js';
export { type TrainControl, train } from './training/train.js';
export type { TrainRun } from './training/train-run.js';
