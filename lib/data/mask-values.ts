/** Masks whose values or colours mean something: which there are, and the pixels of one of them. */
import { SamError } from '../core/errors.js';
import { Lru } from '../core/lru.js';
import { decodeValues, type ImageSize } from './decode.js';
import type { MaskValues } from './label.js';
import { lookAtValues } from './label-values.js';
import type { FileReference, Mask, MaskReference } from './sample.js';
import { inSlices } from './slices.js';

/** Most values that a mask of objects has: more are the noise of a JPEG, or a photograph. */
const MOST_VALUES = 4096;
const WITHOUT_LOSS = 'save masks of several objects without loss, each object with one value';
/** Number of decoded masks kept: samples of one mask follow each other. */
const MOST_KEPT = 4;

const kept = new Lru<FileReference, Promise<MaskValues>>(MOST_KEPT);

function valuesOf(file: FileReference): Promise<MaskValues> {
  const known = kept.get(file);
  if (known !== undefined) return known;
  const values = decodeValues(file).then((found) => withoutEdges(found, file));
  kept.set(file, values);
  values.catch(() => kept.delete(file));
  return values;
}

/**
 * Returns the values as they are.
 *
 * @throws SamError `SAM_BAD_DATA`: some are no objects or classes, but what a JPEG or an anti-aliased edge leaves between two.
 */
async function withoutEdges(found: MaskValues, file: FileReference): Promise<MaskValues> {
  const { codes, colours, width } = found;
  if (!(codes instanceof Uint8Array) && !colours) return found;
  const bytes = new Uint8Array(codes.length);
  const counts = new Uint32Array(256);
  await inSlices(codes.length, (start, end) => {
    for (let pixel = start; pixel < end; pixel++) {
      const code = codes[pixel]!;
      bytes[pixel] = colours ? Math.max(code >> 16, (code >> 8) & 0xff, code & 0xff) : code;
      counts[bytes[pixel]!]!++;
    }
  });
  if (!lookAtValues(bytes, counts, width).doubts.includes('between')) return found;
  const what = 'has values between two ends, as a JPEG or an anti-aliased edge leaves them: each would be an object';
  throw new SamError('SAM_BAD_DATA', `mask ${file.path} ${what}`, { fix: WITHOUT_LOSS });
}

/**
 * Finds the values of a mask but 0, in their order, and writes them as {@link valueName} does.
 *
 * @throws SamError `SAM_BAD_DATA`: the mask cannot be decoded, or has so many values that they mean nothing.
 */
export async function namesOfValues(file: FileReference): Promise<string[]> {
  const { codes, colours } = await valuesOf(file);
  const distinct = new Set<number>();
  await inSlices(codes.length, (start, end) => {
    let before = 0;
    for (let pixel = start; pixel < end && distinct.size <= MOST_VALUES; pixel++) {
      const code = codes[pixel]!;
      if (code !== before) distinct.add(code);
      before = code;
    }
  });
  distinct.delete(0);
  if (distinct.size > MOST_VALUES) {
    throw new SamError('SAM_BAD_DATA', `mask ${file.path} has more than ${MOST_VALUES} values`, {
      fix: WITHOUT_LOSS,
    });
  }
  return [...distinct].sort((a, b) => a - b).map((code) => valueName(code, colours));
}

/** Writes a value as a number, a colour that is no grey as `rrggbb`. */
export function valueName(code: number, colours: boolean): string {
  if (!colours) return String(code);
  const hex = code.toString(16).padStart(6, '0');
  const grey = hex.slice(0, 2) === hex.slice(2, 4) && hex.slice(2, 4) === hex.slice(4);
  return grey ? String(code & 0xff) : hex;
}

/** Rewrites what a user writes for a value (`3`, `#ff8000`) as {@link valueName} does; a grey as a colour is its value. */
export function parseValue(text: string): string {
  const [, hex] = /^#([0-9a-f]{6})$/i.exec(text) ?? [];
  return hex === undefined ? String(Number(text)) : valueName(Number.parseInt(hex, 16), true);
}

/** A label made of the pixels of one value of a mask. */
export class ValueMask implements MaskReference {
  constructor(
    readonly file: FileReference,
    readonly value: string,
  ) {}

  get path(): string {
    return `${this.file.path}#${this.value}`;
  }

  async draw(_image: ImageSize): Promise<Mask> {
    const { codes, colours, labelled, width, height } = await valuesOf(this.file);
    const code = this.#codeIn(colours);
    const values = new Uint8Array(codes.length);
    await inSlices(codes.length, (start, end) => {
      for (let pixel = start; pixel < end; pixel++) {
        values[pixel] = codes[pixel] === code && labelled?.[pixel] !== 0 ? 1 : 0;
      }
    });
    return { values, ...(labelled !== undefined && { labelled }), width, height };
  }

  #codeIn(colours: boolean): number {
    const isColour = !/^-?\d+(\.\d+)?$/.test(this.value) || (colours && this.value.length === 6);
    if (isColour) return colours ? Number.parseInt(this.value, 16) : Number.NaN;
    return colours ? Number(this.value) * 0x010101 : Number(this.value);
  }
}
