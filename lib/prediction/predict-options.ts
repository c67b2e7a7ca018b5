/** Options of `predict`, which say what to look for in which images, and its progress. */
import { z } from 'zod';
import type { Sample } from '../data/sample.js';
import type { EnsureProgress } from '../embeddings/embedding-store.js';
import type { WorkOptions } from '../embeddings/work-options.js';
import { dataOptions, modelOptions, promptOptions } from '../options.js';
import type { UserPrompt } from './user-prompt.js';

export type { PredictImagesOptions } from '../option-types.js';

const count = z.number().int();
const point = z.tuple([z.number(), z.number()]).readonly();
const box = z.tuple([z.number(), z.number(), z.number(), z.number()]).readonly();

/** What a run knows already of its prompts: given here, it is asked in another way than it was trained. */
const asTrained = {
  promptSource: promptOptions.promptSource.describe(
    'what the prompt comes from where none is given: rough masks, or (ground-truth) it is found (as trained if not given)',
  ),
  prompt: known(promptOptions.prompt, 'kind of prompt that is drawn from a mask'),
  numPositive: known(promptOptions.numPositive, 'points inside the mask that are drawn'),
  numNegative: known(promptOptions.numNegative, 'points outside the mask that are drawn'),
  pointSets: known(promptOptions.pointSets, 'all points as one prompt, or each point a prompt of its own'),
  multiMask: known(promptOptions.multiMask, 'how the masks of separate points become one'),
  maskOutput: known(promptOptions.maskOutput, 'three masks to choose from, or one'),
  missingPoints: known(
    promptOptions.missingPoints,
    'drawn points that find no room are left out, or become a padding token that attention sees',
  ),
  maskSize: known(promptOptions.maskSize, 'side of the grid on which points are drawn, pixels'),
} as const;

/** Returns an option that a run has a value of, described for a prediction. */
function known<Schema extends z.ZodType>(schema: Schema, description: string): Schema {
  return schema.meta({ description, shownDefault: 'as trained' });
}

export const predictImagesOptionsSchema = z.strictObject({
  images: z.array(z.string()).readonly().describe('images, or folders of images'),
  points: z
    .array(point)
    .readonly()
    .optional()
    .describe('one prompt for all images: x, y of each point, pixels of the image'),
  labels: z
    .array(z.literal([0, 1]))
    .readonly()
    .optional()
    .describe('1 inside, 0 outside what is meant; one for each point (all 1 if not given)'),
  box: box.optional().describe('x0, y0, x1, y1, pixels of the image'),
  masks: z.string().optional().describe('folder of rough or exact masks, matched by name: prompts are drawn from them'),
  out: z.string().default('predictions').describe('folder for the masks, <name>.png each'),
  saveLogits: z.boolean().default(false).describe('write the 256x256 logits too, <name>.safetensors each'),
  attempts: count
    .min(1)
    .max(1000)
    .default(1)
    .describe('draw so many prompts, with other erosions, and keep the mask of the highest predicted IoU'),
  refine: count.min(0).max(100).default(0).describe('feed the mask back as a prompt so many times'),
  tile: count
    .min(0)
    .optional()
    .describe(
      'side of the tiles of a raster, pixels (1024 if not given, for GeoTIFFs and TIFFs above 2048; 0: no tiles)',
    ),
  polygons: z
    .boolean()
    .default(false)
    .describe('write the objects of each mask too, <name>.geojson each: longitude and latitude for GeoTIFFs'),
  simplify: z
    .number()
    .min(0)
    .optional()
    .describe('leave out corners of polygons within so many pixels of the outline (every corner is kept if not given)'),
  skipBad: dataOptions.skipBad,
  onEmpty: z
    .enum(['skip', 'fail'])
    .default('fail')
    .describe('what to do with an image whose rough mask has not a single pixel'),
  ...modelOptions,
  ...promptOptions,
  ...asTrained,
});

/** Options of a prediction once the images are open, with its hooks. */
export interface Predicting extends WorkOptions {
  model: string;
  images: readonly Sample[];
  /** Folder for the masks, `<name>.png` each. */
  out: string;
  /** Prompt for all images. Without it, and without `masks`, prompts are found. */
  prompt?: UserPrompt | undefined;
  /** Folder of rough or exact masks, one of each image's name, from which prompts of the model's own kind are drawn. */
  masks?: string | undefined;
  /** Bands of rasters, as `--bands` has them. Default: those that the model was trained with. */
  bands?: string | undefined;
  /** Side of the tiles of a raster, pixels; 0: no tiles. Default: 1024, for TIFFs with a georeference or above 2048 pixels. */
  tile?: number | undefined;
  /** Whether the objects of each mask are written too, as GeoJSON, `<name>.geojson` each. */
  polygons?: boolean;
  /** Most that a polygon's outline may move to have fewer corners, pixels. Default: 0, every corner stays. */
  simplify?: number | undefined;
  /** Settings about prompts, rough masks included; the rest is as the model was trained. */
  prompts?: object;
  /** Whether images whose rough mask is empty fail the call or are left out. Default: fail. */
  onEmpty?: 'skip' | 'fail';
  /** Number of prompts drawn from the mask; the result of the highest predicted IoU is kept. Default 1. */
  attempts?: number;
  /** Number of times that the mask is fed back, as a prompt beside the other. Default 0. */
  refine?: number;
  /** Whether the 256 x 256 logits are written too, `<name>.safetensors` each. */
  saveLogits?: boolean;
  onProgress?: ((progress: PredictProgress) => void) | undefined;
}

/** How far {@link predictImages} is: encoding, the images predicted, the tiles of a raster. */
export type PredictProgress =
  | ({ stage: 'encode' } & EnsureProgress)
  | {
      stage: 'predict';
      /** Number done so far. */
      done: number;
      /** Number of all of them. */
      total: number;
    }
  | {
      stage: 'tiles';
      /** Name of the raster. */
      name: string;
      /** Number done so far. */
      done: number;
      /** Number of all of them. */
      total: number;
    };
