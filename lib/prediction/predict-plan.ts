/** Plan of a prediction, made before anything slow begins: which images, and from which prompts. */
import { join, resolve } from 'node:path';
import { SamError } from '../core/errors.js';
import { requireWritable } from '../core/files.js';
import { Problems } from '../core/problems.js';
import { validationRandom } from '../core/random.js';
import { type ImageSize, imageSize } from '../data/decode.js';
import { MaskFolder } from '../data/mask-folder.js';
import type { Sample } from '../data/sample.js';
import { isBadImage } from '../embeddings/encode.js';
import { type ResolvedPromptOptions, toPromptSettings } from '../models/prompt-options.js';
import type { Prompt } from '../prompts/prompt.js';
import { drawRoughPrompt, emptyRoughMask, type RoughGrid, RoughMasks } from '../prompts/rough/rough-masks.js';
import { masksOfFolder, promptOrigin, type RoughMaskSettings, toRoughMaskSettings } from '../prompts/rough/settings.js';
import { openMaskWindows } from './mask-windows.js';
import type { Predicting } from './predict-options.js';
import { planRaster, type RasterJob } from './predict-raster.js';
import { openRoughWindows } from './rough-windows.js';
import { checkPrompt } from './user-prompt.js';

/**
 * Source of a prompt. `given`: by the caller; `masks`: from a mask of the folder `masks`; `rough`: from a rough mask; `grid`: found by
 * the model itself.
 */
export type PromptSource = 'given' | 'masks' | 'rough' | 'grid';

export interface Job {
  readonly sample: Sample;
  readonly size: { readonly width: number; readonly height: number };
  /** What the header says of a picture that is no raster to predict in tiles. */
  readonly header?: ImageSize;
  readonly outputs: { readonly mask: string; readonly logits: string; readonly polygons: string };
  readonly source: PromptSource;
  /** Raster to predict in tiles, each with a prompt of its own. */
  readonly raster?: RasterJob;
  /** Path of the mask that the prompts of a raster's tiles are drawn from; instead `roughMask`, where it has to be made. */
  readonly maskPath?: string;
  readonly roughMask?: RoughMaskSettings;
  /** Prompts, one for each attempt, where they do not depend on the model. */
  readonly prompts?: readonly Prompt[];
}

/**
 * Number of erosions tried: attempts after the first keep points 0 to 9 pixels of the decoder's grid away from the edge, in turn.
 */
const EROSIONS = 10;

/**
 * Plans the prediction of all images. Finds everything that can be wrong with the call or the files, and tells it in one error.
 *
 * @param masks as {@link masksFor} makes them.
 */
export async function planJobs(
  options: Predicting,
  prompts: ResolvedPromptOptions,
  masks: RoughMasks | undefined,
): Promise<Job[]> {
  const jobs: Job[] = [];
  const problems = new Problems(options);
  for (const sample of options.images) {
    options.signal?.throwIfAborted();
    try {
      const job = await planOne(sample, { masks, problems, prompts }, options);
      if (job !== undefined) jobs.push(job);
    } catch (error) {
      if (!isBadImage(error)) throw error;
      problems.add(error.message);
    }
  }
  problems.settle(options);
  if (jobs.length === 0) throw new SamError('SAM_BAD_DATA', 'no image is left to predict');
  await requireWritable(jobs[0]!.outputs.mask, '`out`');
  return jobs;
}

/** Returns the masks that prompts are drawn from; undefined if they are given or found. */
export function masksFor(options: Predicting, prompts: ResolvedPromptOptions): RoughMasks | undefined {
  if (options.prompt !== undefined) return undefined;
  const { maskSize, imageSize: side } = prompts;
  const grid = { maskSize, imageSize: side, distances: (options.attempts ?? 1) > 1 };
  if (options.masks !== undefined) return new RoughMasks(masksOfFolder(options.masks), grid);
  const settings = promptOrigin(prompts) === 'ground-truth' ? undefined : toRoughMaskSettings(prompts);
  return settings === undefined ? undefined : new RoughMasks(settings, grid);
}

/** Plans the prediction of one image. Returns undefined if its rough mask is empty, which is noted among the problems. */
async function planOne(
  sample: Sample,
  { masks, problems, prompts }: { masks: RoughMasks | undefined; problems: Problems; prompts: ResolvedPromptOptions },
  options: Predicting,
): Promise<Job | undefined> {
  const raster = await planRaster(sample, options.tile);
  const header = raster === undefined ? await imageSize(sample) : undefined;
  const { width, height } = raster ?? header!;
  const outputs = {
    mask: join(options.out, `${sample.name}.${raster === undefined ? 'png' : 'tif'}`),
    logits: join(options.out, `${sample.name}.safetensors`),
    polygons: join(options.out, `${sample.name}.geojson`),
  };
  if (resolve(outputs.mask) === resolve(sample.image.path)) {
    throw new SamError('SAM_BAD_ARGUMENT', `the mask of ${sample.image.path} would replace the image`, {
      fix: 'name another folder with `out`',
    });
  }
  const job = {
    sample,
    size: { width, height },
    outputs,
    ...(header !== undefined && { header }),
    ...(raster !== undefined && { raster }),
  };
  const tiled = raster !== undefined && raster.plan.columns.length * raster.plan.rows.length > 1;
  if (tiled) checkTiled(raster, options, masks);
  if (options.prompt !== undefined) {
    const given = checkPrompt(options.prompt, width, height, sample.image.path);
    return { ...job, source: 'given', prompts: [given] };
  }
  if (masks === undefined) return { ...job, source: 'grid' };
  if (raster !== undefined && (tiled || options.masks !== undefined)) {
    return { ...job, source: options.masks === undefined ? 'rough' : 'masks', ...(await maskOfTiles(raster, masks)) };
  }
  const grid = await masks.get(sample, options.signal);
  if (grid.emptiness !== null) {
    const empty = emptyRoughMask(sample, grid.emptiness, masks.settings);
    problems.add(empty.message, empty);
    return undefined;
  }
  const drawn = drawAttempts(grid, sample, prompts, options.attempts ?? 1, masks.settings.erosion);
  return { ...job, source: options.masks === undefined ? 'rough' : 'masks', prompts: drawn };
}

/** Refuses, for a raster of several tiles, options that make sense for a single one only. */
function checkTiled({ sample, plan }: RasterJob, options: Predicting, masks: RoughMasks | undefined): void {
  const where = `${sample.image.path} is predicted in ${plan.columns.length * plan.rows.length} tiles`;
  if (options.prompt === undefined && masks === undefined) {
    throw new SamError('SAM_BAD_OPTION', `${where}: nothing says what to look for in each of them`, {
      fix: 'give `masks` DIR, `roughMask` or `point` (or `tile` 0, for a picture that makes sense as a whole)',
    });
  }
  for (const [name, asked] of [
    ['`saveLogits`', options.saveLogits === true],
    ['`attempts`', (options.attempts ?? 1) > 1],
    ['`refine`', (options.refine ?? 0) > 0],
  ] as const) {
    if (!asked) continue;
    throw new SamError('SAM_BAD_OPTION', `${name} is for whole images: ${where}`, {
      fix: 'leave it out, or take one tile with `tile` 0',
    });
  }
}

/**
 * Finds the mask that prompts of tiles are drawn from, and opens it once, so that what is wrong is said before anything slow
 * begins.
 */
async function maskOfTiles(raster: RasterJob, masks: RoughMasks): Promise<Pick<Job, 'maskPath' | 'roughMask'>> {
  const { settings } = masks;
  if (settings.method.kind !== 'file') {
    await (await openRoughWindows(raster, settings)).close();
    return { roughMask: settings };
  }
  const { folder, option } = settings.method;
  const maskPath = (await MaskFolder.open(folder, option)).maskOf(raster.sample.name);
  await (await openMaskWindows(maskPath, raster.sample, raster)).close();
  return { maskPath };
}

/** Draws the prompts of all attempts: that of `train`'s own validation first, then others, by other erosions. */
export function drawAttempts(
  grid: RoughGrid,
  sample: Sample,
  prompts: ResolvedPromptOptions,
  attempts: number,
  erosion?: number | undefined,
): Prompt[] {
  const settings = toPromptSettings(prompts);
  const { imageWidth, validWidth } = grid.mask;
  return Array.from({ length: attempts }, (_, attempt) => {
    const tried = attempt === 0 ? erosion : Math.round((((attempt - 1) % EROSIONS) * imageWidth) / validWidth);
    return drawRoughPrompt(grid, settings, validationRandom(prompts.seed, sample.name, attempt), tried);
  });
}
