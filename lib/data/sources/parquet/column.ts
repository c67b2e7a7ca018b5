/**
 * One leaf of a Parquet file's schema (`image.bytes`), row by row. A span of rows is read at a time: a row group's chunk of
 * the column, or some of its pages where an index says where they lie and they don't share a dictionary. A small cache keeps
 * the last spans, so that going through the rows in their order reads every page once.
 */

import { type ColumnChunk, type FileMetaData, parquetReadObjects, parquetSchema, readOffsetIndex } from 'hyparquet';
import { SamError, systemCode } from '../../../core/errors.js';
import { Lru } from '../../../core/lru.js';
import { without } from '../../../core/without.js';
import { COMPRESSORS, type ParquetFile } from './parquet-file.js';

/** Most bytes of pages that are read together. */
const SPAN_BYTES = 2 ** 24;
/** Number of spans kept: those on both sides of a border, which readers a few rows apart straddle. */
const SPANS_KEPT = 2;
/** Time without a read after which the cache is emptied: training goes on for hours without the pictures. */
const IDLE_MS = 60_000;

/** Rows `[start, end)` of the file. */
interface Span {
  readonly start: number;
  readonly end: number;
}

interface RowGroup extends Span {
  readonly chunk: ColumnChunk;
  spans: Promise<readonly Span[]> | undefined;
}

/** Values of the spans used last, of whatever file. */
export class SpanCache {
  readonly #values = new Lru<Span, Promise<readonly unknown[]>>(SPANS_KEPT);
  #idle: NodeJS.Timeout | undefined;

  get(span: Span, read: () => Promise<readonly unknown[]>): Promise<readonly unknown[]> {
    const kept = this.#values.get(span);
    const values = kept ?? read();
    // The oldest is dropped before this one is read, so that no more of them are in memory at once.
    if (kept === undefined) this.#values.set(span, values);
    values.catch(() => this.#values.delete(span));
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#values.clear(), IDLE_MS).unref();
    return values;
  }
}

export class LeafColumn {
  readonly #file: ParquetFile;
  readonly #path: readonly string[];
  readonly #metadata: FileMetaData;
  readonly #groups: readonly RowGroup[];
  readonly #cache: SpanCache;

  constructor(file: ParquetFile, path: readonly string[], cache: SpanCache) {
    this.#file = file;
    this.#path = path;
    this.#metadata = withOnly(file.metadata, path);
    this.#groups = rowGroups(this.#metadata);
    this.#cache = cache;
  }

  /**
   * Returns the value in a row, from 0.
   *
   * @throws SamError `SAM_BAD_DATA`: the rows around this one can't be decoded.
   */
  async valueAt(row: number): Promise<unknown> {
    const group = this.#groups.find(({ end }) => row < end)!;
    const span = (await this.#spansOf(group)).find(({ end }) => row < end)!;
    const values = await this.#cache.get(span, () => this.#read(span));
    return values[row - span.start];
  }

  /** Returns all values, for leaves that are small: names. */
  async all(): Promise<unknown[]> {
    const values: unknown[] = [];
    // Not spread: a row group may have more rows than a call takes arguments.
    for (const group of this.#groups) for (const value of await this.#read(group)) values.push(value);
    return values;
  }

  /** Returns the rows without a value. Row groups whose statistics say that there are none are not read. */
  async missing(): Promise<number[]> {
    const rows: number[] = [];
    for (const { start, end, chunk } of this.#groups) {
      if (chunk.meta_data?.statistics?.null_count === 0n) continue;
      for (let row = start; row < end; row++) {
        const value = await this.valueAt(row);
        if (value === undefined || value === null) rows.push(row);
      }
    }
    return rows;
  }

  #spansOf(group: RowGroup): Promise<readonly Span[]> {
    group.spans ??= this.#pageSpans(group).catch((error: unknown) => {
      group.spans = undefined;
      throw error;
    });
    return group.spans;
  }

  /** Returns runs of pages; the whole row group where its pages aren't known or need its dictionary. */
  async #pageSpans(group: RowGroup): Promise<readonly Span[]> {
    const { start, end, chunk } = group;
    const { offset_index_offset: offset, offset_index_length: length, meta_data } = chunk;
    const hasDictionary = meta_data?.encodings.some((encoding) => encoding.endsWith('DICTIONARY')) ?? true;
    if (offset === undefined || length === undefined || hasDictionary) return [group];
    const view = new DataView(await this.#file.buffer.slice(Number(offset), Number(offset) + length));
    const starts = [start];
    let bytes = 0;
    for (const page of this.#decoded(() => readOffsetIndex({ view, offset: 0 }), group).page_locations) {
      if (bytes > 0 && bytes + page.compressed_page_size > SPAN_BYTES) {
        starts.push(start + Number(page.first_row_index));
        bytes = 0;
      }
      bytes += page.compressed_page_size;
    }
    return starts.map((first, index) => ({ start: first, end: starts[index + 1] ?? end }));
  }

  async #read(span: Span): Promise<unknown[]> {
    const { buffer } = this.#file;
    try {
      const rows = await parquetReadObjects({
        file: buffer,
        metadata: this.#metadata,
        columns: [this.#path[0]!],
        rowStart: span.start,
        rowEnd: span.end,
        useOffsetIndex: true,
        // Bytes of pictures stay bytes; what the file says is text becomes text all the same.
        utf8: false,
        compressors: COMPRESSORS,
      });
      if (rows.length !== span.end - span.start) throw new Error(`${rows.length} rows`);
      return rows.map((row) => leafOf(row, this.#path));
    } catch (error) {
      throw /^E[A-Z]+$/.test(systemCode(error) ?? '') ? error : this.#broken(error, span);
    }
  }

  #decoded<T>(decode: () => T, span: Span): T {
    try {
      return decode();
    } catch (error) {
      throw this.#broken(error, span);
    }
  }

  #broken(error: unknown, { start, end }: Span): SamError {
    const detail = error instanceof Error ? error.message : String(error);
    const what = `rows ${start} to ${end - 1} of the column '${this.#path[0]}' in ${this.#file.path} are broken: ${detail}`;
    return new SamError('SAM_BAD_DATA', what, { fix: 'copy or download the file again', cause: error });
  }
}

/**
 * Returns the metadata as if the file had this leaf alone, so that no other is read: hyparquet selects columns, and the names beside
 * the pictures belong to the same one.
 */
function withOnly(metadata: FileMetaData, path: readonly string[]): FileMetaData {
  let node = parquetSchema(metadata);
  const nodes = [node];
  for (const name of path) {
    node = node.children.find(({ element }) => element.name === name)!;
    nodes.push(node);
  }
  const schema = nodes.map(({ element }, depth) =>
    depth < path.length ? { ...element, num_children: 1 } : without(element, 'num_children'),
  );
  const isLeaf = ({ meta_data }: ColumnChunk) =>
    meta_data?.path_in_schema.length === path.length &&
    meta_data.path_in_schema.every((name, depth) => name === path[depth]);
  const row_groups = metadata.row_groups.map((group) => ({ ...group, columns: group.columns.filter(isLeaf) }));
  return { ...metadata, schema, row_groups };
}

function rowGroups(metadata: FileMetaData): RowGroup[] {
  let start = 0;
  return metadata.row_groups.map(({ columns, num_rows }) => {
    const end = start + Number(num_rows);
    const group = { start, end, chunk: columns[0]!, spans: undefined };
    start = end;
    return group;
  });
}

function leafOf(row: unknown, path: readonly string[]): unknown {
  let value = row;
  for (const name of path) value = (value as Record<string, unknown> | null | undefined)?.[name];
  return value;
}
