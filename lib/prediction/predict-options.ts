/** What `predictImages` is asked for, and how it tells of its progress. */
import type { Sample } from '../data/sample.js';
import type { EnsureProgress } from '../embeddings/embedding-store.js';
import type { WorkOptions } from '../embeddings/work-options.js';
import type { PromptOptions } from '../models/prompt-options.js';
import type { UserPrompt } from './user-prompt.js';

export interface PredictImagesOptions extends WorkOptions {
  model: string;
  images: readonly Sample[];
  /** Folder for the masks, `<name>.png` each. */
  out: string;
  /** One prompt for all images. Without it, and without `masks`, prompts are found. */
  prompt?: UserPrompt | undefined;
  /** Folder of rough or exact masks, one of each image's name: prompts of the model's own kind are drawn from them. */
  masks?: string | undefined;
  /** Bands of rasters, as `--bands` has them. Default: those that the model was trained with. */
  bands?: string | undefined;
  /** Side of the tiles of a raster, pixels; 0: no tiles. Default: 1024, for TIFFs with a georeference or above 2048 pixels. */
  tile?: number | undefined;
  /** Writes the objects of each mask too, as GeoJSON, `<name>.geojson` each. */
  polygons?: boolean;
  /** Most that a polygon's outline may move to have fewer corners, pixels. Default: 0, every corner stays. */
  simplify?: number | undefined;
  /** Settings about prompts, rough masks included; the rest is as the model was trained. */
  prompts?: Partial<PromptOptions>;
  /** Images whose rough mask is empty: fail, or leave them out. Default: fail. */
  onEmpty?: 'skip' | 'fail';
  /** Draws so many prompts from the mask and keeps the result of the highest predicted IoU. Default 1. */
  attempts?: number;
  /** Feeds the mask back so many times, as a prompt beside the other. Default 0. */
  refine?: number;
  /** Writes the 256 x 256 logits too, `<name>.safetensors` each. */
  saveLogits?: boolean;
  onProgress?: ((progress: PredictProgress) => void) | undefined;
}

export type PredictProgress =
  | ({ stage: 'encode' } & EnsureProgress)
  | { stage: 'predict'; done: number; total: number }
  | { stage: 'tiles'; name: string; done: number; total: number };
