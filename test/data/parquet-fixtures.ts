/** Parquet files for tests, in the Hugging Face image format. */
import { type ColumnSource, parquetWriteBuffer, type SchemaElement } from 'hyparquet-writer';
import { grey, write } from './pictures.js';

export type Picture = { bytes: Uint8Array | null; path: string | null } | null;
export type WriteOptions = Omit<Parameters<typeof parquetWriteBuffer>[0], 'columnData' | 'schema'>;

/** Each column a struct `{bytes, path}` whose parts, like itself, may be null. */
export function pictureColumns(columns: Record<string, readonly Picture[]>, options: WriteOptions = {}): ArrayBuffer {
  const names = Object.keys(columns);
  const schema: SchemaElement[] = [{ name: 'schema', num_children: names.length }];
  for (const name of names) {
    schema.push(
      { name, repetition_type: 'OPTIONAL', num_children: 2 },
      { name: 'bytes', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
      { name: 'path', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
    );
  }
  const columnData: ColumnSource[] = names.map((name) => ({ name, data: [...columns[name]!] }));
  return parquetWriteBuffer({ columnData, schema, ...options });
}

export function writePictures(
  path: string,
  columns: Record<string, readonly Picture[]>,
  options?: WriteOptions,
): Promise<string> {
  return write(path, new Uint8Array(pictureColumns(columns, options)));
}

/** Small pictures of the greys `from` to `to`, all different, named by `path`. */
export async function greys(from: number, to: number, path: (value: number) => string | null): Promise<Picture[]> {
  const values = Array.from({ length: to - from }, (_, index) => from + index);
  return Promise.all(values.map(async (value) => ({ bytes: await grey(value), path: path(value) })));
}
