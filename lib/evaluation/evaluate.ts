/** Compares models on labelled images: the same images, the same prompts, the labels' own resolution. */
import { resolve } from 'node:path';
import type { Precision } from '../../binding.js';
import { decodeMask, imageSize } from '../data/decode.js';
import { maskArea, toLowRes } from '../data/low-res.js';
import { inReadingOrder, type Mask, type Sample, withBands } from '../data/sample.js';
import { type Compute, resolveDevice } from '../device.js';
import { SamError } from '../errors.js';
import { EmbeddingStore, type EnsureProgress } from '../models/embedding-store.js';
import type { ResolvedModel } from '../models/model.js';
import { type PromptOptions, promptOptionsFor, toPromptSettings, trainedBands } from '../models/prompt-options.js';
import { resolveModel, runFolder } from '../models/resolve.js';
import { ImageEmbedding, SamModel } from '../models/sam-model.js';
import type { WorkOptions } from '../models/work-options.js';
import { drawPrompt } from '../prompts/draw.js';
import { randomFor } from '../prompts/random.js';
import { defaultCacheDir } from '../setup/cache-dir.js';
import { VALIDATION_EPOCH } from '../training/batches.js';
import { confusion, mean, median, scores } from './metrics.js';
import { type ImageScores, perImagePath, writePerImage } from './per-image.js';

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
  weightsHash: string;
  encoderHash: string;
  /** SHA-256 of the checkpoint; null for source weights. */
  checkpointHash: string | null;
  prompts: PromptOptions;
}

export interface EvaluateResult {
  models: ModelScores[];
  /** CSV file, one line for each model and image. */
  perImage: string;
  device: string;
  precision: Precision;
  /** Names of the images left out. */
  skipped: string[];
}

interface Entrant {
  name: string;
  model: ResolvedModel;
  prompts: PromptOptions;
}

/**
 * @throws SamError `SAM_NOT_FOUND` and `SAM_BAD_CHECKPOINT` (models), `SAM_BAD_DATA` (pictures and labels, all named).
 */
export async function evaluate(given: EvaluateOptions): Promise<EvaluateResult> {
  const compute = resolveDevice(given.device ?? 'auto', given.precision ?? 'auto', { onNote: given.onStep });
  const entrants = await resolveEntrants(given);
  // All see the same images: by the bands asked for, else by those of the first run.
  const bands = entrants.map(({ model }) => trainedBands(model)).find((one) => one !== undefined);
  const options = { ...given, samples: withBands(given.samples, bands) };
  const labelled = await checkLabels(options, entrants);
  const stores = new Stores(options, compute);
  try {
    const usable = await encodeAll(entrants, labelled, stores, options);
    const results: { entrant: Entrant; rows: ImageScores[] }[] = [];
    for (const entrant of entrants) {
      results.push({ entrant, rows: await scoreModel(entrant, usable, await stores.of(entrant), compute, options) });
    }
    const runDir = entrants.map(({ model }) => runFolder(model)).find((folder) => folder !== undefined);
    const out = options.out === undefined ? undefined : resolve(options.out);
    const perImage = perImagePath(out, runDir, process.cwd(), new Date());
    await writePerImage(
      perImage,
      results.flatMap(({ rows }) => rows),
    );
    return {
      models: results.map(({ entrant, rows }) => summarise(entrant, rows)),
      perImage,
      device: compute.device,
      precision: compute.precision,
      skipped: options.samples.filter((sample) => !usable.includes(sample)).map(({ name }) => name),
    };
  } finally {
    await stores.dispose();
  }
}

/** Files and settings of all models, before anything slow begins. */
async function resolveEntrants(options: EvaluateOptions): Promise<Entrant[]> {
  if (options.models.length === 0)
    throw new SamError('SAM_BAD_OPTION', 'no model to evaluate', { fix: 'name --models' });
  const { encoder, signal, onStep } = options;
  const cacheDir = options.cacheDir ?? defaultCacheDir();
  const tuned = new Map<string, ResolvedModel>();
  for (const spec of options.models) {
    if (spec !== 'untuned') tuned.set(spec, await resolveModel(spec, { cacheDir, encoder, signal, onStep }));
  }
  const firstRun = [...tuned.values()].find(({ checkpoint }) => checkpoint !== undefined);
  const models: ResolvedModel[] = [];
  for (const spec of options.models) {
    models.push(tuned.get(spec) ?? (await untuned(firstRun, { cacheDir, encoder, signal, onStep })));
  }
  const names = models.map(({ name }) => name);
  return models.map((model) => ({
    // Two runs in folders of one name are told apart by what the user wrote.
    name: names.filter((name) => name === model.name).length > 1 ? model.spec : model.name,
    model,
    prompts: promptOptionsFor(options.prompts ?? {}, options.ownSettings ? model : firstRun),
  }));
}

/** The weights that the first run started from. */
async function untuned(
  firstRun: ResolvedModel | undefined,
  options: Parameters<typeof resolveModel>[1],
): Promise<ResolvedModel> {
  const { decoder: _, checkpoint: __, ...source } = firstRun ?? (await resolveModel('mobile-sam', options));
  return { ...source, spec: 'untuned', name: 'untuned' };
}

/** Labels that can be scored; bad ones and empty ones are named together, or left out. */
async function checkLabels(options: EvaluateOptions, entrants: readonly Entrant[]): Promise<Sample[]> {
  const usable = new Set<Sample>();
  const problems: string[] = [];
  for (const sample of inReadingOrder(options.samples)) {
    options.signal?.throwIfAborted();
    const problem = await labelProblem(sample, entrants);
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

/** A label without a pixel on the grid that its prompts are drawn from counts as empty. */
async function labelProblem(
  sample: Sample,
  entrants: readonly Entrant[],
): Promise<{ message: string; empty: boolean } | undefined> {
  try {
    const label = await labelOf(sample);
    const grids = entrants.map(({ prompts }) => toLowRes(label, prompts.maskSize, prompts.imageSize));
    if (grids.every((grid) => maskArea(grid) > 0)) return undefined;
    return { message: `${sample.mask?.path ?? sample.name}: the mask is empty`, empty: true };
  } catch (error) {
    if (!(error instanceof SamError)) throw error;
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
    usable = usable.filter((sample) => !skipped.includes(sample));
  }
  if (usable.length === 0) throw new SamError('SAM_BAD_DATA', 'no image is left to evaluate on');
  return usable;
}

async function scoreModel(
  entrant: Entrant,
  samples: readonly Sample[],
  store: EmbeddingStore,
  compute: Compute,
  { signal, onProgress, onWarning }: EvaluateOptions,
): Promise<ImageScores[]> {
  const model = await SamModel.fromResolved(entrant.model, compute, signal);
  try {
    const rows = new Map<Sample, ImageScores>();
    for (const sample of inReadingOrder(samples)) {
      signal?.throwIfAborted();
      const embeddings = await store.read([sample], { signal, onWarning });
      try {
        rows.set(sample, await scoreImage(entrant, sample, model, embeddings));
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
  { name, prompts }: Entrant,
  sample: Sample,
  model: SamModel,
  embeddings: ImageEmbedding['embeddings'],
): Promise<ImageScores> {
  const label = await labelOf(sample);
  const lowRes = toLowRes(label, prompts.maskSize, prompts.imageSize);
  const random = randomFor(prompts.seed, VALIDATION_EPOCH, sample.name, 0);
  const settings = toPromptSettings(prompts);
  const prompt = drawPrompt(lowRes, settings, random);
  const embedding = new ImageEmbedding(embeddings, label.width, label.height, prompts.imageSize);
  const { maskOutput, multiMask } = prompts;
  const { pointSets, padTo } = settings;
  const predicted = await model.predict(embedding, { ...prompt, maskOutput, multiMask, pointSets, padTo });
  const counts = await confusion(predicted.mask, label.values);
  return {
    model: name,
    image: sample.name,
    ...scores(counts),
    predictedIou: predicted.score,
    labelPixels: counts.truePositive + counts.falseNegative,
    predictedPixels: counts.truePositive + counts.falsePositive,
  };
}

function summarise({ name, model, prompts }: Entrant, rows: readonly ImageScores[]): ModelScores {
  const ious = rows.map(({ iou }) => iou);
  const f1s = rows.map(({ f1 }) => f1);
  return {
    name,
    spec: model.spec,
    count: rows.length,
    medianIou: median(ious),
    meanIou: mean(ious),
    minIou: Math.min(...ious),
    medianF1: median(f1s),
    meanF1: mean(f1s),
    meanPrecision: mean(rows.map(({ precision }) => precision)),
    meanRecall: mean(rows.map(({ recall }) => recall)),
    weightsHash: model.weightsHash,
    encoderHash: model.encoderHash,
    checkpointHash: model.checkpoint?.hash ?? null,
    prompts,
  };
}
