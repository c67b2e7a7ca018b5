/** The pixels of one page of a TIFF, read by window: which strips or tiles a window needs, and what of them lies in it. */
import { Lru } from '../../core/lru.js';
import { eachOf } from '../../core/parallel.js';
import type { Window } from '../windows.js';
import { requireCodec, unpack } from './codecs.js';
import { rowBytesOf, type Samples, samplesFor } from './samples.js';
import { COMPRESSION, FORMAT, nodataOf, type Page } from './tags.js';

/** Bytes of a TIFF by their place. */
export type Fetch = (slices: readonly { offset: number; length: number }[]) => Promise<Uint8Array[]>;

/** Blocks unpacked at a time. */
const PARALLEL = 4;
/** Least bytes, unpacked, of the strips that are unpacked together: a call for each row of a picture would take longer than its work. */
const LEAST_BYTES = 2 ** 18;
/** Bytes of unpacked blocks that are kept: windows of a striped picture that stand side by side need the same strips. */
const KEPT_BYTES = 2 ** 25;

/** A block: a tile, or strips that follow each other, unpacked. */
interface Block {
  readonly samples: Samples;
  /** First row of the page, and first column. */
  readonly y: number;
  readonly x: number;
  readonly rows: number;
}

/** Reader of a page's pixels. */
export class PageReader {
  /** Rows of a block: those of a tile, or of as many strips as are unpacked together. */
  readonly blockRows: number;
  readonly #blocks: Lru<string, { block: Promise<Block>; bytes: number }>;

  /** Makes the reader of a page. Throws where the page is of a kind that is not read. */
  constructor(
    readonly page: Page,
    private readonly fetch: Fetch,
  ) {
    requireCodec(page);
    samplesFor(page, 0);
    const stripBytes = rowBytesOf(page, this.#row) * page.blockHeight;
    const together = Math.max(1, Math.floor(LEAST_BYTES / stripBytes));
    this.blockRows = page.tiled ? page.blockHeight : Math.min(page.blockHeight * together, page.height);
    this.#blocks = new Lru(KEPT_BYTES, ({ bytes }) => bytes);
  }

  get #row() {
    return { width: this.page.blockWidth, channels: this.page.planar ? 1 : this.page.samples };
  }

  /** Reads a window, as stored, of some samples: an array for each. */
  async read(window: Window, wanted: readonly number[]): Promise<Samples[]> {
    const { page, blockRows } = this;
    const bands = wanted.map(() => samplesFor(page, window.width * window.height));
    const planes = page.planar ? wanted : [0];
    const places: { column: number; row: number; plane: number }[] = [];
    for (let row = Math.floor(window.y / blockRows); row * blockRows < window.y + window.height; row++) {
      const right = window.x + window.width;
      for (let column = Math.floor(window.x / page.blockWidth); column * page.blockWidth < right; column++) {
        for (const plane of new Set(planes)) places.push({ column, row, plane });
      }
    }
    await eachOf(places, PARALLEL, async ({ column, row, plane }) => {
      const block = await this.#block(column, row, plane);
      wanted.forEach((sample, index) => {
        if (page.planar && sample !== plane) return;
        this.#copy(block, page.planar ? 0 : sample, window, bands[index]!);
      });
    });
    return bands;
  }

  #copy({ samples, x, y, rows }: Block, channel: number, window: Window, into: Samples): void {
    const { width, channels } = this.#row;
    const [left, top] = [Math.max(x, window.x), Math.max(y, window.y)];
    const right = Math.min(x + width, window.x + window.width);
    const bottom = Math.min(y + rows, window.y + window.height);
    for (let row = top; row < bottom; row++) {
      let from = ((row - y) * width + left - x) * channels + channel;
      const to = (row - window.y) * window.width - window.x;
      for (let column = left; column < right; column++, from += channels) into[to + column] = samples[from]!;
    }
  }

  #block(column: number, row: number, plane: number): Promise<Block> {
    const key = `${plane} ${row} ${column}`;
    const known = this.#blocks.get(key);
    if (known !== undefined) return known.block;
    const block = this.#unpack(column, row, plane);
    const bytes = this.blockRows * this.#row.width * this.#row.channels * samplesFor(this.page, 0).BYTES_PER_ELEMENT;
    this.#blocks.set(key, { block, bytes });
    block.catch(() => this.#blocks.delete(key));
    return block;
  }

  async #unpack(column: number, row: number, plane: number): Promise<Block> {
    const { page, blockRows } = this;
    const [across, down] = [Math.ceil(page.width / page.blockWidth), Math.ceil(page.height / page.blockHeight)];
    const y = row * blockRows;
    const rows = page.tiled ? blockRows : Math.min(blockRows, page.height - y);
    const first = plane * across * down + Math.floor(y / page.blockHeight) * across + column;
    const places = Array.from({ length: Math.ceil(rows / page.blockHeight) }, (_, part) => this.#placeOf(first + part));
    const at = { y, x: column * page.blockWidth, rows };
    if (places.every(({ length }) => length === 0)) return { ...at, samples: this.#missing(rows) };
    if (places.some(({ length }) => length === 0)) throw new Error('some of its strips are missing');
    const parts = await this.fetch(places);
    return { ...at, samples: await unpack(page, { parts, rows, partRows: page.blockHeight, row: this.#row }) };
  }

  /** Checks that a file of so many bytes holds all blocks. */
  requireWithin(size: number): void {
    for (let index = 0; index < this.page.offsets.length; index++) {
      const { offset, length } = this.#placeOf(index);
      if (offset + length > size) throw new Error('it ends before its last pixels');
    }
  }

  /** Returns where a strip or tile lies; of length 0: the file leaves it out. */
  #placeOf(index: number): { offset: number; length: number } {
    const { offsets, counts, compression, tiled, height, blockHeight } = this.page;
    if (index >= offsets.length) throw new Error("it doesn't say where all its pixels are");
    const offset = Number(offsets[index]);
    const length = Number(counts[index] ?? 0);
    if (offset === 0 && length === 0) return { offset, length };
    if (compression !== COMPRESSION.none) {
      if (length === 0) throw new Error("it doesn't say how long its blocks are");
      return { offset, length };
    }
    // What is not packed is as long as its pixels, whatever the file says: some programs write 0, or too much.
    const first = (index % Math.ceil(height / blockHeight)) * blockHeight;
    const rows = tiled ? blockHeight : Math.min(blockHeight, height - first);
    return { offset, length: rows * rowBytesOf(this.page, this.#row) };
  }

  /** Makes a block that the file leaves out: it holds no data (GDAL's sparse files). */
  #missing(rows: number): Samples {
    const samples = samplesFor(this.page, rows * this.#row.width * this.#row.channels);
    return samples.fill(withinType(nodataOf(this.page) ?? 0, this.page));
  }
}

/** Brings a value for no data into the range of whole samples, as GDAL does. */
function withinType(value: number, { format, bits }: Page): number {
  if (format === FORMAT.real) return value;
  const [least, most] = format === FORMAT.signed ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
  return Math.min(most, Math.max(least, Number.isNaN(value) ? 0 : value));
}
