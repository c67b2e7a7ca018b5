/** Masks for many images: embeddings from the store, prompts given or found, PNG files out. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Precision } from '../../binding.js';
import { decodeMask, type ImageSize, imageSize } from '../data/decode.js';
import { listImages, stemOf } from '../data/folder.js';
import { maskArea, toLowRes } from '../data/low-res.js';
import type { Sample } from '../data/sample.js';
import { writeMaskPng } from '../data/writer.js';
import { resolveDevice } from '../device.js';
import { SamError } from '../errors.js';
import { native, nativeCall } from '../native.js';
import { drawPrompt } from '../prompts/draw.js';
import type { LowResMask, Prompt } from '../prompts/prompt.js';
import { randomFor } from '../prompts/random.js';
import { defaultCacheDir } from '../setup/cache-dir.js';
import { VALIDATION_EPOCH } from '../training/batches.js';
import { findRoughMask } from './auto-prompt.js';
import { EmbeddingStore, type EnsureProgress } from './embedding-store.js';
import { isBadImage } from './encode.js';
import { type PromptOptions, promptOptionsFor, toPromptSettings } from './prompt-options.js';
import { resolveModel } from './resolve.js';
import { ImageEmbedding, type Prediction, SamModel } from './sam-model.js';
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
  /** Settings about prompts; the rest is as the model was trained. */
  prompts?: Partial<PromptOptions>;
  /** Writes the 256 x 256 logits too, `<name>.safetensors` each. */
  saveLogits?: boolean;
  onProgress?: ((progress: PredictProgress) => void) | undefined;
}

export type PredictProgress =
  | ({ stage: 'encode' } & EnsureProgress)
  | { stage: 'predict'; done: number; total: number };

export interface PredictOutput {
  /** Paths of the image, the mask and, where asked for, the logits. */
  image: string;
  mask: string;
  logits?: string;
  width: number;
  height: number;
  /** Predicted IoU. */
  score: number;
  /** The prompt, in pixels of the image. */
  points: Prompt['points'];
  labels: Prompt['labels'];
  box: Prompt['box'];
  promptSource: PromptSource;
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
  outputs: { mask: string; logits: string };
  source: PromptSource;
  /** Where it does not depend on the model. */
  prompt?: Prompt;
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
  const jobs = await plan(options, prompts);
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
      jobs.map(({ sample }) => sample),
      { signal, skipBad, onWarning, onProgress: (progress) => onProgress?.({ stage: 'encode', ...progress }) },
    );
    const usable = jobs.filter(({ sample }) => !skipped.includes(sample));
    const model = await SamModel.fromResolved(info, compute, signal);
    const outputs: PredictOutput[] = [];
    try {
      for (const job of usable) {
        signal?.throwIfAborted();
        outputs.push(await predictJob(job, { store, model, prompts, options }));
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
      skipped: options.images.filter((sample) => !usable.some((job) => job.sample === sample)).map(({ name }) => name),
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
  const size = await imageSize(sample);
  const outputs = {
    mask: join(options.out, `${sample.name}.png`),
    logits: join(options.out, `${sample.name}.safetensors`),
  };
  if (resolve(outputs.mask) === resolve(sample.image.path)) {
    throw new SamError('SAM_BAD_ARGUMENT', `the mask of ${sample.image.path} would replace the image`, {
      fix: 'name another folder with --out',
    });
  }
  const job = { sample, size, outputs };
  if (options.prompt !== undefined) {
    return { ...job, source: 'given', prompt: checkPrompt(options.prompt, size.width, size.height, sample.image.path) };
  }
  if (masks === undefined) return { ...job, source: 'grid' };
  const path = masks.get(sample.name);
  if (path === undefined) throw new SamError('SAM_BAD_DATA', `no mask for ${sample.name} in ${options.masks}`);
  const rough = toLowRes(await decodeMask({ ...sample, mask: { path } }, size), prompts.maskSize, prompts.imageSize);
  if (maskArea(rough) === 0)
    throw new SamError('SAM_BAD_DATA', `${path}: the mask is empty, so there is no prompt in it`);
  return { ...job, source: 'masks', prompt: promptFrom(rough, sample, prompts) };
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
    const written = options.saveLogits ? { logits: outputs.logits } : {};
    if (options.saveLogits) await saveLogits(outputs.logits, predicted.lowResLogits);
    const { points, labels, box } = prompt ?? { points: [], labels: [], box: null };
    const files = { image: sample.image.path, mask: outputs.mask, ...written };
    return { ...files, ...size, score: predicted.score, points, labels, box, promptSource: job.source };
  } finally {
    embeddings.dispose();
  }
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
