/**
 * Every option of the command line and of the TypeScript API, once: name, type, default, unit and meaning. The zod schemas
 * check values from flags, config files and API callers alike; `lib/cli/flags.ts` turns them into yargs options.
 */
import { z } from 'zod';
import type { LossWeights } from '../binding.js';
import { requireOptions } from './core/parse-options.js';
import { camel } from './core/suggest.js';
import { words } from './core/words.js';
import { LOW_RES_SIDE } from './frame.js';
import type { TrainOptions } from './option-types.js';

export type { TrainOptions };

const count = z.number().int();

/** Losses that can be summed (native/training/losses.h says what they are); the last is the article's. */
export const LOSS_TERMS = ['dice', 'bce', 'focal', 'iou', 'row-dice-ce'] as const;
const LOSS_NAMES = LOSS_TERMS.join(', ');
const LOSS_TERM = new RegExp(`^(${LOSS_TERMS.join('|')})(:\\d+(\\.\\d+)?)?$`);

/** Type of a weighted sum of losses, `dice:1+bce:1+iou:5`; a weight left out is 1. */
const lossSum = z
  .string()
  .refine(
    (text) => text.split('+').every((term) => LOSS_TERM.test(term)),
    `expected a sum such as dice:1+bce:1+iou:5 of ${LOSS_NAMES}`,
  );

/**
 * Makes the type of a list: words with commas go in, or an array; an array of `item` comes out.
 *
 * @param expected what the error says of anything else.
 */
export function listOf<Item extends z.ZodType<string, string>>(item: Item, expected: string) {
  const list = z.array(item).readonly();
  const named = z.string().transform((text): readonly string[] => words(text).filter((word) => word !== ''));
  return z.union([named.pipe(list), list], expected);
}

export const modelOptions = {
  model: z
    .string()
    .min(1)
    .default('mobile-sam')
    .describe(
      'the model: mobile-sam, facebook/sam-vit-base (or -large, -huge), a file or folder of weights, a run folder or a checkpoint',
    ),
  encoder: z
    .string()
    .optional()
    .describe("another image encoder than the model's own: TorchScript (.pt), or a model whose encoder to take"),
  device: z
    .string()
    .regex(/^(auto|cpu|cuda(:\d+)?)$/, 'expected auto, cpu, cuda or cuda:N')
    .default('auto')
    .describe('where to compute: auto, cpu, cuda or cuda:N'),
  precision: z
    .enum(['auto', 'fp32', 'bf16', 'fp16'])
    .default('auto')
    .describe("type of the encoder and of the decoder's autocast; auto takes bf16 where the processor has it"),
  threads: count.min(1).optional().describe('CPU threads (all cores if not given)'),
  cacheDir: z
    .string()
    .optional()
    .describe('where models and embeddings are kept ($SAM_NATIVE_CACHE or ~/.cache/sam-native if not given)'),
  cache: z
    .boolean()
    .default(true)
    .describe(
      'keep embeddings on disk for later runs (`cache: false`: nothing stays; each image is still encoded once)',
    ),
  cacheMax: z
    .string()
    .regex(/^\d+(\.\d+)?\s*([kmgt]i?b?)?$/i, 'expected a size such as 20GB')
    .default('50GB')
    .describe('most that the embedding cache may hold on disk'),
} as const;

/** Option `--bands`, which says both what SAM sees of a raster and what indices call red and green. */
const bands = z
  .string()
  .regex(/^[^,]+(,[^,]+,[^,]+)?$/, 'expected three bands, or one, such as 1,2,3 or red,green,blue')
  .optional()
  .describe(
    'bands of a raster that become red, green and blue: numbers from 1 or names (the first three if not given)',
  );

/** Options that say which data set is read, and what of it. */
export const sourceOptions = {
  data: z
    .string()
    .describe(
      'the data set: a folder SRC/<split>/{images,masks}, Parquet files, COCO JSON, a CSV or JSONL file, hf:owner/name on the Hugging Face Hub, or sample:rivers',
    ),
  imageColumn: z.string().min(1).default('image').describe('column of the images, in Parquet files'),
  labelColumn: z.string().min(1).default('label').describe('column of the masks, in Parquet files'),
  images: z.string().optional().describe("folder of a COCO file's images (the usual places if not given)"),
  categories: z.string().optional().describe('categories of a COCO file, names or ids with commas (all if not given)'),
  crowd: z.boolean().default(false).describe('take annotations of crowds in COCO files too'),
  instances: z.boolean().default(false).describe('each value or colour of a mask but black is a sample of its own'),
  class: z
    .string()
    .regex(/^(-?\d+(\.\d+)?|#[0-9a-fA-F]{6})$/, 'expected a value such as 3, or a colour such as #ff8000')
    .optional()
    .describe('only this value (or colour #rrggbb) of a mask is inside (any but black if not given)'),
  bands,
} as const;

export const dataOptions = {
  ...sourceOptions,
  trainSplit: z.string().default('train').describe('name of the training split'),
  validationSplit: z.string().default('validation').describe('name of the validation split'),
  validationFraction: z
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe('cut this share (0 to 1) of the training split off for validation'),
  groupBy: z
    .string()
    .optional()
    .describe(
      'regular expression on the file name; what its first group matches stays together when a fraction is cut off',
    ),
  limit: count.min(1).optional().describe('take the first N samples of each split (all if not given)'),
  skipBad: z.boolean().default(false).describe('go on without images or masks that are missing, broken or do not fit'),
  onEmpty: z.enum(['skip', 'fail']).default('fail').describe('what to do with a mask without a single pixel'),
} as const;

/** Type of a band: its number, from 1 on, or the name that the raster gives it. */
const band = z.union([
  count.min(1),
  z.string().regex(/^(\d+|[a-z][\w.-]*)$/i, 'expected the number or name of a band'),
]);

/** Makes the type of a range `a-b`, both at most `most`; with `wraps` a may be above b. `what` is the error. */
const range = (most: number, wraps: boolean, what: string) =>
  z.string().refine((text) => {
    const [from, to] = /^\d+(\.\d+)?-\d+(\.\d+)?$/.test(text) ? text.split('-').map(Number) : [];
    return from !== undefined && to !== undefined && from <= most && to <= most && (wraps || from <= to);
  }, what);

/** Options of rough masks, which prompts come from at inference, and in training if asked (docs/prompts.md). */
export const roughOptions = {
  promptSource: z
    .enum(['ground-truth', 'rough', 'mixed'])
    .optional()
    .describe(
      'what prompts are drawn from: labels, rough masks, or either by chance (ground-truth; rough where `roughMask` is given)',
    ),
  roughMask: z
    .enum(['hsv', 'ndwi', 'mndwi', 'ndvi', 'file'])
    .optional()
    .describe('what makes the rough mask: colour, a spectral index, or files in `roughMasks`'),
  roughMasks: z.string().min(1).optional().describe("folder of rough masks, one of each image's name"),
  hue: range(360, true, 'expected two hues such as 190-250, or 340-20 past 360')
    .optional()
    .describe('hues of the rough mask, degrees 0 to 360, a-b; a above b wraps'),
  saturation: range(1, false, 'expected a-b between 0 and 1, such as 0.2-1')
    .optional()
    .describe('saturations of the rough mask, 0 to 1, a-b'),
  value: range(1, false, 'expected a-b between 0 and 1, such as 0.1-0.8')
    .optional()
    .describe('values (brightness) of the rough mask, 0 to 1, a-b'),
  threshold: z
    .union([z.number(), z.literal('otsu')], 'expected a number, or otsu')
    .default('otsu')
    .describe("the rough mask is where the index is above this: a number of -1 to 1, or otsu for each image's own"),
  bands,
  nir: band.optional().describe("the raster's near infrared band, a number or name (the band named nir if not given)"),
  swir: band.optional().describe("the raster's short-wave infrared band (the band named swir if not given)"),
  minArea: count.min(0).default(50).describe('drop pieces of the rough mask below so many pixels of the image'),
  fillHoles: z.boolean().default(false).describe('fill the holes of the rough mask'),
  largest: z.boolean().default(false).describe('keep only the largest piece of the rough mask'),
  maskPrompt: z
    .boolean()
    .default(false)
    .describe('the rough mask is a prompt itself, beside points and box (not with `promptSource` mixed)'),
  erosion: count
    .min(0)
    .max(10_000)
    .optional()
    .describe("keep points so many pixels of the image away from the rough mask's edge (by its area if not given)"),
} as const;

/** Kinds of prompts, the least to draw first. */
export const PROMPT_KINDS = ['points', 'box', 'points+box'] as const;

/** Most points of a prompt inside and as many outside: each is a token of the decoder's, or of separate points a prompt. */
export const MOST_POINTS = 1000;

export const promptOptions = {
  prompt: z.enum(PROMPT_KINDS).default('points').describe('kind of prompt drawn from the label'),
  numPositive: count.min(0).max(MOST_POINTS).default(3).describe('points inside the mask'),
  numNegative: count.min(0).max(MOST_POINTS).default(0).describe('points outside the mask'),
  erode: z.boolean().default(true).describe("keep points away from the mask's edge"),
  dynamicDistance: z.boolean().default(true).describe("keep points apart, by the mask's area"),
  perturbation: z.number().min(0).default(10).describe('most that a box side moves, in pixels of the low-res mask'),
  pointSets: z
    .enum(['joint', 'separate'])
    .default('joint')
    .describe('all points as one prompt, or each point a prompt of its own'),
  multiMask: z.enum(['best', 'mean']).default('best').describe('how the masks of separate points become one'),
  maskOutput: z.enum(['multi', 'single']).default('multi').describe('three masks to choose from, or one'),
  missingPoints: z
    .enum(['masked', 'token'])
    .default('masked')
    .describe(
      "points that find no room are left out, or become a padding token that attention sees (the article's way)",
    ),
  imageSize: count.min(16).max(4096).optional().describe('first resize the picture to N x N pixels'),
  maskSize: count
    .min(16)
    .max(1024)
    .default(LOW_RES_SIDE)
    .describe('side of the grid on which the loss is computed, pixels'),
  seed: count.min(0).default(42).describe('makes a run repeatable'),
  ...roughOptions,
} as const;

export const optimiserOptions = {
  loss: lossSum.default('dice:1+bce:1+iou:5').describe(`a weighted sum of ${LOSS_NAMES} (the article's)`),
  epochs: count.min(1).default(50).describe('passes over the training split'),
  batchSize: count.min(1).default(4).describe('images in a batch'),
  lr: z.number().gt(0).default(2e-5).describe('learning rate of AdamW'),
  weightDecay: z.number().min(0).default(2e-4).describe('weight decay of AdamW'),
  schedule: z
    .enum(['constant', 'linear', 'cosine', 'polynomial', 'step'])
    .default('constant')
    .describe('how the rate goes on after the warm-up'),
  warmupSteps: count.min(0).default(10).describe('steps from a tenth of the rate to the whole of it'),
  clipGradNorm: z
    .number()
    .gt(0)
    .optional()
    .describe('clip the norm of all gradients to this (not clipped if not given)'),
  augment: z
    .enum(['flips', 'dihedral'])
    .optional()
    .describe(
      'train on flipped (flips: 4 views) or also turned pictures (dihedral: 8), each view encoded once (none if not given)',
    ),
  accumulate: count.min(1).default(1).describe('batches to one optimisation step'),
  earlyStop: count
    .min(1)
    .optional()
    .describe('stop after N epochs without a better validation loss (never if not given)'),
} as const;

export const runOptions = {
  out: z.string().optional().describe('the run folder (runs/<date>-<model> if not given)'),
  resume: z
    .string()
    .optional()
    .meta({ bare: true, description: 'go on with the run in this folder (or, without a folder, in `out`)' }),
  overwrite: z.boolean().default(false).describe('replace the run that `out` holds'),
  saveEvery: z.number().gt(0).default(300).describe('seconds between saves within an epoch'),
  mirror: z.string().optional().describe('copy each checkpoint to this folder too'),
  report: z
    .boolean()
    .default(true)
    .describe('write report.html into the run folder: curves, scores before and after, pictures'),
} as const;

/**
 * Presets: values of other options under one name, before which goes what the user says. `article` is the article's code as it ran
 * (docs/training.md).
 */
export const PRESETS = {
  article: {
    imageSize: 256,
    maskSize: 256,
    numPositive: 3,
    numNegative: 0,
    erode: true,
    dynamicDistance: true,
    perturbation: 10,
    pointSets: 'separate',
    multiMask: 'mean',
    maskOutput: 'single',
    missingPoints: 'token',
    loss: 'row-dice-ce',
    epochs: 50,
    batchSize: 5,
    lr: 7e-6,
    weightDecay: 2e-4,
    schedule: 'constant',
    warmupSteps: 10,
  },
} as const satisfies Record<string, Partial<TrainOptions>>;

export const presetOption = z
  .enum(['article'])
  .optional()
  .describe("values for other options that are not given: article, for the recipe of the article's code as it ran");

export const trainOptionsSchema = z.strictObject({
  preset: presetOption,
  ...dataOptions,
  ...modelOptions,
  ...promptOptions,
  ...optimiserOptions,
  ...runOptions,
});

/** What was given, with the values of its preset where nothing was. */
export function withPreset<Given extends { preset?: TrainOptions['preset'] }>(given: Given): Given {
  const { preset } = requireOptions(given);
  return preset === undefined || !(preset in PRESETS) ? given : { ...PRESETS[preset], ...given };
}
/** Everything resolved. */
export type ResolvedTrainOptions = z.output<typeof trainOptionsSchema>;

/** Parses `dice:1+bce:0.5` into weights; terms left out weigh 0. */
export function parseLoss(text: string): Required<LossWeights> {
  const weights = Object.fromEntries(LOSS_TERMS.map((term) => [camel(term), 0])) as Required<LossWeights>;
  for (const term of text.split('+')) {
    const [name, weight] = term.split(':');
    weights[camel(name!) as keyof LossWeights] += weight === undefined ? 1 : Number(weight);
  }
  return weights;
}
