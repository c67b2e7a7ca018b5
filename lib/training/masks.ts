/** Labels on the decoder's grid, decoded when first needed; as many are kept as fit a fixed amount of memory, as runs. */
import { Lru } from '../core/lru.js';
import { decodeMask, imageSize } from '../data/decode.js';
import { type LowResMask, toLowRes } from '../data/low-res.js';
import type { Sample } from '../data/sample.js';

/** Memory for labels: some 5,000 of 500 runs. A set of any size takes no more; decoding one anew takes milliseconds, beside the step. */
const MEMORY_BYTES = 8 * 2 ** 20;
/** Bytes that an entry takes besides its runs. */
const ENTRY_BYTES = 512;
const LONGEST_RUN = 2 ** 16 - 1;

/** A label as lengths of runs of zeros and ones in turn, zeros first. Runs too long for one number are several, with empty ones between. */
type PackedMask = Omit<LowResMask, 'values'> & { readonly runs: Uint16Array };

export class LowResMasks {
  readonly #masks = new Lru<string, PackedMask>(MEMORY_BYTES, ({ runs }) => runs.byteLength + ENTRY_BYTES);

  /**
   * @param maskSize side of the grid.
   * @param pictureSize side of the square that pictures are first squashed to, where they are.
   */
  constructor(
    readonly maskSize: number,
    readonly pictureSize: number | undefined,
  ) {}

  /** Number of labels that are kept just now. */
  get kept(): number {
    return this.#masks.size;
  }

  /**
   * Returns the label of a sample, on the grid.
   *
   * @throws SamError `SAM_BAD_DATA`: the label does not decode, or has another size than the image.
   */
  async get(sample: Sample): Promise<LowResMask> {
    // Splits may use one name twice; a label's path is its own.
    const key = `${sample.view ?? 0} ${sample.mask?.path ?? sample.name}`;
    const kept = this.#masks.get(key);
    if (kept !== undefined) return unpack(kept);
    const mask = toLowRes(await decodeMask(sample, await imageSize(sample)), this.maskSize, this.pictureSize);
    this.#masks.set(key, pack(mask));
    return mask;
  }
}

function pack({ values, ...rest }: LowResMask): PackedMask {
  const runs: number[] = [];
  let [start, inside] = [0, 0];
  for (let at = 0; at <= values.length; at++) {
    if (values[at] === inside) continue;
    for (; at - start > LONGEST_RUN; start += LONGEST_RUN) runs.push(LONGEST_RUN, 0);
    runs.push(at - start);
    [start, inside] = [at, 1 - inside];
  }
  return { ...rest, runs: Uint16Array.from(runs) };
}

function unpack({ runs, ...rest }: PackedMask): LowResMask {
  const values = new Uint8Array(rest.size * rest.size);
  let at = 0;
  runs.forEach((run, index) => {
    if (index % 2 === 1) values.fill(1, at, at + run);
    at += run;
  });
  return { ...rest, values };
}
