/** Masks for many images: embeddings from the store, prompts given or found, PNG files out. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Precision } from '../../binding.js';
import { decodeMask, type ImageSize, imageSize } from '../data/decode.js';
import { listImages, stemOf } from '../data/folder.js';
import { maskArea, toLowRes } from '../data/low-res.js';
import { type Sample, withBands } from '../data/sample.js';
import { writeMaskPng } from '../data/writer.js';
import { resolveDevice } from '../device.js';
import { SamError } from '../errors.js';
import { native, nativeCall } from '../native.js';
import { drawPrompt } from '../prompts/draw.js';
import type { LowResMask, Prompt } from '../prompts/prompt.js';
import { randomFor } from '../prompts/random.js';
import { datumIsKnown, toLonLat } from '../raster/georeference.js';
import { type MaskWindows, openMaskWindows } from '../raster/mask-windows.js';
import { writePolygons } from '../raster/polygons.js';
import { defaultCacheDir } from '../setup/cache-dir.js';
import { VALIDATION_EPOCH } from '../training/batches.js';
import { findRoughMask } from './auto-prompt.js';
import { EmbeddingStore, type EnsureProgress } from './embedding-store.js';
import { isBadImage } from './encode.js';
import { planRaster, predictRaster, type RasterJob, type TileCounts } from './predict-raster.js';
import { type PromptOptions, promptOptionsFor, toPromptSettings, trainedBands } from './prompt-options.js';
import { resolveModel } from './resolve.js';
import { ImageEmbedding, type Prediction, SamModel } from './sam-model.js';
import { givenForTile, type PromptForTile, roughForTile } from './tile-prompts.js';
import { checkPrompt, type UserPrompt } from './user-prompt.js';
import type { WorkOptions } from './work-options.js';

/** given: by the caller; masks: drawn from a mask of the folder `masks`; grid: found by the model itself. */
export type PromptSource = 'given' | 'masks' | 'grid';

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
  /** Settings about prompts; the rest is as the model was trained. */
  prompts?: Partial<PromptOptions>;
  /** Writes the 256 x 256 logits too, `<name>.safetensors` each. */
  saveLogits?: boolean;
  onProgress?: ((progress: PredictProgress) => void) | undefined;
}

export type PredictProgress =
  | ({ stage: 'encode' } & EnsureProgress)
  | { stage: 'predict'; done: number; total: number }
  | { stage: 'tiles'; name: string; done: number; total: number };

export interface PredictOutput {
  /** Paths of the image, the mask and, where asked for, the logits. */
  image: string;
  mask: string;
  logits?: string;
  /** Path of the GeoJSON file, where asked for. */
  polygons?: string;
  width: number;
  height: number;
  /** Predicted IoU. */
  score: number;
  /** The prompt, in pixels of the image. */
  points: Prompt['points'];
  labels: Prompt['labels'];
  box: Prompt['box'];
  promptSource: PromptSource;
  /** Of a raster predicted in tiles: how many there were. */
  tiles?: TileCounts;
}

export interface PredictImagesResult {
  outputs: PredictOutput[];
  model: { name: string; weightsHash: string; encoderHash: string; checkpointHash: string | null };
  device: string;
  precision: Precision;
  /** Names of the images left out. */
  skipped: string[];
}

interface Job {
  sample: Sample;
  size: ImageSize;
  outputs: { mask: string; logits: string; polygons: string };
  source: PromptSource;
  /** Where it does not depend on the model. */
  prompt?: Prompt;
  /** Of a raster with `masks`: the mask that its tiles' prompts are drawn from. */
  maskPath?: string;
  /** Predicted in tiles, with prompts of their own. */
  raster?: RasterJob;
}

/**
 * @throws SamError `SAM_BAD_ARGUMENT` (a prompt outside a picture), `SAM_BAD_DATA` (pictures or masks that cannot be read),
 * before any mask is written.
 */
export async function predictImages(options: PredictImagesOptions): Promise<PredictImagesResult> {
  const { signal, onProgress, onWarning, skipBad } = options;
  const compute = resolveDevice(options.device ?? 'auto', options.precision ?? 'auto', { onNote: options.onStep });
  const cacheDir = options.cacheDir ?? defaultCacheDir();
  const info = await resolveModel(options.model, {
    cacheDir,
    encoder: options.encoder,
    signal,
    onStep: options.onStep,
  });
  const prompts = promptOptionsFor(options.prompts ?? {}, info);
  const images = withBands(options.images, options.bands ?? trainedBands(info));
  const jobs = await plan({ ...options, images }, prompts);
  const store = await EmbeddingStore.open({
    ...compute,
    encoder: info,
    cacheDir,
    cache: options.cache ?? true,
    cacheMax: options.cacheMax,
    imageSize: prompts.imageSize,
    threads: options.threads,
  });
  try {
    const { skipped } = await store.ensure(
      jobs.filter(({ raster }) => raster === undefined).map(({ sample }) => sample),
      { signal, skipBad, onWarning, onProgress: (progress) => onProgress?.({ stage: 'encode', ...progress }) },
    );
    const usable = jobs.filter(({ sample }) => !skipped.includes(sample));
    const model = await SamModel.fromResolved(info, compute, signal);
    const outputs: PredictOutput[] = [];
    try {
      for (const job of usable) {
        signal?.throwIfAborted();
        const predictOne = job.raster === undefined ? predictJob : predictTiles;
        outputs.push(await predictOne(job, { store, model, prompts, options }));
        onProgress?.({ stage: 'predict', done: outputs.length, total: usable.length });
      }
    } finally {
      model.dispose();
    }
    const { name, weightsHash, encoderHash, checkpoint } = info;
    return {
      outputs,
      model: { name, weightsHash, encoderHash, checkpointHash: checkpoint?.hash ?? null },
      device: compute.device,
      precision: compute.precision,
      skipped: images.filter((sample) => !usable.some((job) => job.sample === sample)).map(({ name }) => name),
    };
  } finally {
    await store.dispose();
  }
}

/** Everything that can be wrong with the call or the files is found here, all of it in one error. */
async function plan(options: PredictImagesOptions, prompts: PromptOptions): Promise<Job[]> {
  const masks = options.masks === undefined ? undefined : await masksByName(options.masks);
  const jobs: Job[] = [];
  const problems: string[] = [];
  for (const sample of options.images) {
    options.signal?.throwIfAborted();
    try {
      jobs.push(await planOne(sample, masks, options, prompts));
    } catch (error) {
      if (!isBadImage(error)) throw error;
      if (options.skipBad) options.onWarning?.(`skipping ${sample.name}: ${error.message}`);
      else problems.push(error.message);
    }
  }
  if (problems.length > 0) {
    throw new SamError('SAM_BAD_DATA', problems.join('; '), { fix: 'mend them, or go on without them: --skip-bad' });
  }
  if (jobs.length === 0) throw new SamError('SAM_BAD_DATA', 'no image is left to predict');
  return jobs;
}

async function planOne(
  sample: Sample,
  masks: ReadonlyMap<string, string> | undefined,
  options: PredictImagesOptions,
  prompts: PromptOptions,
): Promise<Job> {
  const raster = await planRaster(sample, options.tile);
  const size = raster ?? (await imageSize(sample));
  const outputs = {
    mask: join(options.out, `${sample.name}.${raster === undefined ? 'png' : 'tif'}`),
    logits: join(options.out, `${sample.name}.safetensors`),
    polygons: join(options.out, `${sample.name}.geojson`),
  };
  if (resolve(outputs.mask) === resolve(sample.image.path)) {
    throw new SamError('SAM_BAD_ARGUMENT', `the mask of ${sample.image.path} would replace the image`, {
      fix: 'name another folder with --out',
    });
  }
  const { width, height } = size;
  const job = { sample, size: { width, height }, outputs, ...(raster === undefined ? {} : { raster }) };
  if (raster !== undefined) requireOneTile(raster, options);
  if (options.prompt !== undefined) {
    return { ...job, source: 'given', prompt: checkPrompt(options.prompt, width, height, sample.image.path) };
  }
  if (masks === undefined) return { ...job, source: 'grid' };
  const path = masks.get(sample.name);
  if (path === undefined) throw new SamError('SAM_BAD_DATA', `no mask for ${sample.name} in ${options.masks}`);
  if (raster !== undefined) {
    await (await openMaskWindows(path, sample, size)).close();
    return { ...job, source: 'masks', maskPath: path };
  }
  const rough = toLowRes(await decodeMask({ ...sample, mask: { path } }, size), prompts.maskSize, prompts.imageSize);
  if (maskArea(rough) === 0)
    throw new SamError('SAM_BAD_DATA', `${path}: the mask is empty, so there is no prompt in it`);
  return { ...job, source: 'masks', prompt: promptFrom(rough, sample, prompts) };
}

/** What makes sense for a single tile alone. */
function requireOneTile({ sample, plan }: RasterJob, options: PredictImagesOptions): void {
  const tiles = plan.columns.length * plan.rows.length;
  if (tiles === 1) return;
  const where = `${sample.image.path} is predicted in ${tiles} tiles`;
  if (options.prompt === undefined && options.masks === undefined) {
    throw new SamError('SAM_BAD_OPTION', `${where}: nothing says what to look for in each of them`, {
      fix: 'give --masks DIR, --rough-mask or --point (or --tile 0, for a picture that makes sense as a whole)',
    });
  }
  if (options.saveLogits) {
    throw new SamError('SAM_BAD_OPTION', `--save-logits: ${where}, each with logits of its own`, {
      fix: 'leave it out, or take one tile with --tile 0',
    });
  }
}

async function masksByName(folder: string): Promise<Map<string, string>> {
  if (!existsSync(folder)) {
    throw new SamError('SAM_NOT_FOUND', `--masks: no such folder: ${folder}`, { fix: 'check the path' });
  }
  return new Map((await listImages(folder)).map(({ relative, path }) => [stemOf(relative), path]));
}

function promptFrom(rough: LowResMask, sample: Sample, prompts: PromptOptions): Prompt {
  return drawPrompt(rough, toPromptSettings(prompts), randomFor(prompts.seed, VALIDATION_EPOCH, sample.name, 0));
}

interface Context {
  store: EmbeddingStore;
  model: SamModel;
  prompts: PromptOptions;
  options: PredictImagesOptions;
}

async function predictJob(job: Job, { store, model, prompts, options }: Context): Promise<PredictOutput> {
  const { sample, size, outputs } = job;
  const { signal, onWarning } = options;
  const embeddings = await store.read([sample], { signal, onWarning });
  try {
    const embedding = new ImageEmbedding(embeddings, size.width, size.height, prompts.imageSize);
    const prompt = job.prompt ?? (await findPrompt(model, embedding, sample, prompts, signal));
    // The user's own points are all that there are; those drawn are as in training.
    const padTo = job.source === 'given' ? 0 : toPromptSettings(prompts).padTo;
    const { maskOutput, multiMask, pointSets } = prompts;
    const predicted =
      prompt === undefined
        ? nothing(size)
        : await model.predict(embedding, { ...prompt, maskOutput, multiMask, pointSets, padTo });
    if (prompt === undefined) onWarning?.(`${sample.image.path}: the model found nothing; its mask is empty`);
    await writeMaskPng(outputs.mask, predicted.mask, size.width, size.height);
    const written = { ...(options.saveLogits ? { logits: outputs.logits } : {}), ...polygonsOf(job, options) };
    await withPolygons(job, options, async (take) => take?.(predicted.mask));
    if (options.saveLogits) await saveLogits(outputs.logits, predicted.lowResLogits);
    const { points, labels, box } = prompt ?? { points: [], labels: [], box: null };
    const files = { image: sample.image.path, mask: outputs.mask, ...written };
    return { ...files, ...size, score: predicted.score, points, labels, box, promptSource: job.source };
  } finally {
    embeddings.dispose();
  }
}

async function predictTiles(job: Job, { model, prompts, options }: Context): Promise<PredictOutput> {
  const { sample, size, outputs, source } = job;
  const { signal, onProgress, onWarning } = options;
  const masks = job.maskPath === undefined ? undefined : await openMaskWindows(job.maskPath, sample, size);
  try {
    const context = {
      model,
      prompts,
      promptForTile: promptForTile(job, masks, prompts),
      given: source === 'given',
      find: (embedding: ImageEmbedding) => findPrompt(model, embedding, sample, prompts, signal),
      onTile: (done: number, total: number) => onProgress?.({ stage: 'tiles', name: sample.name, done, total }),
      signal,
    };
    const found = await withPolygons(job, options, (onRows) =>
      predictRaster(job.raster!, outputs.mask, { ...context, onRows }),
    );
    const { tiles, score, prediction } = found;
    if (tiles.asked + tiles.inside === 0) onWarning?.(`${sample.image.path}: no tile has a prompt; its mask is empty`);
    const logits = prediction !== undefined && options.saveLogits ? { logits: outputs.logits } : {};
    if (prediction !== undefined && options.saveLogits) await saveLogits(outputs.logits, prediction.lowResLogits);
    const written = { ...logits, ...polygonsOf(job, options) };
    const { points, labels, box } = job.prompt ?? found.prompt ?? { points: [], labels: [], box: null };
    const files = { image: sample.image.path, mask: outputs.mask, ...written };
    return { ...files, ...size, score, points, labels, box, promptSource: source, tiles };
  } finally {
    await masks?.close();
  }
}

function polygonsOf({ outputs }: Job, { polygons }: PredictImagesOptions): { polygons?: string } {
  return polygons ? { polygons: outputs.polygons } : {};
}

/** Runs `work`, which hands over the rows of the mask, and writes their polygons where asked for. */
async function withPolygons<T>(
  { sample, size, outputs, raster }: Job,
  { polygons, simplify, onWarning }: PredictImagesOptions,
  work: (take: ((rows: Uint8Array) => Promise<void>) | undefined) => Promise<T>,
): Promise<T> {
  if (!polygons) return work(undefined);
  const place = raster?.georeference === undefined ? undefined : toLonLat(raster.georeference);
  if (place === undefined) {
    const why =
      raster?.georeference === undefined ? 'has no georeference' : 'has a coordinate system that is not known';
    onWarning?.(`${sample.image.path} ${why}: its polygons are in pixels, not in longitude and latitude`);
  }
  if (raster?.georeference !== undefined && place !== undefined && !datumIsKnown(raster.georeference)) {
    onWarning?.(`${sample.image.path} has an older datum: without its shift to WGS 84, polygons may be some 100 m off`);
  }
  return writePolygons(outputs.polygons, { width: size.width, toLonLat: place, tolerance: simplify }, work);
}

/** Another source of prompts for tiles joins here. */
function promptForTile(job: Job, masks: MaskWindows | undefined, prompts: PromptOptions): PromptForTile {
  if (job.prompt !== undefined) return givenForTile(job.prompt);
  if (masks !== undefined) return roughForTile((window) => masks.read(window), job.sample.name, prompts);
  return async () => 'find';
}

async function findPrompt(
  model: SamModel,
  embedding: ImageEmbedding,
  sample: Sample,
  prompts: PromptOptions,
  signal: AbortSignal | undefined,
): Promise<Prompt | undefined> {
  const rough = await findRoughMask(model, embedding, { maskOutput: prompts.maskOutput, signal });
  return rough === undefined ? undefined : promptFrom(rough, sample, prompts);
}

/** What is said of a picture in which no point of the grid found anything. */
function nothing({ width, height }: ImageSize): Prediction {
  const lowResLogits = new Float32Array(256 * 256).fill(-1);
  return { mask: new Uint8Array(width * height), width, height, score: 0, lowResLogits };
}

async function saveLogits(path: string, values: Float32Array): Promise<void> {
  await nativeCall(() => native().saveTensors({ path, names: ['low_res_logits'], shape: [256, 256], values }));
}
