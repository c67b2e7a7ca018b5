/**
 * What each task may be told. Made by scripts/generate-option-types.mjs from the schemas in lib/options.ts and beside each task: change
 * those, then run it.
 */

/** `Options` with the defaults of `Names` filled in. */
export type Filled<Options, Names extends keyof Options> = Omit<Options, Names> & {
  [Name in Names]-?: Exclude<Options[Name], undefined>;
};

/** Which data set, and what of it. */
export interface SourceOptions {
  /** The data set: a folder `SRC/<split>/{images,masks}`, Parquet files, COCO JSON, a CSV or JSONL file, hf:owner/name on the Hugging Face Hub, or sample:rivers. */
  data: string;
  /**
   * Column of the images, in Parquet files.
   *
   * @default 'image'
   */
  imageColumn?: string | undefined;
  /**
   * Column of the masks, in Parquet files.
   *
   * @default 'label'
   */
  labelColumn?: string | undefined;
  /** Folder of a COCO file's images (the usual places if not given). */
  images?: string | undefined;
  /** Categories of a COCO file, names or ids with commas (all if not given). */
  categories?: string | undefined;
  /**
   * Take annotations of crowds in COCO files too.
   *
   * @default false
   */
  crowd?: boolean | undefined;
  /**
   * Each value or colour of a mask but black is a sample of its own.
   *
   * @default false
   */
  instances?: boolean | undefined;
  /** Only this value (or colour #rrggbb) of a mask is inside (any but black if not given). */
  class?: string | undefined;
  /** Bands of a raster that become red, green and blue: numbers from 1 or names (the first three if not given). */
  bands?: string | undefined;
}

/** Which data set, and which samples of it are for training and which for validation. */
export interface DataOptions extends SourceOptions {
  /**
   * Name of the training split.
   *
   * @default 'train'
   */
  trainSplit?: string | undefined;
  /**
   * Name of the validation split.
   *
   * @default 'validation'
   */
  validationSplit?: string | undefined;
  /** Cut this share (0 to 1) of the training split off for validation. */
  validationFraction?: number | undefined;
  /** Regular expression on the file name; what its first group matches stays together when a fraction is cut off. */
  groupBy?: string | undefined;
  /** Take the first N samples of each split (all if not given). */
  limit?: number | undefined;
  /**
   * Go on without images or masks that are missing, broken or do not fit.
   *
   * @default false
   */
  skipBad?: boolean | undefined;
  /**
   * What to do with a mask without a single pixel.
   *
   * @default 'fail'
   */
  onEmpty?: 'skip' | 'fail' | undefined;
}

/** Which model, where it computes, and where embeddings are kept. */
export interface ModelOptions {
  /**
   * The model: mobile-sam, facebook/sam-vit-base (or -large, -huge), a file or folder of weights, a run folder or a checkpoint.
   *
   * @default 'mobile-sam'
   */
  model?: string | undefined;
  /** Another image encoder than the model's own: TorchScript (.pt), or a model whose encoder to take. */
  encoder?: string | undefined;
  /**
   * Where to compute: auto, cpu, cuda or cuda:N.
   *
   * @default 'auto'
   */
  device?: string | undefined;
  /**
   * Type of the encoder and of the decoder's autocast; auto takes bf16 where the processor has it.
   *
   * @default 'auto'
   */
  precision?: 'auto' | 'fp32' | 'bf16' | 'fp16' | undefined;
  /** CPU threads (all cores if not given). */
  threads?: number | undefined;
  /** Where models and embeddings are kept ($SAM_NATIVE_CACHE or ~/.cache/sam-native if not given). */
  cacheDir?: string | undefined;
  /**
   * Keep embeddings on disk for later runs (`cache: false`: nothing stays; each image is still encoded once).
   *
   * @default true
   */
  cache?: boolean | undefined;
  /**
   * Most that the embedding cache may hold on disk.
   *
   * @default '50GB'
   */
  cacheMax?: string | undefined;
}

/** Where rough masks come from, and which of them become prompts. */
export interface RoughOptions {
  /** What prompts are drawn from: labels, rough masks, or either by chance (ground-truth; rough where `roughMask` is given). */
  promptSource?: 'ground-truth' | 'rough' | 'mixed' | undefined;
  /** What makes the rough mask: colour, a spectral index, or files in `roughMasks`. */
  roughMask?: 'hsv' | 'ndwi' | 'mndwi' | 'ndvi' | 'file' | undefined;
  /** Folder of rough masks, one of each image's name. */
  roughMasks?: string | undefined;
  /** Hues of the rough mask, degrees 0 to 360, a-b; a above b wraps. */
  hue?: string | undefined;
  /** Saturations of the rough mask, 0 to 1, a-b. */
  saturation?: string | undefined;
  /** Values (brightness) of the rough mask, 0 to 1, a-b. */
  value?: string | undefined;
  /**
   * The rough mask is where the index is above this: a number of -1 to 1, or otsu for each image's own.
   *
   * @default 'otsu'
   */
  threshold?: number | 'otsu' | undefined;
  /** Bands of a raster that become red, green and blue: numbers from 1 or names (the first three if not given). */
  bands?: string | undefined;
  /** The raster's near infrared band, a number or name (the band named nir if not given). */
  nir?: number | string | undefined;
  /** The raster's short-wave infrared band (the band named swir if not given). */
  swir?: number | string | undefined;
  /**
   * Drop pieces of the rough mask below so many pixels of the image.
   *
   * @default 50
   */
  minArea?: number | undefined;
  /**
   * Fill the holes of the rough mask.
   *
   * @default false
   */
  fillHoles?: boolean | undefined;
  /**
   * Keep only the largest piece of the rough mask.
   *
   * @default false
   */
  largest?: boolean | undefined;
  /**
   * The rough mask is a prompt itself, beside points and box (not with `promptSource` mixed).
   *
   * @default false
   */
  maskPrompt?: boolean | undefined;
  /** Keep points so many pixels of the image away from the rough mask's edge (by its area if not given). */
  erosion?: number | undefined;
}

/** Which prompts are drawn, and from what. */
export interface PromptOptions extends RoughOptions {
  /**
   * Kind of prompt drawn from the label.
   *
   * @default 'points'
   */
  prompt?: 'points' | 'box' | 'points+box' | undefined;
  /**
   * Points inside the mask.
   *
   * @default 3
   */
  numPositive?: number | undefined;
  /**
   * Points outside the mask.
   *
   * @default 0
   */
  numNegative?: number | undefined;
  /**
   * Keep points away from the mask's edge.
   *
   * @default true
   */
  erode?: boolean | undefined;
  /**
   * Keep points apart, by the mask's area.
   *
   * @default true
   */
  dynamicDistance?: boolean | undefined;
  /**
   * Most that a box side moves, in pixels of the low-res mask.
   *
   * @default 10
   */
  perturbation?: number | undefined;
  /**
   * All points as one prompt, or each point a prompt of its own.
   *
   * @default 'joint'
   */
  pointSets?: 'joint' | 'separate' | undefined;
  /**
   * How the masks of separate points become one.
   *
   * @default 'best'
   */
  multiMask?: 'best' | 'mean' | undefined;
  /**
   * Three masks to choose from, or one.
   *
   * @default 'multi'
   */
  maskOutput?: 'multi' | 'single' | undefined;
  /**
   * Points that find no room are left out, or become a padding token that attention sees (the article's way).
   *
   * @default 'masked'
   */
  missingPoints?: 'masked' | 'token' | undefined;
  /** First resize the picture to N x N pixels. */
  imageSize?: number | undefined;
  /**
   * Side of the grid on which the loss is computed, pixels.
   *
   * @default 256
   */
  maskSize?: number | undefined;
  /**
   * Makes a run repeatable.
   *
   * @default 42
   */
  seed?: number | undefined;
}

/** What is optimised, and how. */
export interface OptimiserOptions {
  /**
   * A weighted sum of dice, bce, focal, iou, row-dice-ce (the article's).
   *
   * @default 'dice:1+bce:1+iou:5'
   */
  loss?: string | undefined;
  /**
   * Passes over the training split.
   *
   * @default 50
   */
  epochs?: number | undefined;
  /**
   * Images in a batch.
   *
   * @default 4
   */
  batchSize?: number | undefined;
  /**
   * Learning rate of AdamW.
   *
   * @default 0.00002
   */
  lr?: number | undefined;
  /**
   * Weight decay of AdamW.
   *
   * @default 0.0002
   */
  weightDecay?: number | undefined;
  /**
   * How the rate goes on after the warm-up.
   *
   * @default 'constant'
   */
  schedule?: 'constant' | 'linear' | 'cosine' | 'polynomial' | 'step' | undefined;
  /**
   * Steps from a tenth of the rate to the whole of it.
   *
   * @default 10
   */
  warmupSteps?: number | undefined;
  /** Clip the norm of all gradients to this (not clipped if not given). */
  clipGradNorm?: number | undefined;
  /** Train on flipped (flips: 4 views) or also turned pictures (dihedral: 8), each view encoded once (none if not given). */
  augment?: 'flips' | 'dihedral' | undefined;
  /**
   * Batches to one optimisation step.
   *
   * @default 1
   */
  accumulate?: number | undefined;
  /** Stop after N epochs without a better validation loss (never if not given). */
  earlyStop?: number | undefined;
}

/** Where a run is kept. */
export interface RunOptions {
  /** The run folder (runs/<date>-<model> if not given). */
  out?: string | undefined;
  /** Go on with the run in this folder (or, without a folder, in `out`). */
  resume?: string | undefined;
  /**
   * Replace the run that `out` holds.
   *
   * @default false
   */
  overwrite?: boolean | undefined;
  /**
   * Seconds between saves within an epoch.
   *
   * @default 300
   */
  saveEvery?: number | undefined;
  /** Copy each checkpoint to this folder too. */
  mirror?: string | undefined;
  /**
   * Write report.html into the run folder: curves, scores before and after, pictures.
   *
   * @default true
   */
  report?: boolean | undefined;
}

/** Options of {@link train}. */
export interface TrainOptions extends DataOptions, ModelOptions, PromptOptions, OptimiserOptions, RunOptions {
  /** Values for other options that are not given: article, for the recipe of the article's code as it ran. */
  preset?: 'article' | undefined;
}

/** Options of {@link initConfig}. */
export interface InitOptions {
  /**
   * The config to write, YAML.
   *
   * @default 'sam-native.yaml'
   */
  out?: string | undefined;
  /**
   * Replace the file.
   *
   * @default false
   */
  overwrite?: boolean | undefined;
  /** The data set, as for train (if not given, the folder `SRC/<split>/{images,masks}` that the command runs in, or the only one in it). */
  data?: string | undefined;
  /**
   * Column of the images, in Parquet files.
   *
   * @default 'image'
   */
  imageColumn?: string | undefined;
  /**
   * Column of the masks, in Parquet files.
   *
   * @default 'label'
   */
  labelColumn?: string | undefined;
  /** Folder of a COCO file's images (the usual places if not given). */
  images?: string | undefined;
  /** Categories of a COCO file, names or ids with commas (all if not given). */
  categories?: string | undefined;
  /**
   * Take annotations of crowds in COCO files too.
   *
   * @default false
   */
  crowd?: boolean | undefined;
  /**
   * Each value or colour of a mask but black is a sample of its own.
   *
   * @default false
   */
  instances?: boolean | undefined;
  /** Only this value (or colour #rrggbb) of a mask is inside (any but black if not given). */
  class?: string | undefined;
  /** Bands of a raster that become red, green and blue: numbers from 1 or names (the first three if not given). */
  bands?: string | undefined;
  /**
   * Name of the training split.
   *
   * @default 'train'
   */
  trainSplit?: string | undefined;
  /**
   * Name of the validation split.
   *
   * @default 'validation'
   */
  validationSplit?: string | undefined;
  /** Cut this share (0 to 1) of the training split off for validation. */
  validationFraction?: number | undefined;
  /** Regular expression on the file name; what its first group matches stays together when a fraction is cut off. */
  groupBy?: string | undefined;
  /** Take the first N samples of each split (all if not given). */
  limit?: number | undefined;
  /**
   * Go on without images or masks that are missing, broken or do not fit.
   *
   * @default false
   */
  skipBad?: boolean | undefined;
  /**
   * What to do with a mask without a single pixel.
   *
   * @default 'fail'
   */
  onEmpty?: 'skip' | 'fail' | undefined;
  /**
   * The model: mobile-sam, facebook/sam-vit-base (or -large, -huge), a file or folder of weights, a run folder or a checkpoint.
   *
   * @default 'mobile-sam'
   */
  model?: string | undefined;
  /** Where models and embeddings are kept ($SAM_NATIVE_CACHE or ~/.cache/sam-native if not given). */
  cacheDir?: string | undefined;
}

/** Options of {@link searchSettings}. */
export interface SearchOptions extends DataOptions, ModelOptions, PromptOptions, OptimiserOptions {
  /** Values for other options that are not given: article, for the recipe of the article's code as it ran. */
  preset?: 'article' | undefined;
  /**
   * Split that the winner and the settings given are scored on in the end, where the data has it.
   *
   * @default 'test'
   */
  testSplit?: string | undefined;
  /**
   * Learning rates to try, with commas.
   *
   * @default '1e-5,3e-5,1e-4,3e-4'
   */
  lrs?: string | undefined;
  /**
   * Losses to try, each as for `loss`, with commas.
   *
   * @default 'dice:1+bce:1+iou:5,dice:1+focal:20+iou:1'
   */
  losses?: string | undefined;
  /**
   * Kinds of prompts to try, with commas: points, box, points+box.
   *
   * @default 'points,box,points+box'
   */
  promptKinds?: string | undefined;
  /**
   * Most settings to try, those given included; of more combinations some are drawn by `seed`.
   *
   * @default 12
   */
  trials?: number | undefined;
  /**
   * Of each rung the best of so many go on, for so many times the epochs.
   *
   * @default 3
   */
  eta?: number | undefined;
  /**
   * Fewest epochs after which trials are compared.
   *
   * @default 3
   */
  minEpochs?: number | undefined;
  /**
   * Folder for the results and the runs.
   *
   * @default 'tune'
   */
  out?: string | undefined;
  /**
   * Replace the search that `out` holds.
   *
   * @default false
   */
  overwrite?: boolean | undefined;
  /**
   * Keep the checkpoints of all trials (some 50 MB each with mobile-sam).
   *
   * @default false
   */
  keepTrials?: boolean | undefined;
}

/** Options of {@link comparePrompts}. */
export interface ComparisonOptions extends DataOptions, ModelOptions, RoughOptions, OptimiserOptions {
  /** Values for other options that are not given: article, for the recipe of the article's code as it ran. */
  preset?: 'article' | undefined;
  /**
   * Split that the winner and the settings given are scored on in the end, where the data has it.
   *
   * @default 'test'
   */
  testSplit?: string | undefined;
  /**
   * Kinds of prompts to try, with commas: points, box, points+box.
   *
   * @default 'points,box,points+box'
   */
  promptKinds?: string | undefined;
  /**
   * Points inside the mask.
   *
   * @default 3
   */
  numPositive?: number | undefined;
  /**
   * Points outside the mask.
   *
   * @default 0
   */
  numNegative?: number | undefined;
  /**
   * Keep points away from the mask's edge.
   *
   * @default true
   */
  erode?: boolean | undefined;
  /**
   * Keep points apart, by the mask's area.
   *
   * @default true
   */
  dynamicDistance?: boolean | undefined;
  /**
   * Most that a box side moves, in pixels of the low-res mask.
   *
   * @default 10
   */
  perturbation?: number | undefined;
  /**
   * All points as one prompt, or each point a prompt of its own.
   *
   * @default 'joint'
   */
  pointSets?: 'joint' | 'separate' | undefined;
  /**
   * How the masks of separate points become one.
   *
   * @default 'best'
   */
  multiMask?: 'best' | 'mean' | undefined;
  /**
   * Three masks to choose from, or one.
   *
   * @default 'multi'
   */
  maskOutput?: 'multi' | 'single' | undefined;
  /**
   * Points that find no room are left out, or become a padding token that attention sees (the article's way).
   *
   * @default 'masked'
   */
  missingPoints?: 'masked' | 'token' | undefined;
  /** First resize the picture to N x N pixels. */
  imageSize?: number | undefined;
  /**
   * Side of the grid on which the loss is computed, pixels.
   *
   * @default 256
   */
  maskSize?: number | undefined;
  /**
   * Makes a run repeatable.
   *
   * @default 42
   */
  seed?: number | undefined;
  /**
   * Folder for the results and the runs.
   *
   * @default 'tune-prompts'
   */
  out?: string | undefined;
  /**
   * Replace the comparison that `out` holds.
   *
   * @default false
   */
  overwrite?: boolean | undefined;
}

/** Options of {@link splitData}. */
export interface SplitDataOptions extends ModelOptions {
  /** The data set: a folder `SRC/<split>/{images,masks}`, a CSV or JSONL file, or sample:rivers. */
  data: string;
  /** Take the samples of these splits, with commas (all there are if not given). */
  split?: string | readonly string[] | undefined;
  /**
   * Go on without images or masks that have no partner.
   *
   * @default false
   */
  skipBad?: boolean | undefined;
  /**
   * Share of the training split, 0 to 1; the three add up to 1.
   *
   * @default 0.7
   */
  train?: number | undefined;
  /**
   * Share of the validation split, 0 to 1; the three add up to 1.
   *
   * @default 0.15
   */
  validation?: number | undefined;
  /**
   * Share of the test split, 0 to 1; the three add up to 1.
   *
   * @default 0.15
   */
  test?: number | undefined;
  /** Regular expression on the file name; samples with the same first group stay in one split. */
  groupBy?: string | undefined;
  /** Images whose embeddings are this similar, or linked by others, stay in one split (0.998 if bare). */
  groupBySimilarity?: number | boolean | undefined;
  /**
   * Warn of near-duplicates across splits (`check: false`: without `groupBySimilarity` nothing is encoded).
   *
   * @default true
   */
  check?: boolean | undefined;
  /**
   * Makes a run repeatable.
   *
   * @default 42
   */
  seed?: number | undefined;
  /**
   * The list of files to write, .csv or .jsonl.
   *
   * @default 'split.csv'
   */
  out?: string | undefined;
  /**
   * Replace the file.
   *
   * @default false
   */
  overwrite?: boolean | undefined;
}

/** Options of {@link embedImages}. */
export interface EmbedImagesOptions extends SourceOptions, ModelOptions {
  /** Only this split (train and validation if not given). */
  split?: string | undefined;
  /**
   * Name of the training split.
   *
   * @default 'train'
   */
  trainSplit?: string | undefined;
  /**
   * Name of the validation split.
   *
   * @default 'validation'
   */
  validationSplit?: string | undefined;
  /** Take the first N samples of each split (all if not given). */
  limit?: number | undefined;
  /**
   * Go on without images or masks that are missing, broken or do not fit.
   *
   * @default false
   */
  skipBad?: boolean | undefined;
  /** First resize the picture to N x N pixels. */
  imageSize?: number | undefined;
  /** Encode the views of the training split that train `augment` asks for. */
  augment?: 'flips' | 'dihedral' | undefined;
  /** Write the embeddings to this safetensors file: fp32, 256x64x64, one tensor for each image. */
  export?: string | undefined;
}

/** Options of {@link evaluate}. */
export interface EvaluateOptions extends SourceOptions, PromptOptions {
  /**
   * The models, with commas: names as for `model` of train, run folders, checkpoints, untuned.
   *
   * @default ['mobile-sam']
   */
  models?: string | readonly string[] | undefined;
  /**
   * The labelled split.
   *
   * @default 'validation'
   */
  split?: string | undefined;
  /** Take the first N samples of each split (all if not given). */
  limit?: number | undefined;
  /**
   * Go on without images or masks that are missing, broken or do not fit.
   *
   * @default false
   */
  skipBad?: boolean | undefined;
  /**
   * What to do with a mask without a single pixel.
   *
   * @default 'fail'
   */
  onEmpty?: 'skip' | 'fail' | undefined;
  /** Another image encoder than the model's own: TorchScript (.pt), or a model whose encoder to take. */
  encoder?: string | undefined;
  /**
   * Where to compute: auto, cpu, cuda or cuda:N.
   *
   * @default 'auto'
   */
  device?: string | undefined;
  /**
   * Type of the encoder and of the decoder's autocast; auto takes bf16 where the processor has it.
   *
   * @default 'auto'
   */
  precision?: 'auto' | 'fp32' | 'bf16' | 'fp16' | undefined;
  /** CPU threads (all cores if not given). */
  threads?: number | undefined;
  /** Where models and embeddings are kept ($SAM_NATIVE_CACHE or ~/.cache/sam-native if not given). */
  cacheDir?: string | undefined;
  /**
   * Keep embeddings on disk for later runs (`cache: false`: nothing stays; each image is still encoded once).
   *
   * @default true
   */
  cache?: boolean | undefined;
  /**
   * Most that the embedding cache may hold on disk.
   *
   * @default '50GB'
   */
  cacheMax?: string | undefined;
  /** Kinds of prompts side by side, with commas: points, box, points+box, and automatic, where nothing is given (that of `prompt` if not given). */
  promptKinds?: string | readonly ('points' | 'box' | 'points+box' | 'automatic')[] | undefined;
  /**
   * Also score prompts that get worse: boxes that are off, points outside the label, fewer points.
   *
   * @default false
   */
  robustness?: boolean | undefined;
  /**
   * Each model gets the prompts it was trained with, instead of all the same.
   *
   * @default false
   */
  ownSettings?: boolean | undefined;
  /** File (.csv, .parquet) or folder for the scores of each image (beside the run if not given). */
  out?: string | undefined;
  /** File (.html) or folder for the report with plots and pictures (beside the scores if not given). */
  report?: string | undefined;
}

/** Options of {@link audit}. */
export interface AuditOptions extends SourceOptions, ModelOptions, PromptOptions {
  /** Values for other options that are not given: article, for the recipe of the article's code as it ran. */
  preset?: 'article' | undefined;
  /** Regular expression on the file name; what its first group matches stays in one fold (crops of one picture). */
  groupBy?: string | undefined;
  /** Take the first N samples of each split (all if not given). */
  limit?: number | undefined;
  /**
   * Go on without images or masks that are missing, broken or do not fit.
   *
   * @default false
   */
  skipBad?: boolean | undefined;
  /**
   * What to do with a mask without a single pixel.
   *
   * @default 'fail'
   */
  onEmpty?: 'skip' | 'fail' | undefined;
  /**
   * The labelled split that is looked at.
   *
   * @default 'train'
   */
  split?: string | undefined;
  /**
   * Models that are trained, each without the labels that it then judges.
   *
   * @default 5
   */
  folds?: number | undefined;
  /**
   * Prompts drawn for each image; their masks are put to the vote.
   *
   * @default 5
   */
  draws?: number | undefined;
  /**
   * A weighted sum of dice, bce, focal, iou, row-dice-ce (the article's).
   *
   * @default 'dice:1+bce:1+iou:5'
   */
  loss?: string | undefined;
  /**
   * Passes over the other folds, of each model.
   *
   * @default 10
   */
  epochs?: number | undefined;
  /**
   * Images in a batch.
   *
   * @default 4
   */
  batchSize?: number | undefined;
  /**
   * Learning rate of AdamW.
   *
   * @default 0.0001
   */
  lr?: number | undefined;
  /**
   * Weight decay of AdamW.
   *
   * @default 0.0002
   */
  weightDecay?: number | undefined;
  /**
   * How the rate goes on after the warm-up.
   *
   * @default 'constant'
   */
  schedule?: 'constant' | 'linear' | 'cosine' | 'polynomial' | 'step' | undefined;
  /**
   * Steps from a tenth of the rate to the whole of it.
   *
   * @default 10
   */
  warmupSteps?: number | undefined;
  /** Clip the norm of all gradients to this (not clipped if not given). */
  clipGradNorm?: number | undefined;
  /** Train on flipped (flips: 4 views) or also turned pictures (dihedral: 8), each view encoded once (none if not given). */
  augment?: 'flips' | 'dihedral' | undefined;
  /**
   * Batches to one optimisation step.
   *
   * @default 1
   */
  accumulate?: number | undefined;
  /**
   * Images on the review page, the worst ones; all others are kept.
   *
   * @default 200
   */
  show?: number | undefined;
  /**
   * Folder for the review page, its pictures and the predicted masks.
   *
   * @default 'audit'
   */
  out?: string | undefined;
  /**
   * Replace the audit that `out` holds.
   *
   * @default false
   */
  overwrite?: boolean | undefined;
}

/** Options of {@link predictImages}. */
export interface PredictImagesOptions extends ModelOptions, PromptOptions {
  /** Images, or folders of images. */
  images: readonly string[];
  /** One prompt for all images: x, y of each point, pixels of the image. */
  points?: readonly (readonly [number, number])[] | undefined;
  /** 1 inside, 0 outside what is meant; one for each point (all 1 if not given). */
  labels?: readonly (0 | 1)[] | undefined;
  /** X0, y0, x1, y1, pixels of the image. */
  box?: readonly [number, number, number, number] | undefined;
  /** Folder of rough or exact masks, matched by name: prompts are drawn from them. */
  masks?: string | undefined;
  /**
   * Folder for the masks, `<name>.png` each.
   *
   * @default 'predictions'
   */
  out?: string | undefined;
  /**
   * Write the 256x256 logits too, `<name>.safetensors` each.
   *
   * @default false
   */
  saveLogits?: boolean | undefined;
  /**
   * Draw so many prompts, with other erosions, and keep the mask of the highest predicted IoU.
   *
   * @default 1
   */
  attempts?: number | undefined;
  /**
   * Feed the mask back as a prompt so many times.
   *
   * @default 0
   */
  refine?: number | undefined;
  /** Side of the tiles of a raster, pixels (1024 if not given, for GeoTIFFs and TIFFs above 2048; 0: no tiles). */
  tile?: number | undefined;
  /**
   * Write the objects of each mask too, `<name>.geojson` each: longitude and latitude for GeoTIFFs.
   *
   * @default false
   */
  polygons?: boolean | undefined;
  /** Leave out corners of polygons within so many pixels of the outline (every corner is kept if not given). */
  simplify?: number | undefined;
  /**
   * Go on without images or masks that are missing, broken or do not fit.
   *
   * @default false
   */
  skipBad?: boolean | undefined;
  /**
   * What to do with an image whose rough mask has not a single pixel.
   *
   * @default 'fail'
   */
  onEmpty?: 'skip' | 'fail' | undefined;
  /**
   * Kind of prompt that is drawn from a mask.
   *
   * @default 'points'
   */
  prompt?: 'points' | 'box' | 'points+box' | undefined;
  /**
   * Points inside the mask that are drawn.
   *
   * @default 3
   */
  numPositive?: number | undefined;
  /**
   * Points outside the mask that are drawn.
   *
   * @default 0
   */
  numNegative?: number | undefined;
  /**
   * All points as one prompt, or each point a prompt of its own.
   *
   * @default 'joint'
   */
  pointSets?: 'joint' | 'separate' | undefined;
  /**
   * How the masks of separate points become one.
   *
   * @default 'best'
   */
  multiMask?: 'best' | 'mean' | undefined;
  /**
   * Three masks to choose from, or one.
   *
   * @default 'multi'
   */
  maskOutput?: 'multi' | 'single' | undefined;
  /**
   * Drawn points that find no room are left out, or become a padding token that attention sees.
   *
   * @default 'masked'
   */
  missingPoints?: 'masked' | 'token' | undefined;
  /**
   * Side of the grid on which points are drawn, pixels.
   *
   * @default 256
   */
  maskSize?: number | undefined;
  /** What the prompt comes from where none is given: rough masks, or (ground-truth) it is found (as trained if not given). */
  promptSource?: 'ground-truth' | 'rough' | 'mixed' | undefined;
}

/** Options of {@link previewPrompts}. */
export interface PreviewOptions extends PromptOptions {
  /** Images, or folders of images. */
  inputs?: string[] | undefined;
  /** A data set instead of images, as for train. */
  data?: string | undefined;
  /**
   * Column of the images, in Parquet files.
   *
   * @default 'image'
   */
  imageColumn?: string | undefined;
  /**
   * Column of the masks, in Parquet files.
   *
   * @default 'label'
   */
  labelColumn?: string | undefined;
  /** Folder of a COCO file's images (the usual places if not given). */
  images?: string | undefined;
  /** Categories of a COCO file, names or ids with commas (all if not given). */
  categories?: string | undefined;
  /**
   * Take annotations of crowds in COCO files too.
   *
   * @default false
   */
  crowd?: boolean | undefined;
  /**
   * Each value or colour of a mask but black is a sample of its own.
   *
   * @default false
   */
  instances?: boolean | undefined;
  /** Only this value (or colour #rrggbb) of a mask is inside (any but black if not given). */
  class?: string | undefined;
  /**
   * The split of `data`.
   *
   * @default 'train'
   */
  split?: string | undefined;
  /** Take the first N samples of each split (all if not given). */
  limit?: number | undefined;
  /**
   * Go on without images or masks that are missing, broken or do not fit.
   *
   * @default false
   */
  skipBad?: boolean | undefined;
  /**
   * What to do with a mask without a single pixel.
   *
   * @default 'fail'
   */
  onEmpty?: 'skip' | 'fail' | undefined;
  /**
   * Folder for the pictures, `<name>.png` each.
   *
   * @default 'prompts'
   */
  out?: string | undefined;
  /** Where models and embeddings are kept ($SAM_NATIVE_CACHE or ~/.cache/sam-native if not given). */
  cacheDir?: string | undefined;
}

/** Options of {@link fitRoughMask}. */
export interface FitRoughMaskOptions extends SourceOptions, PromptOptions {
  /**
   * The split of `data`: a training split, never what is evaluated on.
   *
   * @default 'train'
   */
  split?: string | undefined;
  /** Take the first N samples of each split (all if not given). */
  limit?: number | undefined;
  /**
   * Go on without images or masks that are missing, broken or do not fit.
   *
   * @default false
   */
  skipBad?: boolean | undefined;
  /**
   * The config to write, YAML.
   *
   * @default 'rough-mask.yaml'
   */
  out?: string | undefined;
  /** Where models and embeddings are kept ($SAM_NATIVE_CACHE or ~/.cache/sam-native if not given). */
  cacheDir?: string | undefined;
}

/** Options of {@link exportModel}. */
export interface ExportOptions {
  /** The model: mobile-sam, facebook/sam-vit-base, weights, a run folder or a checkpoint. */
  model: string;
  /**
   * Torchscript: for programs with LibTorch or PyTorch; hf: for transformers; meta: a .pth for Meta's segment_anything, or MobileSAM's package; onnx: for ONNX Runtime and what builds on it.
   *
   * @default 'torchscript'
   */
  to?: 'torchscript' | 'hf' | 'meta' | 'onnx' | undefined;
  /** Encoder, decoder (prompt encoder and mask decoder) or both (torchscript: encoder; else: both). */
  part?: 'encoder' | 'decoder' | 'both' | undefined;
  /**
   * The same as `part` decoder.
   *
   * @default false
   */
  decoderOnly?: boolean | undefined;
  /** The folder (<model>-<format> if not given); a name that ends in .pt or .pth is a file, where one is all (torchscript of one part: <model>-`<part>.pt`). */
  out?: string | undefined;
  /** Of `to` onnx: meta, files with the inputs and outputs of Meta's own exporter (the default), or a folder that transformers.js opens. */
  layout?: 'meta' | 'transformers.js' | undefined;
  /** Of `to` onnx: smaller files beside those in fp32, with commas: fp16, int8. */
  variants?: string | readonly ('fp16' | 'int8')[] | undefined;
  /**
   * Replace what is there.
   *
   * @default false
   */
  overwrite?: boolean | undefined;
  /**
   * Validation pictures that the export is run over at most, and held against the model; 0: none.
   *
   * @default 20
   */
  pictures?: number | undefined;
  /** Another image encoder than the model's own: TorchScript (.pt), or a model whose encoder to take. */
  encoder?: string | undefined;
  /** Where models and embeddings are kept ($SAM_NATIVE_CACHE or ~/.cache/sam-native if not given). */
  cacheDir?: string | undefined;
}

/** Options of {@link bench}. */
export interface BenchOptions {
  /** Models whose encoders are timed, with commas, as `model` takes them (random weights of `sizes` if not given). */
  models?: string | readonly string[] | undefined;
  /**
   * Sizes of SAM's encoder to time with random weights, with commas.
   *
   * @default ['base','large','huge']
   */
  sizes?: string | readonly ('base' | 'large' | 'huge')[] | undefined;
  /**
   * Where to compute: auto, cpu, cuda or cuda:N.
   *
   * @default 'auto'
   */
  device?: string | undefined;
  /**
   * Type of encoder and decoder; auto times encoders in fp32 and in what it chooses.
   *
   * @default 'auto'
   */
  precision?: 'auto' | 'fp32' | 'bf16' | 'fp16' | undefined;
  /** CPU threads (all cores if not given). */
  threads?: number | undefined;
  /** Where models and embeddings are kept ($SAM_NATIVE_CACHE or ~/.cache/sam-native if not given). */
  cacheDir?: string | undefined;
  /**
   * Measure once, to see that it works; the figures mean little.
   *
   * @default false
   */
  quick?: boolean | undefined;
  /** Write the tables to this file (Markdown) too. */
  out?: string | undefined;
}

/** {@link RoughOptions} with the defaults filled in. */
export type ResolvedRoughOptions = Filled<
  RoughOptions,
  'threshold' | 'minArea' | 'fillHoles' | 'largest' | 'maskPrompt'
>;

/** {@link PromptOptions} with the defaults filled in. */
export type ResolvedPromptOptions = Filled<
  PromptOptions,
  | 'prompt'
  | 'numPositive'
  | 'numNegative'
  | 'erode'
  | 'dynamicDistance'
  | 'perturbation'
  | 'pointSets'
  | 'multiMask'
  | 'maskOutput'
  | 'missingPoints'
  | 'maskSize'
  | 'seed'
  | 'threshold'
  | 'minArea'
  | 'fillHoles'
  | 'largest'
  | 'maskPrompt'
>;
