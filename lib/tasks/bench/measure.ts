/** Timing of the addon on made-up pictures and prompts: an encoder, a training step, prompts. All times are medians, in seconds. */
import type { Embeddings, ImageEncoder, PromptBatch, SamModel, Trainer } from '../../../binding.js';
import { native } from '../../addon/native.js';
import { runEncoding } from '../../embeddings/encode.js';
import { EMBEDDING_FLOATS, MODEL_SIDE } from '../../frame.js';
import { parseLoss, type ResolvedTrainOptions, trainOptionsSchema } from '../../options.js';
import { median } from '../../scoring/statistics.js';

/** Numbers of runs: first those to warm up, then those that are timed. */
export interface Effort {
  warmups: number;
  rounds: number;
}

/** Options of a training step, by those of `train`. */
export type StepOptions = Pick<
  ResolvedTrainOptions,
  'pointSets' | 'multiMask' | 'maskOutput' | 'loss' | 'lr' | 'weightDecay'
> & {
  /** Number of points of each image. Default: 3. */
  points?: number;
};

const MASK_SIDE = 256;
const POINTS = 3;

/**
 * Times a picture's way through the encoder. Its preparation isn't timed, since in a real run that overlaps with the picture
 * before.
 */
export async function timeEncoder(encoder: ImageEncoder, effort: Effort, signal?: AbortSignal): Promise<number> {
  const pixels = Uint8Array.from({ length: MODEL_SIDE * MODEL_SIDE * 3 }, (_, index) => (index * 7919) % 251);
  return medianSeconds(effort, async () => {
    const encoding = await encoder.begin({ pixels, width: MODEL_SIDE, height: MODEL_SIDE });
    try {
      const started = performance.now();
      const embeddings = await runEncoding(encoding, signal);
      embeddings.toFloat32Array(); // waits for a GPU
      embeddings.dispose();
      return performance.now() - started;
    } finally {
      encoding.dispose();
    }
  });
}

/** Times an optimisation step of `batch` images, by the defaults of `train` unless told otherwise. */
export async function timeStep(
  model: SamModel,
  batch: number,
  effort: Effort,
  signal?: AbortSignal,
  { points = POINTS, ...given }: Partial<StepOptions> = {},
): Promise<number> {
  const options = trainOptionsSchema.parse({ data: '', ...given });
  const trainer: Trainer = native().createTrainer(model, {
    weightDecay: options.weightDecay,
    loss: parseLoss(options.loss),
    selection: { maskOutput: options.maskOutput, multiMask: options.multiMask },
  });
  const prompts = options.pointSets === 'joint' ? pointPrompts(batch, 1, points) : pointPrompts(batch, points, 1);
  const embeddings = randomEmbeddings(batch);
  const targets = Uint8Array.from({ length: batch * MASK_SIDE ** 2 }, (_, at) => (at % MASK_SIDE > 100 ? 1 : 0));
  const validSizes = new Int32Array(2 * batch).fill(MASK_SIDE);
  const work = { embeddings, prompts, targets, maskSize: MASK_SIDE, validSizes };
  try {
    return await medianSeconds(effort, async () => {
      signal?.throwIfAborted();
      const started = performance.now();
      await trainer.step(work, { learningRate: options.lr, update: true, scale: 1 });
      return performance.now() - started;
    });
  } finally {
    embeddings.dispose();
    trainer.dispose();
  }
}

/** Times `prompts` single points of one image at once, its embedding at hand: three masks of each as logits. */
export async function timePrompts(
  model: SamModel,
  prompts: number,
  effort: Effort,
  signal?: AbortSignal,
): Promise<number> {
  const embeddings = randomEmbeddings(1);
  const request = { embeddings, prompts: pointPrompts(1, prompts, 1), maskOutput: 'multi' as const };
  try {
    return await medianSeconds(effort, async () => {
      signal?.throwIfAborted();
      const started = performance.now();
      await model.decode(request);
      return performance.now() - started;
    });
  } finally {
    embeddings.dispose();
  }
}

function randomEmbeddings(count: number): Embeddings {
  const values = Float32Array.from({ length: count * EMBEDDING_FLOATS }, (_, index) => Math.sin(index) / 10);
  return native().embeddingsFrom(values);
}

function pointPrompts(images: number, promptsPerImage: number, pointsPerPrompt: number): PromptBatch {
  const count = images * promptsPerImage * pointsPerPrompt;
  return {
    images,
    promptsPerImage,
    pointsPerPrompt,
    points: Float32Array.from({ length: 2 * count }, (_, index) => (index * 397) % MODEL_SIDE),
    pointLabels: new Int32Array(count).fill(1),
  };
}

/** Measures the median of what `milliseconds` returns, in seconds. */
async function medianSeconds({ warmups, rounds }: Effort, milliseconds: () => Promise<number>): Promise<number> {
  for (let round = 0; round < warmups; round++) await milliseconds();
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) times.push(await milliseconds());
  return median(times) / 1000;
}
