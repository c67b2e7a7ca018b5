/** Prediction of masks for many images: embeddings from the store, prompts given or found, PNG files out. */
import type { Precision } from '../../binding.js';
import { native, nativeCall } from '../addon/native.js';
import { SamError } from '../core/errors.js';
import type { Hooks } from '../core/hooks.js';
import { writeMaskPng } from '../core/mask-png.js';
import { checkHooks, parseOptions } from '../core/parse-options.js';
import { nameAll } from '../core/words.js';
import { decodeValid } from '../data/decode.js';
import { openImages } from '../data/open-data.js';
import { type Sample, withBands } from '../data/sample.js';
import type { EmbeddingStore } from '../embeddings/embedding-store.js';
import { openWorkplace } from '../embeddings/workplace.js';
import { LOW_RES_SIDE } from '../frame.js';
import {
  promptOptionsFor,
  type ResolvedPromptOptions,
  toPromptSettings,
  trainedBands,
} from '../models/prompt-options.js';
import { type Prompt, type PromptShapes, shapesOf } from '../prompts/prompt.js';
import { type RoughMasks, roughGridOf } from '../prompts/rough/rough-masks.js';
import { placingOf } from '../raster/lon-lat.js';
import { placesBeside } from '../raster/places-beside.js';
import { writePolygons } from '../raster/polygons.js';
import { bestOf, refined } from './attempts.js';
import { findRoughMask } from './auto-prompt.js';
import { type Coverage, coverageOf, TileCoverage } from './coverage.js';
import { ImageEmbedding } from './image-embedding.js';
import { type MaskWindows, openMaskWindows } from './mask-windows.js';
import {
  type PredictImagesOptions,
  type Predicting,
  type PredictProgress,
  predictImagesOptionsSchema,
} from './predict-options.js';
import { drawAttempts, type Job, masksFor, type PromptSource, planJobs } from './predict-plan.js';
import { predictRaster, type TileCounts } from './predict-raster.js';
import { emptyPrediction } from './prediction.js';
import { openRoughWindows } from './rough-windows.js';
import { SamModel } from './sam-model.js';
import { sayStretch } from './say-stretch.js';
import { givenForTile, type PromptForTile, roughForTile } from './tile-prompts.js';

/** What was predicted for one image; points and box are in its pixels. */
export interface PredictOutput extends PromptShapes, Coverage {
  /** Paths of the image, the mask and, where asked for, the logits. */
  image: string;
  /** Path of the mask. */
  mask: string;
  /** Path of the logits, where asked for. */
  logits?: string;
  /** Path of the GeoJSON file, where asked for. */
  polygons?: string;
  /** Width of the image, pixels. */
  width: number;
  /** Height of the image, pixels. */
  height: number;
  /** IoU that the model predicts for its mask, 0 to 1; of tiles, the mean over those that it was asked about. */
  score: number;
  /** Where the prompt came from. */
  promptSource: PromptSource;
  /** Whether nothing said what is meant (`promptSource` is `grid`): the mask is a guess at what stands out, however high its score. */
  guessed: boolean;
  /** Number of the attempt whose mask was taken, from 1 on; only where there were several. */
  attempt?: number;
  /** Counts of tiles, for a raster predicted in such. */
  tiles?: TileCounts;
}

/** What {@link predictImages} gives back. */
export interface PredictImagesResult {
  /** Outputs in the order of the images. */
  outputs: PredictOutput[];
  /** Model that predicted. */
  model: {
    /** Name of the model. */
    name: string;
    /** Hash of the source weights. */
    weightsHash: string;
    /** Hash of the image encoder, on which embeddings depend. */
    encoderHash: string;
    /** Hash of the checkpoint; null for source weights. */
    checkpointHash: string | null;
  };
  /** Device that computed: `cpu` or `cuda:N`. */
  device: string;
  /** Precision that the device computed in. */
  precision: Precision;
  /** Names of the images left out. */
  skipped: string[];
}

/**
 * Writes the masks of images and of folders of images. The prompt is the one given (`points`, `box`), or drawn from a mask of each image
 * (`masks`, `roughMask`, or as the model was trained), or found by the model itself.
 *
 * ```ts
 * const { outputs } = await predictImages({ images: ['river.jpg'], model: 'runs/first', points: [[120, 80]] });
 * ```
 * @throws SamError `SAM_BAD_OPTION`: both a prompt and masks; `SAM_BAD_ARGUMENT`: a prompt outside a picture; `SAM_BAD_DATA`: pictures or
 * masks that cannot be read. All of these before any mask is written.
 */
export async function predictImages(
  given: PredictImagesOptions,
  hooks: Hooks<PredictProgress> = {},
): Promise<PredictImagesResult> {
  checkHooks(hooks);
  const { points, labels, box, ...options } = parseOptions(predictImagesOptionsSchema, given);
  if (options.simplify !== undefined && !options.polygons) {
    throw new SamError('SAM_BAD_OPTION', '`simplify` is about polygons, and none are asked for', {
      fix: 'give `polygons` too',
    });
  }
  const prompt = points === undefined && box === undefined ? undefined : { points, labels, box };
  const images = await openImages(options.images, hooks);
  return predictSamples({ ...options, ...hooks, images, prompt, prompts: given });
}

async function predictSamples(options: Predicting): Promise<PredictImagesResult> {
  const { signal, onProgress, onWarning, skipBad } = options;
  if (options.prompt !== undefined && options.masks !== undefined) {
    throw new SamError('SAM_BAD_OPTION', '`masks` says where prompts are drawn from, and a point or box is given', {
      fix: 'leave out `masks`, or `point` and `box`',
    });
  }
  const workplace = openWorkplace(options, options);
  let masks: RoughMasks | undefined;
  try {
    const { compute } = workplace;
    const info = await workplace.model(options.model);
    const prompts = promptOptionsFor(options.prompts ?? {}, info);
    const bands = options.bands ?? trainedBands(info);
    const images = options.images.map((image) => withBands(image, bands));
    masks = masksFor(options, prompts);
    const jobs = await planJobs({ ...options, images }, prompts, masks);
    if (jobs.some(isGuess)) onWarning?.(GUESSING);
    await sayPlacesBeside(jobs, onWarning);
    sayStretch(
      jobs.flatMap(({ raster }) => raster ?? []),
      info,
      options,
    );
    const store = await workplace.store(info, prompts.imageSize);
    const encoded = await store.ensure(
      jobs.filter(({ raster }) => raster === undefined).map(({ sample }) => sample),
      {
        signal,
        skipBad,
        onNote: options.onNote,
        onWarning,
        onProgress: (progress) => onProgress?.({ stage: 'encode', ...progress }),
      },
    );
    const usable = jobs.filter(({ sample }) => encoded.usable(sample));
    const predicted = new Set(usable.map(({ sample }) => sample));
    const model = await SamModel.fromResolved(info, compute, signal);
    const outputs: PredictOutput[] = [];
    try {
      for (const job of usable) {
        signal?.throwIfAborted();
        const predictOne = job.raster === undefined ? predictJob : predictTiles;
        outputs.push(await predictOne(job, { store, model, prompts, masks, options }));
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
      skipped: images.filter((sample) => !predicted.has(sample)).map(({ name }) => name),
    };
  } finally {
    await masks?.dispose();
    await workplace.dispose();
  }
}

const GUESSING =
  'no prompt was given: the model looks for what stands out, which need not be what you mean; ' +
  'give `point`, `box`, `masks` or `roughMask`';

/** Says which files beside the pictures hold their place on earth, as they are not read. */
async function sayPlacesBeside(jobs: readonly Job[], onWarning: Predicting['onWarning']): Promise<void> {
  const files = await placesBeside(
    jobs.map(({ sample, raster }) => ({ path: sample.image.path, lies: raster?.georeference !== undefined })),
  );
  if (files.length === 0) return;
  onWarning?.(
    `not read, though saying where pictures lie: ${nameAll(files)}; gdal_translate writes such a place into a GeoTIFF, ` +
      'from which masks have it',
  );
}

/** Tells whether nothing says what is meant in an image, so that its mask is a guess. */
function isGuess({ source }: Job): boolean {
  return source === 'grid';
}

interface Context {
  store: EmbeddingStore;
  model: SamModel;
  prompts: ResolvedPromptOptions;
  /** Masks that prompts are drawn from; undefined if they are given or found. */
  masks: RoughMasks | undefined;
  options: Predicting;
}

async function predictJob(job: Job, { store, model, prompts, masks, options }: Context): Promise<PredictOutput> {
  const { sample, size, outputs } = job;
  const { signal, onWarning } = options;
  const embeddings = await store.read([sample], { signal, onWarning });
  try {
    const valid = await decodeValid(sample, job.header ?? size);
    const embedding = new ImageEmbedding(embeddings, size.width, size.height, prompts.imageSize, valid);
    const drawn = job.prompts ?? (await findPrompts(model, embedding, { sample, prompts, options }));
    // The user's own points are all that there are; those drawn are as in training.
    const padTo = job.source === 'given' ? 0 : toPromptSettings(prompts).padTo;
    const { maskOutput, multiMask, pointSets } = prompts;
    const how = { maskOutput, multiMask, pointSets, padTo, signal };
    const best = await bestOf(model, embedding, drawn, how);
    const predicted =
      best === undefined ? emptyPrediction(size) : await refined(model, embedding, best, how, options.refine ?? 0);
    if (best === undefined) onWarning?.(`${sample.image.path}: the model found nothing; its mask is empty`);
    await writeMaskPng(outputs.mask, predicted.mask, size.width, size.height);
    const written = { ...(options.saveLogits ? { logits: outputs.logits } : {}), ...polygonsOf(job, options) };
    await withPolygons(job, options, async (take) => take?.(predicted.mask));
    if (options.saveLogits) await saveLogits(outputs.logits, predicted.lowResLogits);
    const files = { image: sample.image.path, mask: outputs.mask, ...written };
    const attempt = best !== undefined && drawn.length > 1 ? { attempt: best.attempt } : {};
    // Made anew: at their full size, the rough masks of all images would not fit into memory.
    const rough = await masks?.make(sample, signal);
    return {
      ...files,
      ...size,
      score: predicted.score,
      ...shapesOf(best?.prompt),
      promptSource: job.source,
      guessed: isGuess(job),
      ...(await coverageOf(predicted.mask, rough?.mask.values)),
      ...attempt,
    };
  } finally {
    embeddings.dispose();
  }
}

async function predictTiles(job: Job, { model, prompts, masks, options }: Context): Promise<PredictOutput> {
  const { sample, size, outputs, source } = job;
  const { signal, onProgress, onWarning } = options;
  const coverage = new TileCoverage(job.raster!.plan);
  const windows = await masksOfTiles(job);
  try {
    if (windows === undefined && masks !== undefined) {
      coverage.rough({ x: 0, y: 0, ...size }, (await masks.make(sample, signal)).mask.values); // a raster of one tile
    }
    const context = {
      model,
      prompts,
      coverage,
      promptForTile: promptForTile(job, measured(windows, coverage), prompts),
      given: source === 'given',
      find: async (embedding: ImageEmbedding) => (await findPrompts(model, embedding, { sample, prompts, options }))[0],
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
    const asked = shapesOf(job.prompts?.[0] ?? found.prompt);
    const files = { image: sample.image.path, mask: outputs.mask, ...written };
    const about = { promptSource: source, guessed: isGuess(job), ...coverage.result() };
    return { ...files, ...size, score, ...asked, ...about, tiles };
  } finally {
    await windows?.close();
  }
}

function polygonsOf({ outputs }: Job, { polygons }: Predicting): { polygons?: string } {
  return polygons ? { polygons: outputs.polygons } : {};
}

/** Runs `work`, which hands over the rows of the mask, and writes their polygons where asked for. */
async function withPolygons<T>(
  { sample, size, outputs, raster }: Job,
  { polygons, simplify, onWarning }: Predicting,
  work: (take: ((rows: Uint8Array) => Promise<void>) | undefined) => Promise<T>,
): Promise<T> {
  if (!polygons) return work(undefined);
  const { toLonLat, remarks } = await placingOf(raster?.georeference, size);
  for (const remark of remarks) onWarning?.(`${sample.image.path} ${remark}`);
  return writePolygons(outputs.polygons, { width: size.width, toLonLat, tolerance: simplify }, work);
}

async function masksOfTiles({ sample, size, raster, maskPath, roughMask }: Job): Promise<MaskWindows | undefined> {
  if (maskPath !== undefined) return openMaskWindows(maskPath, sample, size);
  return roughMask === undefined ? undefined : openRoughWindows(raster!, roughMask);
}

type ReadMask = MaskWindows['read'];

/** Reads masks so that `coverage` sees each window of them. */
function measured(masks: MaskWindows | undefined, coverage: TileCoverage): ReadMask | undefined {
  if (masks === undefined) return undefined;
  return async (window) => {
    const mask = await masks.read(window);
    coverage.rough(window, mask.values);
    return mask;
  };
}

function promptForTile(job: Job, read: ReadMask | undefined, prompts: ResolvedPromptOptions): PromptForTile {
  const [given] = job.prompts ?? [];
  if (given !== undefined) return givenForTile(given);
  return read === undefined ? async () => 'find' : roughForTile(read, job.sample.name, prompts);
}

/** Draws prompts from the rough mask that the model itself finds; none where it finds nothing. */
async function findPrompts(
  model: SamModel,
  embedding: ImageEmbedding,
  { sample, prompts, options }: { sample: Sample; prompts: ResolvedPromptOptions; options: Predicting },
): Promise<Prompt[]> {
  const { maskOutput } = prompts;
  const mask = await findRoughMask(model, embedding, { maskOutput, signal: options.signal });
  if (mask === undefined) return [];
  return drawAttempts(roughGridOf(mask), sample, prompts, options.attempts ?? 1);
}

async function saveLogits(path: string, values: Float32Array): Promise<void> {
  const shape = [LOW_RES_SIDE, LOW_RES_SIDE];
  await nativeCall(() => native().saveTensors({ path, names: ['low_res_logits'], shape, values }));
}
