/** Labels on the decoder's grid, decoded when first needed; as many are kept as fit a fixed amount of memory, as runs. */
import { Lru } from '../core/lru.js';
import { decodeMask, imageSize } from '../data/decode.js';
import { type LowResMask, toLowRes } from '../data/low-res.js';
import type { Mask, Sample } from '../data/sample.js';

/** Memory for labels: some 5,000 of 500 runs. A set of any size takes no more; decoding one anew takes milliseconds, beside the step. */
const MEMORY_BYTES = 8 * 2 ** 20;
/** Bytes that an entry takes besides its runs. */
const ENTRY_BYTES = 512;
const LONGEST_RUN = 2 ** 16 - 1;

/** Lengths of runs of zeros and ones in turn, zeros first. Runs too long for one number are several, with empty ones between. */
type Runs = Uint16Array;
interface PackedMask extends Omit<LowResMask, 'values' | 'labelled'> {
  readonly runs: Runs;
  /** Runs of the pixels that have a label, and of those whose middle has one; undefined where all have. */
  readonly labelled?: readonly [there: Runs, middles: Runs];
}

export class LowResMasks {
  readonly #masks = new Lru<string, PackedMask>(MEMORY_BYTES, bytesOf);

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
   * @param look takes the label at its own size, where it has to be decoded.
   * @throws SamError `SAM_BAD_DATA`: the label does not decode, or has another size than the image.
   */
  async get(sample: Sample, look?: (label: Mask) => Promise<void>): Promise<LowResMask> {
    // Splits may use one name twice; a label's path is its own.
    const key = `${sample.view ?? 0} ${sample.mask?.path ?? sample.name}`;
    const kept = this.#masks.get(key);
    if (kept !== undefined) return unpack(kept);
    const label = await decodeMask(sample, await imageSize(sample));
    await look?.(label);
    const mask = toLowRes(label, this.maskSize, this.pictureSize);
    this.#masks.set(key, pack(mask));
    return mask;
  }
}

function bytesOf({ runs, labelled }: PackedMask): number {
  return [runs, ...(labelled ?? [])].reduce((bytes, some) => bytes + some.byteLength, ENTRY_BYTES);
}

function pack({ values, labelled, ...rest }: LowResMask): PackedMask {
  const runs = runsOf(values);
  if (labelled === undefined) return { ...rest, runs };
  const [there, middles] = [labelled.map((value) => Math.min(value, 1)), labelled.map((value) => Number(value === 1))];
  return { ...rest, runs, labelled: [runsOf(there), runsOf(middles)] };
}

function unpack({ runs, labelled, ...rest }: PackedMask): LowResMask {
  const length = rest.size * rest.size;
  const values = valuesOf(runs, length);
  if (labelled === undefined) return { ...rest, values };
  const [there, middles] = labelled.map((some) => valuesOf(some, length)) as [Uint8Array, Uint8Array];
  return { ...rest, values, labelled: there.map((value, at) => 2 * value - middles[at]!) };
}

function runsOf(values: Uint8Array): Runs {
  const runs: number[] = [];
  let [start, inside] = [0, 0];
  for (let at = 0; at <= values.length; at++) {
    if (values[at] === inside) continue;
    for (; at - start > LONGEST_RUN; start += LONGEST_RUN) runs.push(LONGEST_RUN, 0);
    runs.push(at - start);
    [start, inside] = [at, 1 - inside];
  }
  return Uint16Array.from(runs);
}

function valuesOf(runs: Runs, length: number): Uint8Array {
  const values = new Uint8Array(length);
  let at = 0;
  runs.forEach((run, index) => {
    if (index % 2 === 1) values.fill(1, at, at + run);
    at += run;
  });
  return values;
}
