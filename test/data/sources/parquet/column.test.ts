/** What is read of a Parquet file, in bytes. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LeafColumn, SpanCache } from '../../../../lib/data/sources/parquet/column.js';
import { openParquetFile, type ParquetFile } from '../../../../lib/data/sources/parquet/parquet-file.js';
import { type Picture, type WriteOptions, writePictures } from '../../parquet-fixtures.js';
import { temporaryFolder } from '../../pictures.js';

const ROWS = 60;
const ROW_BYTES = 1_000_000;
/** Different rows, of content that no codec makes smaller. */
const rowBytes = (row: number) => {
  let state = row + 1;
  return Uint8Array.from({ length: ROW_BYTES }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
};
const pictures: Picture[] = Array.from({ length: ROWS }, (_, row) => ({ bytes: rowBytes(row), path: `${row}.png` }));

async function counted(options: WriteOptions) {
  const path = join(await temporaryFolder(), 'train.parquet');
  const file = await openParquetFile(await writePictures(path, { image: pictures }, options));
  const reads: number[] = [];
  const slice = (start: number, end = file.buffer.byteLength) => {
    reads.push(end - start);
    return file.buffer.slice(start, end);
  };
  const watched: ParquetFile = { ...file, buffer: { byteLength: file.buffer.byteLength, slice } };
  const column = new LeafColumn(watched, ['image', 'bytes'], new SpanCache());
  return { file: watched, column, reads, total: () => reads.reduce((sum, bytes) => sum + bytes, 0) };
}

const withoutIndex = (file: ParquetFile) => {
  for (const { columns } of file.metadata.row_groups) {
    for (const chunk of columns) delete chunk.offset_index_offset;
  }
};

test.each([
  ['SNAPPY', 10, true, 18],
  ['UNCOMPRESSED', 25, true, 18],
  // One row group for the whole file: still only some pages at a time.
  ['SNAPPY', ROWS, true, 18],
  // Without an index of the pages a row group is the least that is read.
  ['SNAPPY', 10, false, 11],
] as const)(
  '%s in row groups of %i rows (index: %s): each page is read once in order, %i MB at most',
  async (codec, rowGroupSize, index, most) => {
    const { file, column, reads, total } = await counted({ codec, rowGroupSize, pageSize: ROW_BYTES });
    if (!index) withoutIndex(file);
    const inOrder = index ? new LeafColumn(file, ['image', 'bytes'], new SpanCache()) : column;
    // Four readers a row apart, as when labels are checked.
    for (let row = 0; row < ROWS; row += 4) {
      const values = await Promise.all([0, 1, 2, 3].map((next) => inOrder.valueAt(row + next)));
      values.forEach((value, next) => {
        expect(Buffer.compare(value as Uint8Array, pictures[row + next]!.bytes!)).toBe(0);
      });
    }
    expect(total()).toBeGreaterThan(ROWS * ROW_BYTES);
    expect(total()).toBeLessThan(1.1 * ROWS * ROW_BYTES);
    expect(Math.max(...reads)).toBeLessThan(most * 2 ** 20);
  },
);

test('any other order is right too', async () => {
  const { column } = await counted({ rowGroupSize: 20, pageSize: ROW_BYTES });
  for (let index = 0; index < ROWS; index++) {
    const row = (index * 23) % ROWS;
    expect(Buffer.compare((await column.valueAt(row)) as Uint8Array, pictures[row]!.bytes!)).toBe(0);
  }
});

test('the names beside the pictures are read without the pictures', async () => {
  const { file, total } = await counted({ rowGroupSize: 10 });
  const names = await new LeafColumn(file, ['image', 'path'], new SpanCache()).all();
  expect(names).toEqual(pictures.map((picture) => picture!.path));
  expect(total()).toBeLessThan(10_000);
});

test('the names of a row group of any size are read', async () => {
  // More than a call takes arguments.
  const many = Array.from({ length: 200_000 }, (_, row) => ({ bytes: Uint8Array.of(1), path: `${row}` }));
  const path = join(await temporaryFolder(), 'train.parquet');
  const file = await openParquetFile(await writePictures(path, { image: many }, { rowGroupSize: many.length }));
  const names = await new LeafColumn(file, ['image', 'path'], new SpanCache()).all();
  expect([names.length, names.at(-1)]).toEqual([200_000, '199999']);
});
