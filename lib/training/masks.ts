/** Labels on the decoder's grid, decoded when first needed; as many are kept as fit a fixed amount of memory, a bit a pixel. */
import { decodeMask, imageSize } from '../data/decode.js';
import { toLowRes } from '../data/low-res.js';
import type { Sample } from '../data/sample.js';
import type { LowResMask } from '../prompts/prompt.js';

/** 3,700 masks of 256 x 256: a set of any size takes no more. Decoding one anew takes some milliseconds, beside the step. */
const MEMORY_BYTES = 32 * 2 ** 20;
/** What an entry takes besides its bits. */
const ENTRY_BYTES = 512;

type PackedMask = Omit<LowResMask, 'values'> & { readonly bits: Uint8Array };

export class LowResMasks {
  /** Least recently used first: a Map keeps the order of insertion. */
  readonly #masks = new Map<string, PackedMask>();
  readonly #most: number;

  /** `maskSize`: side of the grid. `pictureSize`: pictures are first squashed to a square of this side. */
  constructor(
    readonly maskSize: number,
    readonly pictureSize: number | undefined,
  ) {
    this.#most = Math.max(1, Math.floor(MEMORY_BYTES / (Math.ceil((maskSize * maskSize) / 8) + ENTRY_BYTES)));
  }

  /** Masks that are kept just now. */
  get kept(): number {
    return this.#masks.size;
  }

  /** @throws SamError `SAM_BAD_DATA`: the label does not decode or has another size than the image. */
  async get(sample: Sample): Promise<LowResMask> {
    // Splits may use one name twice; a label's path is its own.
    const key = `${sample.view ?? 0} ${sample.mask?.path ?? sample.name}`;
    const kept = this.#masks.get(key);
    if (kept !== undefined) {
      this.#keep(key, kept);
      return unpack(kept);
    }
    const mask = toLowRes(await decodeMask(sample, await imageSize(sample)), this.maskSize, this.pictureSize);
    this.#keep(key, pack(mask));
    return mask;
  }

  #keep(key: string, mask: PackedMask): void {
    this.#masks.delete(key);
    this.#masks.set(key, mask);
    if (this.#masks.size <= this.#most) return;
    const oldest = this.#masks.keys().next();
    if (oldest.done !== true) this.#masks.delete(oldest.value);
  }
}

function pack({ values, ...rest }: LowResMask): PackedMask {
  const bits = new Uint8Array(Math.ceil(values.length / 8));
  for (let at = 0; at < values.length; at++) bits[at >> 3]! |= values[at]! << (at & 7);
  return { ...rest, bits };
}

function unpack({ bits, ...rest }: PackedMask): LowResMask {
  const values = new Uint8Array(rest.size * rest.size);
  for (let at = 0; at < values.length; at++) values[at] = (bits[at >> 3]! >> (at & 7)) & 1;
  return { ...rest, values };
}
