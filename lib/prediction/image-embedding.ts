/** The embedding of a picture: made once, and asked with any number of prompts. */
import type { Embeddings, SamModel as NativeModel } from '../../binding.js';
import { SamError } from '../core/errors.js';
import {
  type AllMasks,
  type AskOptions,
  type PredictOptions,
  type PredictPrompt,
  predictEach,
  readPrompt,
  readPrompts,
} from './ask-decoder.js';
import type { Prediction } from './prediction.js';

/** Models that embeddings were made with, and which answer their prompts. */
const models = new WeakMap<ImageEmbedding, NativeModel>();

/** Returns the embedding, whose prompts the model answers from now on. */
export function answeredBy(model: NativeModel, embedding: ImageEmbedding): ImageEmbedding {
  models.set(embedding, model);
  return embedding;
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

  /**
   * Predicts the masks of one prompt or of many, at the size of the original image, by the model that made the embedding. Many go
   * through the decoder together, which is quicker than one after the other. Options go behind the prompts; with one prompt they may
   * stand in it.
   *
   * ```ts
   * import { SamModel } from 'sam-native';
   *
   * using model = await SamModel.load('mobile-sam');
   * using embedding = await model.embed('river.jpg');
   * const best = await embedding.predict({ points: [[120, 80]] });
   * const [whole, part, subpart] = await embedding.predict({ points: [[120, 80]] }, { multimask: true });
   * const trees = await embedding.predict([{ points: [[40, 60]] }, { box: [200, 20, 260, 90] }]);
   * console.log(best.score, whole?.score, part?.score, subpart?.score, trees.map(({ area }) => area));
   * ```
   * @returns for each prompt its mask; with `multimask` all that the decoder makes of it (three), the highest score first.
   * @throws SamError `SAM_BAD_ARGUMENT`: no prompt, or one outside the picture; `SAM_BAD_OPTION`: options, or what is no prompt; the
   * signal's reason when aborted.
   */
  predict(prompt: PredictOptions & AllMasks, options?: AskOptions): Promise<Prediction[]>;
  predict(prompt: PredictOptions, options: AskOptions & AllMasks): Promise<Prediction[]>;
  predict(prompt: PredictOptions, options?: AskOptions & { multimask?: false }): Promise<Prediction>;
  predict(prompts: readonly PredictPrompt[], options: AskOptions & AllMasks): Promise<Prediction[][]>;
  predict(prompts: readonly PredictPrompt[], options?: AskOptions & { multimask?: false }): Promise<Prediction[]>;
  async predict(
    given: PredictOptions | readonly PredictPrompt[],
    options: object = {},
  ): Promise<Prediction | Prediction[] | Prediction[][]> {
    const question = isMany(given) ? readPrompts(this, given, options) : readPrompt(this, given, options);
    const model = models.get(this);
    if (model === undefined) {
      throw new SamError('SAM_BAD_ARGUMENT', 'no model made this embedding', {
        fix: 'ask a model with it: model.predict(embedding, prompt)',
      });
    }
    const found = await predictEach(model, this, question);
    const taken = question.how.multimask ? found : found.map(([best]) => best!);
    return isMany(given) ? taken : taken[0]!;
  }

  /** Frees the native memory. */
  dispose(): void {
    this.embeddings.dispose();
  }

  /** Frees the native memory, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

function isMany(given: PredictOptions | readonly PredictPrompt[]): given is readonly PredictPrompt[] {
  return Array.isArray(given);
}
