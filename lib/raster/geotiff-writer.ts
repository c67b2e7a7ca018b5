/**
 * A GeoTIFF written row by row: one 8-bit band in deflated tiles of 512 x 512 pixels at most. The directory comes last, so that nothing but the
 * tiles in work is in memory; a file that outgrows 4 GB becomes a BigTIFF. (TIFF 6.0, BigTIFF, OGC 19-008r4.)
 */
import { type FileHandle, open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { deflate } from 'node:zlib';
import type { GeoTag } from './georeference.js';

/** Largest side of a tile, pixels. */
const TILE = 512;
/** Number that sides of tiles are multiples of (TIFF 6.0). */
const UNIT = 16;
/** Bytes of room for the header of either kind. */
const HEADER = 16;
/** Bytes of the largest classic TIFF, whose offsets have 32 bits; some room is left for the directory. */
const MOST_CLASSIC = 2 ** 32 - 2 ** 20;
const SHORT = 3;
const LONG = 4;
const LONG8 = 16;
const ASCII = 2;
const DOUBLE = 12;
/** Value of Compression for zlib, as Adobe registered it. */
const DEFLATE = 8;
const GDAL_NODATA = 42113;

const deflated = promisify(deflate);

/** Size of the picture, in pixels, and what the file says besides. */
export interface GeoTiffOptions {
  readonly width: number;
  readonly height: number;
  /** GeoTIFF tags of the raster that the pixels belong to. */
  readonly tags?: readonly GeoTag[] | undefined;
  /** Value that means no data. */
  readonly nodata?: number | undefined;
  /** Whether to write a BigTIFF; by default only where the file needs it. */
  readonly bigTiff?: boolean | undefined;
}

interface Tag {
  readonly code: number;
  readonly type: number;
  readonly values: readonly number[] | string;
}

/** A GeoTIFF that is being written. */
export class GeoTiffWriter {
  readonly #file: FileHandle;
  readonly #options: GeoTiffOptions;
  /** Rows of the tiles in work, as wide as whole tiles; what lies beyond the picture stays 0. */
  readonly #strip: Uint8Array;
  readonly #stride: number;
  /** Sides of a tile. A small picture's tile is no larger than it needs to be: libvips refuses larger ones. */
  readonly #tileWidth: number;
  readonly #tileHeight: number;
  /** Rows in {@link #strip}. */
  #filled = 0;
  /** Rows taken in all. */
  #rows = 0;
  #end = HEADER;
  #closed = false;
  readonly #offsets: number[] = [];
  readonly #counts: number[] = [];

  private constructor(file: FileHandle, options: GeoTiffOptions) {
    this.#file = file;
    this.#options = options;
    this.#tileWidth = Math.min(TILE, Math.ceil(options.width / UNIT) * UNIT);
    this.#tileHeight = Math.min(TILE, Math.ceil(options.height / UNIT) * UNIT);
    this.#stride = Math.ceil(options.width / this.#tileWidth) * this.#tileWidth;
    this.#strip = new Uint8Array(this.#stride * this.#tileHeight);
  }

  /** Makes the file, or empties it. It is no TIFF before {@link finish}: write to a temporary name. */
  static async create(path: string, options: GeoTiffOptions): Promise<GeoTiffWriter> {
    return new GeoTiffWriter(await open(path, 'w'), options);
  }

  /**
   * Takes the next rows.
   *
   * @param rows any number of whole rows, from the top on.
   */
  async write(rows: Uint8Array): Promise<void> {
    const { width, height } = this.#options;
    for (let at = 0; at < rows.length; at += width) {
      this.#strip.set(rows.subarray(at, at + width), this.#filled * this.#stride);
      this.#filled++;
      this.#rows++;
      if (this.#filled === this.#tileHeight || this.#rows === height) await this.#writeStrip();
    }
  }

  /** Writes the directory and closes the file. */
  async finish(): Promise<void> {
    if (this.#rows !== this.#options.height)
      throw new Error(`${this.#rows} rows of ${this.#options.height} were written`);
    const big = this.#options.bigTiff ?? this.#end + 16 * this.#offsets.length > MOST_CLASSIC;
    this.#end += this.#end % 2; // a directory begins on a word
    const directory = encodeDirectory(this.#tags(big), this.#end, big);
    await this.#append(directory);
    await this.#file.write(encodeHeader(this.#end - directory.length, big), 0, HEADER, 0);
    await this.close();
  }

  /** Closes the file, finished or not. May be called again. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#file.close();
  }

  async #writeStrip(): Promise<void> {
    const tiles: Promise<Buffer>[] = [];
    for (let x = 0; x < this.#stride; x += this.#tileWidth) tiles.push(deflated(this.#tile(x)));
    for (const tile of await Promise.all(tiles)) {
      this.#offsets.push(this.#end);
      this.#counts.push(tile.length);
      await this.#append(tile);
    }
    this.#strip.fill(0);
    this.#filled = 0;
  }

  #tile(x: number): Uint8Array {
    const width = this.#tileWidth;
    const tile = new Uint8Array(width * this.#tileHeight);
    for (let row = 0; row < this.#tileHeight; row++) {
      const from = row * this.#stride + x;
      tile.set(this.#strip.subarray(from, from + width), row * width);
    }
    return tile;
  }

  async #append(bytes: Uint8Array): Promise<void> {
    await this.#file.write(bytes, 0, bytes.length, this.#end);
    this.#end += bytes.length;
  }

  #tags(big: boolean): Tag[] {
    const { width, height, tags = [], nodata } = this.#options;
    const long = big ? LONG8 : LONG;
    const all: Tag[] = [
      { code: 256, type: LONG, values: [width] },
      { code: 257, type: LONG, values: [height] },
      { code: 258, type: SHORT, values: [8] }, // bits of a sample
      { code: 259, type: SHORT, values: [DEFLATE] },
      { code: 262, type: SHORT, values: [1] }, // black is zero
      { code: 277, type: SHORT, values: [1] }, // samples of a pixel
      { code: 284, type: SHORT, values: [1] }, // chunky
      { code: 322, type: SHORT, values: [this.#tileWidth] },
      { code: 323, type: SHORT, values: [this.#tileHeight] },
      { code: 324, type: long, values: this.#offsets },
      { code: 325, type: long, values: this.#counts },
      { code: 339, type: SHORT, values: [1] }, // whole numbers without a sign
      ...tags,
    ];
    if (nodata !== undefined) all.push({ code: GDAL_NODATA, type: ASCII, values: String(nodata) });
    return all.sort((a, b) => a.code - b.code);
  }
}

function encodeHeader(directory: number, big: boolean): Buffer {
  const header = Buffer.alloc(HEADER);
  header.write('II', 'latin1');
  header.writeUInt16LE(big ? 43 : 42, 2);
  if (big) {
    header.writeUInt16LE(8, 4); // bytes of an offset
    header.writeBigUInt64LE(BigInt(directory), 8);
  } else header.writeUInt32LE(directory, 4);
  return header;
}

/** Encodes a directory that begins at byte `start`, with the values that have no room in it behind it. */
function encodeDirectory(tags: readonly Tag[], start: number, big: boolean): Buffer {
  const [head, entry, room] = big ? [8, 20, 8] : [2, 12, 4];
  const table = Buffer.alloc(head + tags.length * entry + room); // the offset of a next directory stays 0
  const offset = (value: number, at: number) =>
    big ? table.writeBigUInt64LE(BigInt(value), at) : table.writeUInt32LE(value, at);
  if (big) table.writeBigUInt64LE(BigInt(tags.length));
  else table.writeUInt16LE(tags.length);
  const behind: Buffer[] = [];
  let end = start + table.length;
  tags.forEach((tag, index) => {
    const at = head + index * entry;
    const values = encodeValues(tag);
    table.writeUInt16LE(tag.code, at);
    table.writeUInt16LE(tag.type, at + 2);
    offset(values.length / BYTES[tag.type]!, at + 4);
    if (values.length <= room) values.copy(table, at + 4 + room);
    else {
      offset(end, at + 4 + room);
      const padded = values.length % 2 === 0 ? values : Buffer.concat([values, Buffer.alloc(1)]);
      behind.push(padded);
      end += padded.length;
    }
  });
  return Buffer.concat([table, ...behind]);
}

/** Bytes of a value, by its type. */
const BYTES: Readonly<Record<number, number>> = { [ASCII]: 1, [SHORT]: 2, [LONG]: 4, [LONG8]: 8, [DOUBLE]: 8 };

function encodeValues({ type, values }: Tag): Buffer {
  if (typeof values === 'string') return Buffer.from(`${values}\0`, 'latin1');
  const bytes = Buffer.alloc(values.length * BYTES[type]!);
  values.forEach((value, index) => {
    const at = index * BYTES[type]!;
    if (type === SHORT) bytes.writeUInt16LE(value, at);
    else if (type === LONG) bytes.writeUInt32LE(value, at);
    else if (type === LONG8) bytes.writeBigUInt64LE(BigInt(value), at);
    else bytes.writeDoubleLE(value, at);
  });
  return bytes;
}
