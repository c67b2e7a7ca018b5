/** The public API. Importing it loads neither the addon nor LibTorch: the first call that needs them does. */

export type { Decoded, Embeddings, MaskOutput, NativeErrorCode, Precision, RuntimeInfo } from '../binding.js';
export { defaultCacheDir } from './core/cache-dir.js';
export { type LibraryErrorCode, SamError, type SamErrorCode, type SamErrorOptions } from './core/errors.js';
export type { Counted, Hooks } from './core/hooks.js';
export { type BandReader, type BandReading, type Bands, openBands, readBands } from './data/bands.js';
export type { LabelDoubt } from './data/label-values.js';
export {
  type OpenDataOptions,
  type OpenSourceOptions,
  type OpenSplitOptions,
  openData,
  openImages,
  openSplit,
} from './data/open-data.js';
export type {
  DataSplits,
  DecodedImage,
  FileReference,
  Mask,
  MaskNeed,
  MaskReference,
  Sample,
  Samples,
} from './data/sample.js';
export { type Compute, type DeviceHooks, resolveDevice } from './device.js';
export { type EmbedImagesResult, embedImages } from './embeddings/embed-images.js';
export type { EnsureProgress } from './embeddings/embedding-store.js';
export type { NearDuplicate } from './embeddings/near-duplicates.js';
export type { CheckpointInfo, ModelDescriptor, ResolvedModel } from './models/model.js';
export type * from './option-types.js';
export type { Coverage, RoughMaskAgreement } from './prediction/coverage.js';
export {
  type PredictImagesResult,
  type PredictOutput,
  predictImages,
} from './prediction/predict-images.js';
export type { PredictProgress } from './prediction/predict-options.js';
export type { PromptSource } from './prediction/predict-plan.js';
export type { TileCounts } from './prediction/predict-raster.js';
export {
  ImageEmbedding,
  type LoadOptions,
  type Prediction,
  type PredictOptions,
  SamModel,
} from './prediction/sam-model.js';
export type { UserPrompt } from './prediction/user-prompt.js';
export type { PointSets, Prompt, PromptKind } from './prompts/prompt.js';
export type { RgbPicture } from './raster/pixels.js';
export type * from './runs/events.js';
export type * from './scoring/results.js';
export { type AuditControl, type AuditProgress, type AuditResult, audit } from './tasks/audit/audit.js';
export { type ApplyResult, applyDecisions, type Decision, type Decisions } from './tasks/audit/decisions.js';
export type { AuditItem } from './tasks/audit/folder.js';
export type { FoldProgress } from './tasks/audit/out-of-fold.js';
export { bench } from './tasks/bench/bench.js';
export type { Hours, LimitHours, Meaning, T4Comparison } from './tasks/bench/meaning.js';
export type { BenchResult, EncoderSpeed, PromptSpeed, StepSpeed } from './tasks/bench/result.js';
export {
  type EvaluatedPrompt,
  type EvaluateProgress,
  evaluate,
} from './tasks/evaluate/evaluate.js';
export { type ExportResult, exportModel, type Verification, type Verified } from './tasks/export/export.js';
export type {
  FoundData,
  FoundLabels,
  FoundPictures,
  FoundRoughMask,
  LabelKind,
  Spread,
} from './tasks/init/found.js';
export { type InitResult, initConfig } from './tasks/init/init.js';
export { type PreviewResult, type PromptItem, previewPrompts } from './tasks/preview/preview.js';
export type { Arm, ArmSource } from './tasks/prompt-comparison/arms.js';
export {
  type ArmResult,
  type ComparisonControl,
  type ComparisonProgress,
  comparePrompts,
  type KindDifference,
  type PromptComparison,
  type SourceResult,
} from './tasks/prompt-comparison/compare-prompts.js';
export {
  type FitRoughMaskResult,
  fitRoughMask,
  type RoughThresholds,
} from './tasks/rough-thresholds/fit-rough-mask.js';
export type { Rung } from './tasks/search/plan.js';
export {
  type SearchControl,
  type SearchProgress,
  type SearchResult,
  searchSettings,
  type TrialResult,
} from './tasks/search/search.js';
export { type Split, type SplitDataResult, splitData } from './tasks/split/split.js';
export type { BoxShares } from './tasks/workbench/boxes.js';
export type { SearchComparison } from './tasks/workbench/compare.js';
export type { Pace } from './tasks/workbench/pace.js';
export type { ResumeOptions } from './training/resume.js';
export { type TrainControl, train } from './training/train.js';
export type { TrainRun } from './training/train-run.js';
