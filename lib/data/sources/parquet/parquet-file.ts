/** One Parquet file: its footer is read, its columns are found. Nothing of its rows is read here. */
import { type FileHandle, open, stat } from 'node:fs/promises';
import {
  type AsyncBuffer,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetSchema,
  type SchemaTree,
  snappyUncompress,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { SamError } from '../../../core/errors.js';
import { nameAll } from '../../../core/words.js';

/**
 * Decompressors of pages. Snappy's is hyparquet's own: the WebAssembly one takes a quarter less time for a whole file, but keeps room
 * for the largest page for good, packed and unpacked.
 */
export const COMPRESSORS: Compressors = {
  ...compressors,
  SNAPPY(packed, length) {
    const page = new Uint8Array(length);
    snappyUncompress(packed, page);
    return page;
  },
};

/** Bytes at both ends of a file: `PAR1`. */
const MAGIC = 0x31524150;
/** Bytes at both ends of a file whose footer is encrypted: `PARE`. */
const ENCRYPTED = 0x45524150;
/** Most bytes read in one call of the system, which refuses 2 GiB. */
const MOST_READ = 2 ** 26;
const FIX_COPY = 'copy or download the file again';

export interface ParquetFile {
  readonly path: string;
  readonly buffer: AsyncBuffer;
  readonly metadata: FileMetaData;
  readonly rows: number;
}

/** A column of encoded pictures: the Hugging Face struct `{bytes, path}`, or the bytes alone. */
export interface PictureColumn {
  /** Path in the schema of the leaf that holds the bytes. */
  readonly bytes: readonly string[];
  /** Path in the schema of the leaf that holds the pictures' file names, where there are any. */
  readonly path: readonly string[] | undefined;
}

/**
 * Opens a Parquet file and reads its footer.
 *
 * @throws SamError `SAM_BAD_DATA`: not a Parquet file, cut short, broken or encrypted.
 */
export async function openParquetFile(path: string): Promise<ParquetFile> {
  const { size } = await stat(path);
  const buffer = fileBuffer(path, size);
  await requireMagic(path, buffer);
  try {
    const metadata = await parquetMetadataAsync(buffer, { geoparquet: false });
    return { path, buffer, metadata, rows: Number(metadata.num_rows) };
  } catch (error) {
    if (error instanceof SamError || !(error instanceof Error) || 'code' in error) throw error;
    throw new SamError('SAM_BAD_DATA', `the footer of ${path} is broken`, {
      fix: FIX_COPY,
      detail: error.message,
      cause: error,
    });
  }
}

/** Tells whether a file, whatever its name, is Parquet by its first bytes. */
export async function beginsAsParquet(path: string): Promise<boolean> {
  const { size } = await stat(path);
  const first = size < 4 ? 0 : await wordAt(fileBuffer(path, size), 0);
  return first === MAGIC || first === ENCRYPTED;
}

async function wordAt(buffer: AsyncBuffer, start: number): Promise<number> {
  return new DataView(await buffer.slice(start, start + 4)).getUint32(0, true);
}

async function requireMagic(path: string, buffer: AsyncBuffer): Promise<void> {
  const size = buffer.byteLength;
  const first = size < 4 ? 0 : await wordAt(buffer, 0);
  const last = size < 12 ? 0 : await wordAt(buffer, size - 4);
  if (first === MAGIC && last === MAGIC) return;
  if (first === ENCRYPTED || last === ENCRYPTED) {
    throw new SamError('SAM_BAD_DATA', `${path} is encrypted`, { fix: 'write it again without encryption' });
  }
  if (first === MAGIC)
    throw new SamError('SAM_BAD_DATA', `${path} is cut short: its end is missing`, { fix: FIX_COPY });
  throw new SamError('SAM_BAD_DATA', `${path} is not a Parquet file`, {
    fix: 'give Parquet files, or a folder SRC/<split>/{images,masks}',
  });
}

/** Makes a reader of parts of a file. The file is open only during a read, so there is nothing to close afterwards. */
function fileBuffer(path: string, byteLength: number): AsyncBuffer {
  return {
    byteLength,
    async slice(start, end = byteLength) {
      const bytes = new Uint8Array(Math.max(0, end - start));
      const file = await open(path);
      try {
        await fill(bytes, file, start);
      } finally {
        await file.close();
      }
      return bytes.buffer;
    },
  };
}

async function fill(bytes: Uint8Array, file: FileHandle, start: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const length = Math.min(bytes.length - done, MOST_READ);
    const { bytesRead } = await file.read(bytes, done, length, start + done);
    // Less than there was when the footer was read, or than the footer says.
    if (bytesRead === 0) throw new SamError('SAM_BAD_DATA', 'the file is cut short', { fix: FIX_COPY });
    done += bytesRead;
  }
}

/**
 * Finds a column that can hold pictures.
 *
 * @param option the option that names the column on the command line.
 * @throws SamError `SAM_BAD_DATA`: no such column (those there are named), one of another type, an unknown compression.
 */
export function pictureColumn({ path, metadata }: ParquetFile, name: string, option: string): PictureColumn {
  const columns = parquetSchema(metadata).children;
  const node = columns.find(({ element }) => element.name === name);
  if (node === undefined) {
    const there = nameAll(columns.map(({ element }) => element.name));
    throw new SamError('SAM_BAD_DATA', `${path} has no column '${name}' (there: ${there})`, {
      fix: `name the column with ${option}`,
    });
  }
  const column = asPictures(node);
  if (column === undefined) {
    const fit = columns.filter((other) => asPictures(other) !== undefined).map(({ element }) => element.name);
    throw new SamError('SAM_BAD_DATA', `the column '${name}' of ${path} holds no images: it is ${typeOf(node)}`, {
      fix: `name a column of encoded images with ${option}${fit.length > 0 ? ` (there: ${nameAll(fit)})` : ''}`,
    });
  }
  requireReadable({ path, metadata }, name);
  return column;
}

function asPictures(node: SchemaTree): PictureColumn | undefined {
  if (isBinary(node)) return { bytes: node.path, path: undefined };
  const bytes = node.children.find(({ element }) => element.name === 'bytes');
  if (node.element.repetition_type === 'REPEATED' || bytes === undefined || !isBinary(bytes)) return undefined;
  const path = node.children.find(({ element }) => element.name === 'path');
  return { bytes: bytes.path, path: path?.element.type === 'BYTE_ARRAY' ? path.path : undefined };
}

function isBinary({ element, children }: SchemaTree): boolean {
  const { type, repetition_type, converted_type, logical_type } = element;
  if (children.length > 0 || type !== 'BYTE_ARRAY' || repetition_type === 'REPEATED') return false;
  return converted_type === undefined && logical_type === undefined;
}

/** Says a column's type in words. */
function typeOf({ element, children }: SchemaTree): string {
  if (element.converted_type === 'LIST' || element.repetition_type === 'REPEATED') return 'a list';
  if (children.length > 0) return `a struct of ${nameAll(children.map((child) => child.element.name))}`;
  if (element.converted_type === 'UTF8' || element.logical_type?.type === 'STRING') return 'text';
  return `of the type ${element.logical_type?.type ?? element.converted_type ?? element.type}`;
}

function requireReadable({ path, metadata }: Pick<ParquetFile, 'path' | 'metadata'>, name: string): void {
  for (const { columns } of metadata.row_groups) {
    for (const { meta_data, file_path } of columns) {
      if (meta_data === undefined || file_path !== undefined) {
        throw new SamError('SAM_BAD_DATA', `${path} has columns that are encrypted or in another file`, {
          fix: 'write it again as one plain Parquet file',
        });
      }
      if (meta_data.path_in_schema[0] !== name) continue;
      const { codec } = meta_data;
      if (codec === 'UNCOMPRESSED' || codec in COMPRESSORS) continue;
      throw new SamError(
        'SAM_BAD_DATA',
        `the column '${name}' of ${path} is compressed with ${codec}, which is not read`,
        {
          fix: 'write it again with Snappy, Zstandard, Gzip or no compression',
        },
      );
    }
  }
}
