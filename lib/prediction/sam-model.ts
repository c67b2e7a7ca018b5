/**
 * The Segment Anything Model as a program uses it: an image becomes an embedding once, and each prompt then costs milliseconds.
 *
 * ```ts
 * import { SamModel } from 'sam-native';
 *
 * using model = await SamModel.load('mobile-sam');
 * using embedding = await model.embed('river.jpg');
 * const { mask, score } = await embedding.predict({ points: [[120, 80]] });
 * ```
 */
import { z } from 'zod';
import type { Decoded, ImageEncoder, MaskOutput, SamModel as NativeModel, Precision } from '../../binding.js';
import { fromNative, native, nativeCall } from '../addon/native.js';
import { SamError } from '../core/errors.js';
import { hookOptions, parseOptions, requireOptions } from '../core/parse-options.js';
import { computeOn } from '../device.js';
import { runEncoding } from '../embeddings/encode.js';
import { decoderFiles, type ResolvedModel } from '../models/model.js';
import { resolveModel } from '../models/resolve.js';
import { modelOptions, promptOptions } from '../options.js';
import { toPromptBatch } from '../prompts/batch.js';
import type { Prompt } from '../prompts/prompt.js';
import { type AllMasks, type PredictOptions, predictEach, readPrompt } from './ask-decoder.js';
import { answeredBy, ImageEmbedding } from './image-embedding.js';
import { IMAGE_INPUT, type ImageInput, isImageInput, readImage } from './image-input.js';
import type { Prediction } from './prediction.js';
import { userPromptTypes } from './user-prompt.js';

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

const embedSchema = z.strictObject({
  image: z.custom<ImageInput>(isImageInput, IMAGE_INPUT),
  imageSize: promptOptions.imageSize,
  signal: hookOptions.signal,
});

const embeddingType = z.custom<ImageEmbedding>(
  (value) => value instanceof ImageEmbedding,
  'expected the ImageEmbedding of a picture',
);

const decodeSchema = z.strictObject({
  embedding: embeddingType,
  prompts: z.array(
    z.looseObject({ points: userPromptTypes.points.unwrap(), labels: z.array(z.number()), box: userPromptTypes.box }),
    'expected prompts, { points, labels, box } each',
  ),
  maskOutput: promptOptions.maskOutput,
  signal: hookOptions.signal,
});

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
   * @param image A path, the bytes of an image file, pixels, or what else {@link ImageInput} names.
   * @param options.imageSize First resize the picture to N x N, as the model was trained.
   * @throws SamError `SAM_NOT_FOUND`, `SAM_BAD_DATA`: no image, or one cut short; `SAM_BAD_OPTION`: options, or no kind of picture that
   * is taken; the signal's reason when aborted.
   */
  async embed(
    image: ImageInput,
    options: { imageSize?: number | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<ImageEmbedding> {
    const { imageSize, signal } = parseOptions(embedSchema, { ...requireOptions(options), image });
    signal?.throwIfAborted();
    const { pixels, width, height, valid } = await readImage(image);
    signal?.throwIfAborted();
    const size = imageSize === undefined ? {} : { imageSize };
    const encoder = await this.#loadEncoder();
    try {
      const encoding = await encoder.begin({ pixels, width, height, ...size });
      try {
        const embeddings = await runEncoding(encoding, signal);
        return answeredBy(this.#model, new ImageEmbedding(embeddings, width, height, imageSize, valid));
      } finally {
        encoding.dispose();
      }
    } catch (error) {
      throw signal?.aborted ? signal.reason : fromNative(error);
    }
  }

  /**
   * Predicts the mask of a prompt, at the size of the original image, or with `multimask` all that the decoder makes of it, as
   * {@link ImageEmbedding.predict} does, which takes many prompts too.
   *
   * @throws SamError `SAM_BAD_ARGUMENT`: no prompt, or one outside the picture; `SAM_BAD_OPTION`: options.
   */
  async predict(embedding: ImageEmbedding, options: PredictOptions & AllMasks): Promise<Prediction[]>;
  async predict(embedding: ImageEmbedding, options: PredictOptions): Promise<Prediction>;
  async predict(embedding: ImageEmbedding, options: PredictOptions): Promise<Prediction | Prediction[]> {
    parseOptions(z.strictObject({ embedding: embeddingType }), { embedding });
    const question = readPrompt(embedding, options);
    const [masks] = await predictEach(this.#model, embedding, question);
    return question.how.multimask ? masks! : masks![0]!;
  }

  /**
   * Runs the decoder alone on several prompts of one image. Returns the masks of each prompt (three with `multi`) as 256 x 256 logits,
   * and their predicted IoU as the decoder gives it: for choosing among masks, since it may lie beyond 1.
   */
  async decode(
    embedding: ImageEmbedding,
    prompts: readonly Prompt[],
    maskOutput: MaskOutput = 'multi',
    options: { signal?: AbortSignal | undefined } = {},
  ): Promise<Decoded> {
    const given = { ...requireOptions(options), embedding, prompts, maskOutput };
    const { signal } = parseOptions(decodeSchema, given);
    signal?.throwIfAborted();
    const { embeddings, width: imageWidth, height: imageHeight, imageSize } = embedding;
    const batch = toPromptBatch([prompts], [{ imageWidth, imageHeight, imageSize }], { pointSets: 'joint' });
    const decoded = await nativeCall(() => this.#model.decode({ embeddings, prompts: batch, maskOutput }));
    signal?.throwIfAborted();
    return decoded;
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
