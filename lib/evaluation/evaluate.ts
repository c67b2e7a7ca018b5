/** Compares models on labelled images: the same images, the same prompts, the labels' own resolution. */
import { resolve } from 'node:path';
import type { Precision } from '../../binding.js';
import { decodeMask, imageSize } from '../data/decode.js';
import { maskArea, toLowRes } from '../data/low-res.js';
import { inReadingOrder, type Mask, type Sample, withBands } from '../data/sample.js';
import { type Compute, resolveDevice } from '../device.js';
import { SamError } from '../errors.js';
import { EmbeddingStore, type EnsureProgress } from '../models/embedding-store.js';
import { type PromptOptions, toPromptSettings, trainedBands } from '../models/prompt-options.js';
import { runFolder } from '../models/resolve.js';
import { ImageEmbedding, SamModel } from '../models/sam-model.js';
import type { WorkOptions } from '../models/work-options.js';
import { drawPrompt } from '../prompts/draw.js';
import { randomFor } from '../prompts/random.js';
import { drawRoughPrompt, type RoughMasks } from '../prompts/rough/rough-masks.js';
import { defaultCacheDir } from '../setup/cache-dir.js';
import { VALIDATION_EPOCH } from '../training/batches.js';
import { readRunConfig } from '../training/run-folder.js';
import { type Entrant, type EvaluatedSource, resolveEntrants } from './entrants.js';
import { confusion, mean, median, scores } from './metrics.js';
import { type ImageScores, perImagePath, writePerImage } from './per-image.js';
import { checkReportPath, reportPath, writeComparisonReport } from './report/report.js';
import { entrantKey, Sketches } from './report/sketches.js';
import { ROUGH_MASK, RoughMaskSources, roughPrompts, scoreRoughMask } from './rough-scores.js';

export interface EvaluateOptions extends WorkOptions {
  /** Names, files, run folders; `untuned` is the source weights of the first run among them, or mobile-sam. */
  models: readonly string[];
  /** Labelled samples. */
  samples: readonly Sample[];
  /** What is asked for about prompts; the rest comes from the first run among the models, else it is the default. */
  prompts?: Partial<PromptOptions>;
  /** Each model gets the settings that it was trained with. */
  ownSettings?: boolean;
  /** The file (`.csv`) or folder for the scores of each image. Default: the run's folder, else the working folder. */
  out?: string | undefined;
  /** The file (`.html`) or folder for the report. Default: beside the scores of each image. */
  report?: string | undefined;
  onEmpty?: 'skip' | 'fail';
  onProgress?: ((progress: EvaluateProgress) => void) | undefined;
}

export type EvaluateProgress =
  | ({ stage: 'encode'; model: string } & EnsureProgress)
  | { stage: 'predict'; model: string; done: number; total: number };

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
  /** Null for the rough mask, which no model made. */
  weightsHash: string | null;
  encoderHash: string | null;
  /** SHA-256 of the checkpoint; null for source weights. */
  checkpointHash: string | null;
  /** What the prompts were drawn from: labels (which inference does not have) or rough masks. */
  promptSource: EvaluatedSource;
  prompts: PromptOptions;
}

export interface EvaluateResult {
  models: ModelScores[];
  /** CSV file, one line for each model and image. */
  perImage: string;
  /** HTML file. */
  report: string;
  device: string;
  precision: Precision;
  /** Names of the images left out. */
  skipped: string[];
}

/**
 * @throws SamError `SAM_NOT_FOUND` and `SAM_BAD_CHECKPOINT` (models), `SAM_BAD_DATA` (pictures and labels, all named).
 */
export async function evaluate(given: EvaluateOptions): Promise<EvaluateResult> {
  const started = performance.now();
  const compute = resolveDevice(given.device ?? 'auto', given.precision ?? 'auto', { onNote: given.onStep });
  const entrants = await resolveEntrants(given);
  const places = await findPlaces(given, entrants);
  // All see the same images: by the bands asked for, else by those of the first run.
  const bands = entrants.map(({ model }) => trainedBands(model)).find((one) => one !== undefined);
  const options = { ...given, samples: given.samples.map((sample) => withBands(sample, bands)) };
  const stores = new Stores(options, compute);
  const rough = new RoughMaskSources();
  const sketches = new Sketches();
  try {
    const labelled = await checkLabels(options, entrants, rough);
    const usable = await encodeAll(entrants, labelled, stores, options);
    const results: { summary: ModelScores; rows: ImageScores[] }[] = [];
    for (const entrant of entrants) {
      const from = { store: await stores.of(entrant), compute, masks: rough.of(entrant), sketches };
      const rows = await scoreModel(entrant, usable, from, options);
      results.push({ summary: summarise(entrant, rows), rows });
    }
    const prompts = roughPrompts(entrants);
    if (prompts !== undefined) results.push(await scoreRoughMasks(prompts, rough, usable, options));
    const scored = new Set(usable);
    const models = results.map(({ summary }) => summary);
    const rows = results.flatMap((result) => result.rows);
    await writePerImage(places.perImage, rows);
    const seconds = (performance.now() - started) / 1000;
    const { signal } = options;
    await writeComparisonReport({
      ...places,
      ...compute,
      path: places.report,
      models,
      rows,
      sketches,
      seconds,
      signal,
    });
    return {
      models,
      perImage: places.perImage,
      report: places.report,
      device: compute.device,
      precision: compute.precision,
      skipped: options.samples.filter((sample) => !scored.has(sample)).map(({ name }) => name),
    };
  } finally {
    await rough.dispose();
    await stores.dispose();
  }
}

/** Where results go, and the runs among the models; refused before any work where that cannot be. */
async function findPlaces(
  options: EvaluateOptions,
  entrants: readonly Entrant[],
): Promise<{ perImage: string; report: string; runs: string[] }> {
  const runs = [...new Set(entrants.flatMap(({ model }) => runFolder(model) ?? []))];
  const out = options.out === undefined ? undefined : resolve(options.out);
  const perImage = perImagePath(out, runs[0], process.cwd(), new Date());
  const report = reportPath(options.report === undefined ? undefined : resolve(options.report), perImage);
  for (const dir of runs) await readRunConfig(dir);
  await checkReportPath(report);
  return { perImage, report, runs };
}

/** Labels that can be scored; bad ones and empty ones are named together, or left out. */
async function checkLabels(
  options: EvaluateOptions,
  entrants: readonly Entrant[],
  rough: RoughMaskSources,
): Promise<Sample[]> {
  const usable = new Set<Sample>();
  const problems: string[] = [];
  for (const sample of inReadingOrder(options.samples)) {
    options.signal?.throwIfAborted();
    const problem = await labelProblem(sample, entrants, rough, options.signal);
    const leftOut = options.skipBad || (problem?.empty && options.onEmpty === 'skip');
    if (problem === undefined) usable.add(sample);
    else if (leftOut) options.onWarning?.(`skipping ${sample.name}: ${problem.message}`);
    else problems.push(problem.message);
  }
  if (problems.length > 0) {
    throw new SamError('SAM_BAD_DATA', problems.join('; '), {
      fix: 'mend them, or leave out empty masks with --on-empty skip and all of these with --skip-bad',
    });
  }
  if (usable.size === 0) {
    throw new SamError('SAM_BAD_DATA', 'no labelled image to evaluate on', { fix: 'check --data and --split' });
  }
  return options.samples.filter((sample) => usable.has(sample));
}

/** A label without a pixel on the grid that its prompts are drawn from counts as empty; so does such a rough mask. */
async function labelProblem(
  sample: Sample,
  entrants: readonly Entrant[],
  rough: RoughMaskSources,
  signal: AbortSignal | undefined,
): Promise<{ message: string; empty: boolean } | undefined> {
  try {
    const label = await labelOf(sample);
    const grids = entrants.map(({ prompts }) => toLowRes(label, prompts.maskSize, prompts.imageSize));
    if (grids.some((grid) => maskArea(grid) === 0)) {
      return { message: `${sample.mask?.path ?? sample.name}: the mask is empty`, empty: true };
    }
    const message = await rough.problem(sample, entrants, signal);
    return message === undefined ? undefined : { message, empty: true };
  } catch (error) {
    if (!(error instanceof SamError) || error.code === 'SAM_BAD_OPTION') throw error;
    return { message: error.message, empty: false };
  }
}

async function labelOf(sample: Sample): Promise<Mask> {
  return decodeMask(sample, await imageSize(sample));
}

/** Models that share an encoder, a precision and a picture size share their embeddings. */
class Stores {
  readonly #stores = new Map<string, Promise<EmbeddingStore>>();

  constructor(
    readonly options: EvaluateOptions,
    readonly compute: Compute,
  ) {}

  of({ model, prompts }: Entrant): Promise<EmbeddingStore> {
    const key = `${model.encoderHash}:${prompts.imageSize ?? ''}`;
    const { cacheMax, threads, cache = true } = this.options;
    const opened =
      this.#stores.get(key) ??
      EmbeddingStore.open({
        ...this.compute,
        encoder: model,
        cacheDir: this.options.cacheDir ?? defaultCacheDir(),
        cache,
        cacheMax,
        imageSize: prompts.imageSize,
        threads,
      });
    this.#stores.set(key, opened);
    return opened;
  }

  async dispose(): Promise<void> {
    for (const store of this.#stores.values()) await store.then((opened) => opened.dispose());
  }
}

/** Encodes for every model, so that all are scored on the pictures that all can read. */
async function encodeAll(
  entrants: readonly Entrant[],
  samples: readonly Sample[],
  stores: Stores,
  options: EvaluateOptions,
): Promise<readonly Sample[]> {
  let usable = samples;
  for (const entrant of entrants) {
    const store = await stores.of(entrant);
    const { skipped } = await store.ensure(usable, {
      signal: options.signal,
      skipBad: options.skipBad,
      onWarning: options.onWarning,
      onProgress: (progress) => options.onProgress?.({ stage: 'encode', model: entrant.name, ...progress }),
    });
    const bad = new Set(skipped);
    usable = usable.filter((sample) => !bad.has(sample));
  }
  if (usable.length === 0) throw new SamError('SAM_BAD_DATA', 'no image is left to evaluate on');
  return usable;
}

/** What a model is scored with. */
export interface Scoring {
  /** Embeddings of the samples, encoded before. */
  store: Pick<EmbeddingStore, 'read'>;
  compute: Pick<Compute, 'device' | 'precision'>;
  /** What prompts are drawn from; undefined: labels. */
  masks: RoughMasks | undefined;
  /** Takes what the report shows. */
  sketches: Sketches;
}

/** One row for each sample, in their order. */
export async function scoreModel(
  entrant: Entrant,
  samples: readonly Sample[],
  { store, compute, masks, sketches }: Scoring,
  { signal, onProgress, onWarning }: Pick<EvaluateOptions, 'signal' | 'onProgress' | 'onWarning'>,
): Promise<ImageScores[]> {
  const model = await SamModel.fromResolved(entrant.model, compute, signal);
  try {
    const rows = new Map<Sample, ImageScores>();
    for (const sample of inReadingOrder(samples)) {
      signal?.throwIfAborted();
      const embeddings = await store.read([sample], { signal, onWarning });
      try {
        rows.set(sample, await scoreImage(entrant, sample, model, { embeddings, masks, sketches }));
      } finally {
        embeddings.dispose();
      }
      onProgress?.({ stage: 'predict', model: entrant.name, done: rows.size, total: samples.length });
    }
    return samples.flatMap((sample) => rows.get(sample) ?? []);
  } finally {
    model.dispose();
  }
}

async function scoreImage(
  { name, prompts, promptSource }: Entrant,
  sample: Sample,
  model: SamModel,
  { embeddings, masks, sketches }: Pick<Scoring, 'masks' | 'sketches'> & Pick<ImageEmbedding, 'embeddings'>,
): Promise<ImageScores> {
  const label = await labelOf(sample);
  const random = randomFor(prompts.seed, VALIDATION_EPOCH, sample.name, 0);
  const settings = toPromptSettings(prompts);
  const prompt =
    masks === undefined
      ? drawPrompt(toLowRes(label, prompts.maskSize, prompts.imageSize), settings, random)
      : drawRoughPrompt(await masks.get(sample), settings, random, masks.settings.erosion);
  const embedding = new ImageEmbedding(embeddings, label.width, label.height, prompts.imageSize);
  const { maskOutput, multiMask } = prompts;
  const { pointSets, padTo } = settings;
  const predicted = await model.predict(embedding, {
    ...prompt,
    maskOutput,
    multiMask,
    pointSets,
    padTo,
    maskPrompt: prompt.mask,
  });
  sketches.add(entrantKey({ name, promptSource }), { sample, label, predicted: predicted.mask, prompt });
  const counts = await confusion(predicted.mask, label.values);
  return {
    model: name,
    image: sample.name,
    promptSource,
    ...scores(counts),
    predictedIou: predicted.score,
    labelPixels: counts.truePositive + counts.falseNegative,
    predictedPixels: counts.truePositive + counts.falsePositive,
  };
}

/** The rough mask itself, beside the models. */
async function scoreRoughMasks(
  prompts: PromptOptions,
  rough: RoughMaskSources,
  samples: readonly Sample[],
  { signal }: EvaluateOptions,
): Promise<{ summary: ModelScores; rows: ImageScores[] }> {
  const masks = rough.of({ prompts, promptSource: 'rough' })!;
  const rows: ImageScores[] = [];
  for (const sample of samples) {
    signal?.throwIfAborted();
    rows.push(await scoreRoughMask(masks, sample, (await labelOf(sample)).values, signal));
  }
  const of = { name: ROUGH_MASK, spec: ROUGH_MASK, promptSource: 'rough' as const, prompts };
  const hashes = { weightsHash: null, encoderHash: null, checkpointHash: null };
  return { summary: { ...of, ...totals(rows), ...hashes }, rows };
}

export function summarise({ name, model, prompts, promptSource }: Entrant, rows: readonly ImageScores[]): ModelScores {
  const { spec, weightsHash, encoderHash, checkpoint } = model;
  const hashes = { weightsHash, encoderHash, checkpointHash: checkpoint?.hash ?? null };
  return { name, spec, ...totals(rows), ...hashes, promptSource, prompts };
}

function totals(rows: readonly ImageScores[]) {
  const ious = rows.map(({ iou }) => iou);
  const f1s = rows.map(({ f1 }) => f1);
  return {
    count: rows.length,
    medianIou: median(ious),
    meanIou: mean(ious),
    minIou: ious.reduce((least, iou) => Math.min(least, iou), 1),
    medianF1: median(f1s),
    meanF1: mean(f1s),
    meanPrecision: mean(rows.map(({ precision }) => precision)),
    meanRecall: mean(rows.map(({ recall }) => recall)),
  };
}
