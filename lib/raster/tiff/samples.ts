/** Samples of a strip or tile, of 1 to 64 bits in either byte order, as an array of numbers. */
import { FORMAT, NotRead, type Page } from './tags.js';

/** Numbers that hold any sample exactly; whole numbers of 64 bits as real ones, which holds them up to 2^53. */
export type Samples =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Float32Array
  | Float64Array;

/** What a row of a block is made of. */
export interface RowShape {
  /** Pixels of a row. */
  readonly width: number;
  /** Samples of a pixel that stand together. */
  readonly channels: number;
}

/** Returns the bytes of a row, unpacked: it ends on a whole byte. */
export function rowBytesOf({ bits }: Pick<Page, 'bits'>, { width, channels }: RowShape): number {
  return Math.ceil((width * channels * bits) / 8);
}

/** Makes an array for so many samples of a page. Throws where samples are of a type that is not read. */
export function samplesFor({ format, bits }: Pick<Page, 'format' | 'bits'>, length: number): Samples {
  if (format === FORMAT.unsigned && bits >= 1) {
    if (bits <= 8) return new Uint8Array(length);
    if (bits <= 16) return new Uint16Array(length);
    if (bits <= 32) return new Uint32Array(length);
  }
  if (format === FORMAT.signed) {
    if (bits === 8) return new Int8Array(length);
    if (bits === 16) return new Int16Array(length);
    if (bits === 32) return new Int32Array(length);
  }
  if (format === FORMAT.real && (bits === 16 || bits === 32)) return new Float32Array(length);
  if (bits === 64) return new Float64Array(length);
  const type = format === FORMAT.real ? 'real' : format === FORMAT.signed ? 'signed' : 'whole';
  throw new NotRead(`its samples are ${type} numbers of ${bits} bits`);
}

/** Takes the samples out of rows of bytes, which it may change. */
export function unpackSamples(page: Page, bytes: Uint8Array, rows: number, row: RowShape): Samples {
  const { bits, format } = page;
  if (bits < 8 || (bits % 8 !== 0 && bits < 32)) return unpackBits(page, bytes, rows, row);
  const length = rows * row.width * row.channels;
  const size = bits / 8;
  const own = aligned(bytes.subarray(0, length * size), size);
  const difference = page.predictor === 2;
  if (page.predictor === 3) gatherReal(own, rows, row, size, page.littleEndian);
  if (!page.littleEndian) swap(own, size);
  if (difference) addUp(own, rows, row, size);
  return numbersOf(own, format, bits);
}

function aligned(bytes: Uint8Array, size: number): Uint8Array {
  return bytes.byteOffset % size === 0 ? bytes : bytes.slice();
}

function swap(bytes: Uint8Array, size: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (size === 2) buffer.swap16();
  else if (size === 4) buffer.swap32();
  else if (size === 8) buffer.swap64();
}

function numbersOf(bytes: Uint8Array, format: number, bits: number): Samples {
  const { buffer, byteOffset: at, byteLength } = bytes;
  const length = byteLength / (bits / 8);
  if (bits === 8) return format === FORMAT.signed ? new Int8Array(buffer, at, length) : bytes;
  if (bits === 16 && format === FORMAT.real) return fromHalves(new Uint16Array(buffer, at, length));
  if (bits === 16)
    return format === FORMAT.signed ? new Int16Array(buffer, at, length) : new Uint16Array(buffer, at, length);
  if (bits === 32 && format === FORMAT.real) return new Float32Array(buffer, at, length);
  if (bits === 32)
    return format === FORMAT.signed ? new Int32Array(buffer, at, length) : new Uint32Array(buffer, at, length);
  if (bits !== 64) return samplesFor({ format, bits }, 0); // throws: no such type
  if (format === FORMAT.real) return new Float64Array(buffer, at, length);
  const whole =
    format === FORMAT.signed ? new BigInt64Array(buffer, at, length) : new BigUint64Array(buffer, at, length);
  return Float64Array.from(whole as ArrayLike<bigint>, exactly);
}

function exactly(value: bigint): number {
  const number = Number(value);
  if (BigInt(number) !== value)
    throw new NotRead(`it holds the whole number ${value}, which needs more than 53 bits`, 'save it with 32 bits');
  return number;
}

/** Turns half-precision numbers (IEEE 754 binary16) into single-precision ones. */
function fromHalves(halves: Uint16Array): Float32Array {
  return Float32Array.from(halves, (half) => {
    const sign = half & 0x8000 ? -1 : 1;
    const [exponent, fraction] = [(half >> 10) & 0x1f, half & 0x3ff];
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    return sign * (1024 + fraction) * 2 ** (exponent - 25);
  });
}

/** Takes samples of less than a byte, or of no whole number of bytes, out of rows: the first bit is the highest. */
function unpackBits(page: Page, bytes: Uint8Array, rows: number, row: RowShape): Samples {
  const { bits, format, predictor } = page;
  if (format !== FORMAT.unsigned) samplesFor({ format, bits: format === FORMAT.signed ? 64.5 : bits }, 0);
  if (predictor !== 1) throw new NotRead(`it has a predictor, and ${bits} bits`);
  const perRow = row.width * row.channels;
  const samples = samplesFor(page, rows * perRow);
  const rowBytes = rowBytesOf(page, row);
  for (let y = 0, to = 0; y < rows; y++) {
    let [at, held, kept] = [y * rowBytes, 0, 0];
    for (let n = 0; n < perRow; n++) {
      for (; kept < bits; kept += 8) held = (held % 2 ** 40) * 256 + bytes[at++]!;
      kept -= bits;
      samples[to++] = Math.floor(held / 2 ** kept) % 2 ** bits;
      held %= 2 ** kept;
    }
  }
  return samples;
}

/** Undoes the difference between neighbours (Predictor 2), in the machine's own byte order. */
function addUp(bytes: Uint8Array, rows: number, { width, channels }: RowShape, size: number): void {
  const { buffer, byteOffset: at, byteLength } = bytes;
  const length = byteLength / size;
  const perRow = width * channels;
  const values =
    size === 8
      ? new BigUint64Array(buffer, at, length)
      : size === 4
        ? new Uint32Array(buffer, at, length)
        : size === 2
          ? new Uint16Array(buffer, at, length)
          : bytes;
  if (values === bytes && size !== 1) throw new NotRead(`it has a predictor, and ${8 * size} bits`);
  for (let y = 0; y < rows; y++) {
    const row = values.subarray(y * perRow, (y + 1) * perRow);
    if (row instanceof BigUint64Array) for (let n = channels; n < perRow; n++) row[n]! += row[n - channels]!;
    else for (let n = channels; n < perRow; n++) row[n]! += row[n - channels]!;
  }
}

/**
 * Undoes the predictor of real numbers (Predictor 3, TIFF Technical Note 3): the bytes of a row stand by their weight, the heaviest
 * first, and each is the difference to the one before. They become numbers in the file's own byte order.
 */
function gatherReal(
  bytes: Uint8Array,
  rows: number,
  { width, channels }: RowShape,
  size: number,
  littleEndian: boolean,
): void {
  const perRow = width * channels;
  for (let y = 0; y < rows; y++) {
    const row = bytes.subarray(y * perRow * size, (y + 1) * perRow * size);
    for (let n = channels; n < row.length; n++) row[n]! += row[n - channels]!;
    const planes = row.slice();
    for (let n = 0; n < perRow; n++) {
      for (let byte = 0; byte < size; byte++) {
        row[n * size + (littleEndian ? size - 1 - byte : byte)] = planes[byte * perRow + n]!;
      }
    }
  }
}
