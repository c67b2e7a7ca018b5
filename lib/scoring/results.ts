/** What `evaluate` finds, as types: the contract of its JSON and of the report. Scores are 0 to 1, distances pixels. */
import type { Precision } from '../../binding.js';
import type { ResolvedPromptOptions } from '../models/prompt-options.js';
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
  /** Intersection over union of mask and label (Jaccard). */
  iou: number;
  /** F1 of the pixels (Dice). */
  f1: number;
  /** Share of the mask's pixels that are in the label. */
  precision: number;
  /** Share of the label's pixels that are in the mask. */
  recall: number;
  /** Share of all pixels that are right. As everywhere here, pixels without a label (nodata) are not counted. */
  accuracy: number;
  /** IoU of the bands inside the two edges, 2 % of the picture's diagonal wide (Cheng et al. 2021). */
  boundaryIou: number;
  /** F1 of the edge pixels, right within 0.75 % of the picture's diagonal (Csurka et al. 2013). */
  boundaryF1: number;
  /** 95th percentile of the distances between the edges, pixels; null where one of the two masks is empty and the other is not. */
  hd95: number | null;
}

/** Name of a score. */
export type Metric = keyof MaskScores;

/** The same scores on the decoder's grid, where the picture's long side is 256. */
export interface ScoresAt256 {
  /** `iou` on the decoder's grid. */
  iouAt256: number;
  /** `f1` on the decoder's grid. */
  f1At256: number;
  /** `precision` on the decoder's grid. */
  precisionAt256: number;
  /** `recall` on the decoder's grid. */
  recallAt256: number;
  /** `accuracy` on the decoder's grid. */
  accuracyAt256: number;
  /** `boundaryIou` on the decoder's grid. */
  boundaryIouAt256: number;
  /** `boundaryF1` on the decoder's grid. */
  boundaryF1At256: number;
  /** `hd95` on the decoder's grid, in its pixels. */
  hd95At256: number | null;
}

/** One line of the per-image table: a model's scores on an image, at the label's resolution and on the decoder's grid. */
export interface ImageScores extends MaskScores, ScoresAt256 {
  /** Name of the model. */
  model: string;
  /** Name of the image within its split. */
  image: string;
  /** What the prompt was drawn from. */
  promptSource: EvaluatedSource;
  /** Kind of the prompt; null for a rough mask, which nobody prompted. */
  promptKind: PromptKind | null;
  /** IoU that the model itself predicts, 0 to 1; null for a rough mask, which predicts none. */
  predictedIou: number | null;
  /** Pixels inside the label, at its resolution. */
  labelPixels: number;
  /** Pixels inside the mask, at the label's resolution. */
  predictedPixels: number;
}

/** A 95 percent interval, by the bootstrap over images. */
export type Interval = readonly [low: number, high: number];

/** One score over all images. Null where there is no such number: no image has one, or the middle one is infinitely far. */
export interface Summary {
  /** Mean over the images that have the score. */
  mean: number | null;
  /** Interval of the mean. */
  meanInterval: Interval | null;
  /** Median over all images; a missing distance counts as greater than all others. */
  median: number | null;
  /** Interval of the median. */
  medianInterval: Interval | null;
  /** First quartile over all images. */
  q1: number | null;
  /** Third quartile over all images. */
  q3: number | null;
  /** Images without the score: an empty mask has no distance. */
  missing: number;
}

/** Summary of every score. */
export type Summaries = { [M in Metric]: Summary };

/** Images whose predicted IoU lies in [from, to). */
export interface CalibrationBin {
  /** Least predicted IoU of the bin. */
  from: number;
  /** Predicted IoU at which the next bin begins. */
  to: number;
  /** Images in the bin. */
  count: number;
  /** Mean of the predicted IoU. */
  meanPredicted: number;
  /** Mean of the real IoU. */
  meanReal: number;
}

/** How well a model predicts its own IoU: its guesses beside the IoU at the label's resolution. */
export interface Calibration {
  /** Tenths of the predicted IoU that hold an image, ascending. */
  bins: CalibrationBin[];
  /** Expected calibration error: mean distance of guess and truth over the bins, weighted by their counts. */
  expectedError: number;
  /** Mean of guess minus truth: above 0 the model is too sure. */
  bias: number;
  /** Mean distance of guess and truth over the images. */
  meanAbsoluteError: number;
  /** Pearson's correlation of guess and truth; null where one of the two does not vary. */
  pearson: number | null;
  /** Spearman's rank correlation of guess and truth; null where one of the two does not vary. */
  spearman: number | null;
}

/** Scores of one model with one kind of prompt from one source, over all images; or of the rough masks themselves. */
export interface ModelScores {
  /** Name of the model. */
  name: string;
  /** What was asked for: a model's name, file or run folder. */
  spec: string;
  /** Images scored. */
  count: number;
  /** Median IoU; at the labels' own resolution, as are the other plain numbers. */
  medianIou: number;
  /** Mean IoU. */
  meanIou: number;
  /** Least IoU of an image. */
  minIou: number;
  /** Median F1. */
  medianF1: number;
  /** Mean F1. */
  meanF1: number;
  /** Mean precision. */
  meanPrecision: number;
  /** Mean recall. */
  meanRecall: number;
  /** Images of an IoU below 0.5. */
  belowHalf: number;
  /** Every score at the labels' own resolution. */
  own: Summaries;
  /** Every score on the decoder's grid. */
  at256: Summaries;
  /** How well the model predicts its own IoU; null for the rough mask, which predicts none. */
  calibration: Calibration | null;
  /** SHA-256 of the source weights; null for the rough mask, which no model made. */
  weightsHash: string | null;
  /** SHA-256 of the encoder; null for the rough mask. */
  encoderHash: string | null;
  /** SHA-256 of the checkpoint; null for source weights and the rough mask. */
  checkpointHash: string | null;
  /** What prompts were drawn from. */
  promptSource: EvaluatedSource;
  /** Kind of the prompts; null for the rough mask. */
  promptKind: PromptKind | null;
  /** How prompts were drawn and masks chosen. */
  prompts: ResolvedPromptOptions;
}

/** What tells one of `models` from the others. */
export type EntrantName = Pick<ModelScores, 'name' | 'promptSource' | 'promptKind'>;

/** Result of Wilcoxon's signed-rank test of paired differences against a median of 0. */
export interface WilcoxonTest {
  /** Lesser of the two sums of ranks. */
  statistic: number;
  /** Two-sided p-value. */
  pValue: number;
  /** How the p-value was found: counted out, or by the normal distribution. */
  method: 'exact' | 'normal';
}

/** A score of `b` minus that of `a`, image by image. */
export interface PairedDifference {
  /** Entrant whose score is subtracted. */
  a: EntrantName;
  /** Entrant whose score it is subtracted from. */
  b: EntrantName;
  /** Score that is compared. */
  metric: Metric;
  /** Resolution of the score: the labels' own, or 256 for the decoder's grid. */
  resolution: 'own' | '256';
  /** Images where both have the score. */
  count: number;
  /** Mean difference. */
  mean: number;
  /** Interval of the mean. */
  meanInterval: Interval;
  /** Median difference. */
  median: number;
  /** Interval of the median. */
  medianInterval: Interval;
  /** Images where `b` has the greater score. */
  greater: number;
  /** Images where `b` has the lesser score. */
  lesser: number;
  /** Images where both have the same score. */
  equal: number;
  /** Wilcoxon's signed-rank test of the differences; null where no image differs. */
  wilcoxon: WilcoxonTest | null;
}

/** A way in which prompts are made worse. */
export type Disturbance = 'box-jitter' | 'mislabelled-points' | 'points';

/** How one model's scores change with its prompts, drawn from the labels. */
export interface RobustnessCurve {
  /** Name of the model. */
  name: string;
  /**
   * What each step's `value` counts. `box-jitter`: most that a side of the box moves, pixels of the low-res mask;
   * `mislabelled-points`: of `ofPoints` positive points, how many lie outside the label; `points`: positive points.
   */
  disturbance: Disturbance;
  /** Points of each prompt; null for boxes and where `value` itself counts them. */
  ofPoints: number | null;
  /** Scores at each value, ascending. */
  steps: RobustnessStep[];
}

/** Scores over all images at one value of a disturbance. */
export interface RobustnessStep {
  /** How far the prompts are disturbed, in the unit of the curve's `disturbance`. */
  value: number;
  /** Images scored. */
  count: number;
  /** Mean IoU. */
  meanIou: number;
  /** Interval of the mean IoU. */
  meanIouInterval: Interval;
  /** Median IoU. */
  medianIou: number;
  /** Mean F1. */
  meanF1: number;
  /** Images of an IoU below 0.5. */
  belowHalf: number;
}

/** What `evaluate` gives back, as `evaluate --json` prints it. */
export interface EvaluateResult {
  /** Scores of every model with every kind of prompt. */
  models: ModelScores[];
  /** Paired differences of all pairs that share the model or the prompts. */
  differences: PairedDifference[];
  /** Scores with worse prompts; null unless asked for. */
  robustness: RobustnessCurve[] | null;
  /** CSV or Parquet file, one line for each model and image. */
  perImage: string;
  /** HTML file of the report. */
  report: string;
  /** Device: `cpu` or `cuda:N`. */
  device: string;
  /** Precision that was computed in. */
  precision: Precision;
  /** Names of the images left out. */
  skipped: string[];
}
