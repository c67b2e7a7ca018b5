/** Labels on the decoder's grid, decoded when first needed; as many are kept as fit a fixed amount of memory. */
import { decodeMask, imageSize } from '../data/decode.js';
import { toLowRes } from '../data/low-res.js';
import type { Sample } from '../data/sample.js';
import type { LowResMask } from '../prompts/prompt.js';

const MEMORY_BYTES = 128 * 2 ** 20;

export class LowResMasks {
  /** Least recently used first: a Map keeps the order of insertion. */
  readonly #masks = new Map<string, LowResMask>();
  readonly #most: number;

  /** `maskSize`: side of the grid. `pictureSize`: pictures are first squashed to a square of this side. */
  constructor(
    readonly maskSize: number,
    readonly pictureSize: number | undefined,
  ) {
    this.#most = Math.max(1, Math.floor(MEMORY_BYTES / (maskSize * maskSize)));
  }

  /** @throws SamError `SAM_BAD_DATA`: the label does not decode or has another size than the image. */
  async get(sample: Sample): Promise<LowResMask> {
    // Splits may use one name twice; a label's path is its own.
    const key = sample.mask?.path ?? sample.name;
    const kept = this.#masks.get(key);
    const mask = kept ?? toLowRes(await decodeMask(sample, await imageSize(sample)), this.maskSize, this.pictureSize);
    this.#masks.delete(key);
    this.#masks.set(key, mask);
    if (this.#masks.size > this.#most) {
      const oldest = this.#masks.keys().next();
      if (oldest.done !== true) this.#masks.delete(oldest.value);
    }
    return mask;
  }
}
