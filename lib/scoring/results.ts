/** What `evaluate` finds, as types: the contract of its JSON and of the report. Scores are 0 to 1, distances pixels. */
import type { Precision } from '../../binding.js';
import type { PromptOptions } from '../models/prompt-options.js';
import type { PromptKind } from '../prompts/prompt.js';

/**
 * What prompts are drawn from: the labels, which inference does not have; rough masks; or nothing given, as `predict` does
 * without a prompt.
 */
export type EvaluatedSource = 'ground-truth' | 'rough' | 'automatic';

/** A kind of prompt drawn from the label (or a rough mask), or none: the model is asked as `predict` does by itself. */
export type EvaluatedPrompt = PromptKind | 'automatic';

/** How well one mask agrees with its label, at one resolution. */
export interface MaskScores {
  iou: number;
  f1: number;
  precision: number;
  recall: number;
  /** Share of all pixels that are right. */
  accuracy: number;
  boundaryIou: number;
  boundaryF1: number;
  /** Pixels; null where one of the two masks is empty and the other is not. */
  hd95: number | null;
}

export type Metric = keyof MaskScores;

/** The same on the decoder's grid, the picture's long side 256. */
export type ScoresAt256 = { [M in Metric as `${M}At256`]: MaskScores[M] };

/** One line of the per-image table. */
export interface ImageScores extends MaskScores, ScoresAt256 {
  model: string;
  /** The image's name within its split. */
  image: string;
  promptSource: EvaluatedSource;
  /** Null for a rough mask, which nobody prompted. */
  promptKind: PromptKind | null;
  /** The model's own guess of the IoU; null for a rough mask, which makes none. */
  predictedIou: number | null;
  /** Pixels inside, at the label's resolution. */
  labelPixels: number;
  predictedPixels: number;
}

/** 95 percent, by the bootstrap over images. */
export type Interval = readonly [low: number, high: number];

/** One score over all images. Null where there is no such number: no image has one, or the middle one is infinitely far. */
export interface Summary {
  /** Of the images that have the score. */
  mean: number | null;
  meanInterval: Interval | null;
  /** Here a missing distance counts as greater than all others. */
  median: number | null;
  medianInterval: Interval | null;
  q1: number | null;
  q3: number | null;
  /** Images without the score: an empty mask has no distance. */
  missing: number;
}

export type Summaries = { [M in Metric]: Summary };

/** Images whose predicted IoU lies in [from, to). */
export interface CalibrationBin {
  from: number;
  to: number;
  count: number;
  meanPredicted: number;
  meanReal: number;
}

/** The model's guesses of its IoU beside the IoU at the label's resolution. */
export interface Calibration {
  /** Tenths that hold an image, ascending. */
  bins: CalibrationBin[];
  /** Mean distance of guess and truth over the bins, weighted with their counts. */
  expectedError: number;
  /** Mean of guess minus truth: above 0 is too sure. */
  bias: number;
  /** Mean distance of guess and truth over the images. */
  meanAbsoluteError: number;
  /** Null where one of the two does not vary. */
  pearson: number | null;
  spearman: number | null;
}

export interface ModelScores {
  name: string;
  spec: string;
  /** Images. */
  count: number;
  medianIou: number;
  meanIou: number;
  minIou: number;
  medianF1: number;
  meanF1: number;
  meanPrecision: number;
  meanRecall: number;
  /** Images of an IoU below 0.5. */
  belowHalf: number;
  /** At the labels' own resolution. */
  own: Summaries;
  at256: Summaries;
  /** Null for the rough mask. */
  calibration: Calibration | null;
  /** Null for the rough mask, which no model made. */
  weightsHash: string | null;
  encoderHash: string | null;
  /** SHA-256 of the checkpoint; null for source weights. */
  checkpointHash: string | null;
  promptSource: EvaluatedSource;
  /** Null for the rough mask. */
  promptKind: PromptKind | null;
  prompts: PromptOptions;
}

/** Which of `models` is meant. */
export type EntrantName = Pick<ModelScores, 'name' | 'promptSource' | 'promptKind'>;

export interface WilcoxonTest {
  /** The lesser sum of ranks. */
  statistic: number;
  /** Two-sided. */
  pValue: number;
  method: 'exact' | 'normal';
}

/** Score of `b` minus that of `a`, image by image. */
export interface PairedDifference {
  a: EntrantName;
  b: EntrantName;
  metric: Metric;
  resolution: 'own' | '256';
  /** Images where both have the score. */
  count: number;
  mean: number;
  meanInterval: Interval;
  median: number;
  medianInterval: Interval;
  /** Images where `b` has the greater, the lesser, the same score. */
  greater: number;
  lesser: number;
  equal: number;
  /** Wilcoxon signed-rank test; null where no image differs. */
  wilcoxon: WilcoxonTest | null;
}

export type Disturbance = 'box-jitter' | 'mislabelled-points' | 'points';

/** How one model's scores change with its prompts, drawn from the labels. */
export interface RobustnessCurve {
  name: string;
  /**
   * box-jitter: most that a side of the box moves, pixels of the low-res mask; mislabelled-points: of `ofPoints` positive
   * points, how many lie outside the label; points: positive points.
   */
  disturbance: Disturbance;
  /** Points of each prompt; null for boxes and where `value` itself counts them. */
  ofPoints: number | null;
  steps: RobustnessStep[];
}

export interface RobustnessStep {
  value: number;
  count: number;
  meanIou: number;
  meanIouInterval: Interval;
  medianIou: number;
  meanF1: number;
  belowHalf: number;
}

export interface EvaluateResult {
  models: ModelScores[];
  /** Pairs that share the model or the prompts. */
  differences: PairedDifference[];
  /** Null unless asked for. */
  robustness: RobustnessCurve[] | null;
  /** CSV or Parquet file, one line for each model and image. */
  perImage: string;
  /** HTML file. */
  report: string;
  device: string;
  precision: Precision;
  /** Names of the images left out. */
  skipped: string[];
}
