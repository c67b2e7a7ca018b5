/**
 * The Segment Anything Model as a program uses it: an image becomes an embedding once, and each prompt then costs milliseconds.
 *
 * ```ts
 * const model = await SamModel.load('mobile-sam');
 * const embedding = await model.embed('river.jpg');
 * const { mask, score } = await model.predict(embedding, { points: [[120, 80]] });
 * embedding.dispose();
 * model.dispose();
 * ```
 */
import { resolve } from 'node:path';
import { z } from 'zod';
import type {
  Decoded,
  Embeddings,
  ImageEncoder,
  MaskOutput,
  SamModel as NativeModel,
  Precision,
} from '../../binding.js';
import { fromNative, native, nativeCall } from '../addon/native.js';
import { SamError } from '../core/errors.js';
import { hookOptions, parseOptions, requireOptions } from '../core/parse-options.js';
import { decodeImage } from '../data/decode.js';
import type { DecodedImage } from '../data/sample.js';
import { computeOn } from '../device.js';
import { runEncoding } from '../embeddings/encode.js';
import { LOW_RES_SIDE, type Size } from '../frame.js';
import { decoderFiles, type ResolvedModel } from '../models/model.js';
import { resolveModel } from '../models/resolve.js';
import { modelOptions, promptOptions } from '../options.js';
import { toPromptBatch } from '../prompts/batch.js';
import type { PointSets, Prompt } from '../prompts/prompt.js';
import { checkPrompt, type UserPrompt, userPromptTypes } from './user-prompt.js';

/** How {@link SamModel.load} loads a model. */
export interface LoadOptions {
  /** Device: `auto`, `cpu`, `cuda` or `cuda:N`. A process that wants both loads a model for the GPU (or `auto`) first. */
  device?: string;
  /** Type of the encoder and of the decoder's autocast. */
  precision?: Precision | 'auto';
  /** Image encoder instead of the model's own: TorchScript, or a model. */
  encoder?: string;
  /** Folder where models are kept. */
  cacheDir?: string;
  /** Number of CPU threads, for all models of this process. */
  threads?: number;
  /** Signal that ends the work: it rejects with its reason. */
  signal?: AbortSignal;
  /** Takes a line for each step of a first use that takes time (download, conversion). */
  onNote?: (line: string) => void;
  /** Takes a line about what may be wrong, such as a precision that this processor is slow with. */
  onWarning?: (line: string) => void;
}

const loadSchema = z.strictObject({
  spec: modelOptions.model.unwrap(),
  device: modelOptions.device,
  precision: modelOptions.precision,
  encoder: modelOptions.encoder,
  cacheDir: modelOptions.cacheDir,
  threads: modelOptions.threads,
  signal: hookOptions.signal,
  onNote: hookOptions.onNote,
  onWarning: hookOptions.onWarning,
});

const resolvedSchema = z.strictObject({
  info: z.looseObject({ weights: z.string(), encoder: z.string() }),
  compute: z.looseObject({ device: z.string(), precision: z.string() }),
  signal: hookOptions.signal,
});

const decodedType = z.object({
  pixels: z.instanceof(Uint8Array),
  width: z.number(),
  height: z.number(),
  valid: z.instanceof(Uint8Array).optional(),
});
const embedSchema = z.strictObject({
  image: z.union(
    [z.string(), z.instanceof(Uint8Array), decodedType],
    'expected a path, the bytes of an image file, or { pixels, width, height }',
  ),
  imageSize: promptOptions.imageSize,
  signal: hookOptions.signal,
});

/** A prompt, and how the decoder is asked with it. */
export interface PredictOptions extends UserPrompt {
  /**
   * Masks that the decoder gives: `multi` chooses among three (whole, part, sub-part) by predicted IoU, `single` takes the one.
   * Default multi.
   */
  maskOutput?: MaskOutput;
  /** Whether all points are one prompt (`joint`), or each is one and `multiMask` makes one mask of theirs (`separate`). */
  pointSets?: PointSets;
  /** Mask of separate points: that of highest predicted IoU, or the mean of the logits. Default best. */
  multiMask?: 'best' | 'mean';
  /** Mask that the decoder sees beside the points and the box: 256 x 256 logits, such as an earlier prediction's. */
  maskPrompt?: Float32Array | undefined;
  /**
   * Number of points up to which missing ones become padding tokens, for a model trained with `--missing-points token`. Default 0:
   * none do.
   */
  padTo?: number;
  /** Signal that ends the work: it rejects with its reason. */
  signal?: AbortSignal | undefined;
}

/** Type of an embedding, which is declared below. */
const embeddingType = z.custom<ImageEmbedding>(
  (value) => value instanceof ImageEmbedding,
  'expected the ImageEmbedding of a picture',
);

const predictSchema = z.strictObject({
  embedding: embeddingType,
  ...userPromptTypes,
  maskOutput: promptOptions.maskOutput,
  pointSets: promptOptions.pointSets,
  multiMask: promptOptions.multiMask,
  maskPrompt: z
    .instanceof(Float32Array, { error: 'expected the 256 x 256 logits of a mask, a Float32Array' })
    .optional(),
  padTo: z.number().int().min(0).default(0),
  signal: hookOptions.signal,
});

const decodeSchema = z.strictObject({
  embedding: embeddingType,
  prompts: z.array(
    z.looseObject({ points: userPromptTypes.points.unwrap(), labels: z.array(z.number()), box: userPromptTypes.box }),
    'expected prompts, { points, labels, box } each',
  ),
  maskOutput: promptOptions.maskOutput,
});

/** The mask that the decoder gives for a prompt. */
export interface Prediction {
  /** Mask of `width * height` pixels, those of the original image, row by row: 255 inside, 0 outside. */
  mask: Uint8Array;
  /** Width, pixels. */
  width: number;
  /** Height, pixels. */
  height: number;
  /** IoU that the model predicts for its mask, 0 to 1. */
  score: number;
  /** Logits of the mask, 256 x 256; the picture fills the top left, its long side 256. Above 0 is inside. */
  lowResLogits: Float32Array;
}

/** Predicted IoU of each prediction as the decoder gives it: that of a linear layer, which nothing keeps below 1. */
const unbounded = new WeakMap<Prediction, number>();

/** Returns what tells the better of two predictions, though both may show a predicted IoU of 1. */
export function rankOf(prediction: Prediction): number {
  return unbounded.get(prediction) ?? prediction.score;
}

/** Makes the prediction for a picture that there is no prompt for: an empty mask, of a predicted IoU of 0. */
export function emptyPrediction({ width, height }: Size): Prediction {
  const lowResLogits = new Float32Array(LOW_RES_SIDE ** 2).fill(-1);
  return { mask: new Uint8Array(width * height), width, height, score: 0, lowResLogits };
}

/** Embedding of an image. It holds 4 MiB of native memory until `dispose`. */
export class ImageEmbedding {
  constructor(
    /** Native handle, 1 x 256 x 64 x 64. */
    readonly embeddings: Embeddings,
    /** Size of the original image, pixels. */
    readonly width: number,
    /** Height of the original image, pixels. */
    readonly height: number,
    /** Side N of the square that the picture was first resized to; undefined: none. */
    readonly imageSize?: number,
    /** Where there is a picture, width*height: 0 where it is transparent or holds no data, so that nothing is predicted; undefined: everywhere. */
    readonly valid?: Uint8Array,
  ) {}

  /** Frees the native memory. */
  dispose(): void {
    this.embeddings.dispose();
  }

  /** Frees the native memory, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** A model that is loaded: encodes images, and gives masks to prompts. It holds native memory until `dispose`. */
export class SamModel {
  /** Names, files and hashes of what was loaded. */
  readonly info: ResolvedModel;
  /** Device that the model computes on. */
  readonly device: string;
  /** Precision of the encoder and of the decoder's autocast. */
  readonly precision: Precision;
  readonly #model: NativeModel;
  /** Encoder, loaded when the first image comes: embeddings from a store need none. */
  #encoder: Promise<ImageEncoder> | undefined;
  #disposed = false;

  private constructor(info: ResolvedModel, device: string, precision: Precision, model: NativeModel) {
    this.info = info;
    this.device = device;
    this.precision = precision;
    this.#model = model;
  }

  /**
   * Loads a model.
   *
   * @param spec `mobile-sam`, `facebook/sam-vit-base`, weights (file or folder), a run folder (its best checkpoint) or a checkpoint.
   * @throws SamError `SAM_NOT_FOUND`, `SAM_BAD_CHECKPOINT`, `SAM_BAD_ENCODER`, `SAM_NETWORK`: the model; `SAM_NO_CUDA`: no such GPU;
   * `SAM_NO_ADDON`: the addon is not built; `SAM_BAD_OPTION`: options.
   */
  static async load(spec: string, options: LoadOptions = {}): Promise<SamModel> {
    const { device, precision, threads, encoder, cacheDir, ...hooks } = parseOptions(loadSchema, {
      ...requireOptions(options),
      spec,
    });
    const { signal } = hooks;
    signal?.throwIfAborted();
    const compute = computeOn({ device, precision, threads }, hooks);
    const info = await resolveModel(spec, { encoder, cacheDir, signal, onNote: hooks.onNote });
    return SamModel.fromResolved(info, compute, signal);
  }

  /** Loads a model from what `resolveModel` found. */
  static async fromResolved(
    info: ResolvedModel,
    compute: { device: string; precision: Precision },
    signal?: AbortSignal,
  ): Promise<SamModel> {
    parseOptions(resolvedSchema, { info, compute, signal });
    const { device, precision } = compute;
    try {
      const model = await native().loadModel({ ...decoderFiles(info), device, precision });
      if (signal?.aborted) {
        model.dispose();
        throw signal.reason;
      }
      return new SamModel(info, device, precision, model);
    } catch (error) {
      throw signal?.aborted ? signal.reason : fromNative(error);
    }
  }

  /**
   * Encodes an image, off the main thread. This is the slow part: some tenths of a second to seconds on a CPU.
   *
   * @param image A path, the bytes of an image file, or pixels (interleaved 8-bit RGB).
   * @param options.imageSize First resize the picture to N x N, as the model was trained.
   * @throws SamError `SAM_NOT_FOUND`, `SAM_BAD_DATA`: no image, or one cut short; the signal's reason when aborted.
   */
  async embed(
    image: string | Uint8Array | DecodedImage,
    options: { imageSize?: number; signal?: AbortSignal } = {},
  ): Promise<ImageEmbedding> {
    const { imageSize, signal } = parseOptions(embedSchema, { ...requireOptions(options), image });
    signal?.throwIfAborted();
    const { pixels, width, height, valid } = await decodeAny(image);
    const size = imageSize === undefined ? {} : { imageSize };
    const encoder = await this.#loadEncoder();
    try {
      const encoding = await encoder.begin({ pixels, width, height, ...size });
      try {
        const embeddings = await runEncoding(encoding, signal);
        return new ImageEmbedding(embeddings, width, height, imageSize, valid);
      } finally {
        encoding.dispose();
      }
    } catch (error) {
      throw signal?.aborted ? signal.reason : fromNative(error);
    }
  }

  /**
   * Predicts the mask of a prompt, at the size of the original image.
   *
   * @throws SamError `SAM_BAD_ARGUMENT`: no prompt, or one outside the picture; `SAM_BAD_OPTION`: options.
   */
  async predict(embedding: ImageEmbedding, options: PredictOptions): Promise<Prediction> {
    const given = parseOptions(predictSchema, { ...requireOptions(options), embedding });
    const { maskOutput, pointSets, multiMask, padTo, maskPrompt, signal } = given;
    const { width, height, imageSize } = embedding;
    const prompt = checkPrompt(options, width, height, 'the image');
    signal?.throwIfAborted();
    const prompts = toPromptBatch([[prompt]], [frameOf(embedding)], { pointSets, padTo });
    if (maskPrompt !== undefined) prompts.masks = repeated(maskPrompt, prompts.promptsPerImage);
    const found = await nativeCall(() =>
      this.#model.predict({
        embeddings: embedding.embeddings,
        prompts,
        selection: { maskOutput, multiMask },
        sizes: Int32Array.of(height, width),
        ...(imageSize === undefined ? {} : { imageSize }),
      }),
    );
    signal?.throwIfAborted();
    const iou = found.scores[0]!;
    const score = Math.min(1, Math.max(0, iou));
    const mask = found.masks[0]!;
    embedding.valid?.forEach((there, at) => {
      if (there === 0) mask[at] = 0;
    });
    const prediction = { mask, width, height, score, lowResLogits: found.lowResLogits };
    unbounded.set(prediction, iou);
    return prediction;
  }

  /**
   * Runs the decoder alone on several prompts of one image. Returns the masks of each prompt (three with `multi`) as 256 x 256 logits,
   * and their predicted IoU as the decoder gives it: for choosing among masks, since it may lie beyond 1.
   */
  async decode(
    embedding: ImageEmbedding,
    prompts: readonly Prompt[],
    maskOutput: MaskOutput = 'multi',
  ): Promise<Decoded> {
    parseOptions(decodeSchema, { embedding, prompts, maskOutput });
    const batch = toPromptBatch([prompts], [frameOf(embedding)], { pointSets: 'joint' });
    return nativeCall(() => this.#model.decode({ embeddings: embedding.embeddings, prompts: batch, maskOutput }));
  }

  /** Frees the native memory, which the system has back then. Work in flight is finished first; later calls fail with `SAM_DISPOSED`. */
  dispose(): void {
    this.#disposed = true;
    this.#model.dispose();
    this.#encoder?.then(
      (encoder) => encoder.dispose(),
      () => {},
    );
  }

  /** Frees the native memory, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Loads the encoder, one however many images come at once; a failed load may be tried again. */
  async #loadEncoder(): Promise<ImageEncoder> {
    if (this.#disposed) throw new SamError('SAM_DISPOSED', 'the model has been disposed of');
    const { device, precision } = this;
    const loading = this.#encoder ?? native().loadEncoder({ path: this.info.encoder, device, precision });
    this.#encoder = loading;
    try {
      return await loading;
    } catch (error) {
      this.#encoder = undefined;
      throw fromNative(error);
    }
  }
}

/** Repeats a mask, to stand beside each of several prompts. */
function repeated(mask: Float32Array, times: number): Float32Array {
  const masks = new Float32Array(mask.length * times);
  for (let time = 0; time < times; time++) masks.set(mask, time * mask.length);
  return masks;
}

function frameOf({ width, height, imageSize }: ImageEmbedding) {
  return { imageWidth: width, imageHeight: height, imageSize };
}

async function decodeAny(image: string | Uint8Array | DecodedImage): Promise<DecodedImage> {
  if (typeof image === 'string') return decodeImage({ name: image, image: { path: resolve(image) } });
  if (image instanceof Uint8Array) return decodeImage({ name: 'image', image: { path: '(bytes)', bytes: image } });
  return image;
}
