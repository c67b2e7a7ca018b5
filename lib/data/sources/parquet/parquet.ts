/** Data sets of Parquet files in the Hugging Face image format. Rows are read when they are asked for. */
import { basename, extname } from 'node:path';
import { SamError, toSamError } from '../../../core/errors.js';
import { isFile } from '../../../core/files.js';
import { compare } from '../../../core/order.js';
import { counted, nameAll } from '../../../core/words.js';
import { type FoundFile, listFiles, nameOf } from '../../listing.js';
import { PackedTexts } from '../../packed-texts.js';
import type { DataSource, FileReference, Samples, SplitReading } from '../../sample.js';
import { SampleList } from '../../sample-list.js';
import { homesOf, sourceOfFiles } from '../../splits.js';
import { LeafColumn, SpanCache } from './column.js';
import { beginsAsParquet, openParquetFile, type ParquetFile, pictureColumn } from './parquet-file.js';

/** Caches for all files, so that what is in memory does not grow with them; one for masks, as both are read in turn. */
const IMAGES = new SpanCache();
const MASKS = new SpanCache();
const EXTENSIONS = ['.parquet'];
const OPTIONS = { image: '`imageColumn`', label: '`labelColumn`' } as const;
const FIX_ROWS =
  'write the encoded bytes into each row (a path alone is not followed), or go on without these rows with `skipBad`';
/** Number of digits of a row's number where that is the name, so that the order of names is that of rows. */
const DIGITS = 6;
/** Bytes above which a row group is worth a warning. */
const LARGE_CHUNK = 2 ** 30;

export interface ParquetOptions {
  readonly imageColumn: string;
  readonly labelColumn: string;
}

/** Finds the data set of the Parquet files that `path` is or holds; undefined where there are none. */
export async function findParquet(path: string, options: ParquetOptions): Promise<DataSource | undefined> {
  const files = await listParquet(path);
  if (files.length === 0) return undefined;
  return sourceOfFiles(path, files, (own, { description }, reading) => {
    const homes = homesOf(own);
    if (homes.length > 1) {
      const advice = 'if these are data sets of their own, name one with `data`';
      reading.onWarning?.(`${description} is read from several folders: ${nameAll(homes)} (${advice})`);
    }
    return readParquetSplit(own, description, options, reading);
  });
}

/** Lists `path` itself, where it is a Parquet file by its name or first bytes; of a folder the Parquet files below it, ordered by path. */
async function listParquet(path: string): Promise<FoundFile[]> {
  if (!(await isFile(path))) return listFiles(path, EXTENSIONS);
  const isParquet = EXTENSIONS.includes(extname(path).toLowerCase()) || (await beginsAsParquet(path));
  return isParquet ? [{ relative: basename(path), path }] : [];
}

/**
 * Reads the samples of the files that make up a split, ordered by name.
 *
 * @param where what errors call the split.
 */
export async function readParquetSplit(
  files: readonly FoundFile[],
  where: string,
  options: ParquetOptions,
  reading: SplitReading,
): Promise<Samples> {
  return toSamples((await openAll(files, options, reading)).flatMap(rowsOf), where, reading);
}

/** One of the files of a split, with its columns. */
interface Shard {
  /** Path below the root, for messages that name many rows. */
  readonly name: string;
  readonly file: ParquetFile;
  readonly images: LeafColumn;
  /** File names of the pictures. */
  readonly paths: LeafColumn | undefined;
  readonly masks: LeafColumn | undefined;
}

/** Opens the files of a split; what is wrong with any of them is said in one error. */
async function openAll(files: readonly FoundFile[], options: ParquetOptions, reading: SplitReading): Promise<Shard[]> {
  const shards: Shard[] = [];
  const errors: SamError[] = [];
  for (const { relative, path } of files) {
    try {
      shards.push({ name: relative, ...openShard(await openParquetFile(path), options, reading) });
    } catch (error) {
      errors.push(toSamError(error));
    }
  }
  const [first] = errors;
  if (first === undefined) return shards;
  throw new SamError(first.code, nameAll(errors.map(({ message }) => message)), { fix: first.fix, cause: first });
}

function openShard(
  file: ParquetFile,
  { imageColumn, labelColumn }: ParquetOptions,
  reading: SplitReading,
): Omit<Shard, 'name'> {
  const image = pictureColumn(file, imageColumn, OPTIONS.image);
  const label = labelOf(file, labelColumn, reading.masks === 'required');
  warnOfSize(file, imageColumn, reading);
  return {
    file,
    images: new LeafColumn(file, image.bytes, IMAGES),
    paths: image.path && new LeafColumn(file, image.path, IMAGES),
    masks: label && new LeafColumn(file, label.bytes, MASKS),
  };
}

/** Finds the column of masks. Where these aren't required, a column of that name may also be something else, such as classes. */
function labelOf(file: ParquetFile, column: string, required: boolean): ReturnType<typeof pictureColumn> | undefined {
  try {
    return pictureColumn(file, column, OPTIONS.label);
  } catch (error) {
    if (required) throw error;
    return undefined;
  }
}

function warnOfSize({ path, metadata }: ParquetFile, column: string, { onWarning }: SplitReading): void {
  const sizes = metadata.row_groups.flatMap(({ columns }) =>
    columns.map(({ meta_data }) =>
      meta_data?.path_in_schema[0] === column ? Number(meta_data.total_uncompressed_size) : 0,
    ),
  );
  const largest = Math.max(0, ...sizes);
  if (largest < LARGE_CHUNK) return;
  const gigabytes = (largest / 1e9).toFixed(1);
  onWarning?.(
    `${path} holds up to ${gigabytes} GB of images in one row group, which may all be in memory at once; ` +
      'row groups of 100 rows would be better',
  );
}

interface Row {
  readonly shard: Shard;
  /** Number of the row within its file, from 0. */
  readonly row: number;
  /** Number of the row within the split, from 0. */
  readonly position: number;
}

function rowsOf(shard: Shard, index: number, shards: readonly Shard[]): Row[] {
  const before = shards.slice(0, index).reduce((sum, { file }) => sum + file.rows, 0);
  return Array.from({ length: shard.file.rows }, (_, row) => ({ shard, row, position: before + row }));
}

async function toSamples(rows: readonly Row[], where: string, reading: SplitReading): Promise<Samples> {
  const { usable, maskless } = await usableRows(rows, where, reading);
  const found = await namesOf(usable, where, reading);
  const order = Uint32Array.from(found.keys()).sort((a, b) => compare(found[a]!, found[b]!));
  const names = new PackedTexts(Array.from(order, (place) => found[place]!));
  return new SampleList(order.length, (index) => {
    const row = usable[order[index]!]!;
    const masks = maskless.has(row) ? undefined : row.shard.masks;
    return {
      name: names.at(index),
      image: reference(row, row.shard.images, 'image'),
      ...(masks && { mask: reference(row, masks, 'label') }),
      position: row.position,
    };
  });
}

/** Returns the rows that hold an image and, where required, a mask. The others are all named in one error or warning. */
async function usableRows(rows: readonly Row[], where: string, reading: SplitReading) {
  const imageless = await without(rows, ({ images }) => images);
  const maskless = await without(rows, ({ masks }) => masks);
  const unlabelled = reading.masks === 'required' ? rows.filter((row) => maskless.has(row) && !imageless.has(row)) : [];
  const problems = [
    ...counted('row', 'has no image', 'have no image', [...imageless].map(labelRow)),
    ...counted('row', 'has no mask', 'have no mask', unlabelled.map(labelRow)),
  ];
  if (problems.length > 0) {
    const message = `in ${where} ${problems.join('; ')}`;
    if (!reading.skipBad) throw new SamError('SAM_BAD_DATA', message, { fix: FIX_ROWS });
    reading.onWarning?.(`${message}; left out`);
  }
  const bad = new Set([...imageless, ...unlabelled]);
  const usable = rows.filter((row) => !bad.has(row));
  if (usable.length > 0) return { usable, maskless };
  throw new SamError('SAM_BAD_DATA', `${where} holds no row${rows.length === 0 ? '' : ' that can be used'}`, {
    fix: 'name another split, or other columns with `imageColumn` and `labelColumn`',
  });
}

async function without(rows: readonly Row[], column: (shard: Shard) => LeafColumn | undefined): Promise<Set<Row>> {
  const missing = new Map<Shard, ReadonlySet<number>>();
  for (const shard of new Set(rows.map((row) => row.shard))) {
    missing.set(shard, new Set(await column(shard)?.missing()));
  }
  return new Set(rows.filter(({ shard, row }) => missing.get(shard)!.has(row)));
}

/**
 * Returns the pictures' file names without extension, where every row has one and they differ; else the rows' numbers in the split,
 * which is told where there are file names at all.
 */
async function namesOf(rows: readonly Row[], where: string, { onWarning }: SplitReading): Promise<string[]> {
  const paths = new Map<Shard, readonly unknown[]>();
  for (const shard of new Set(rows.map((row) => row.shard))) paths.set(shard, (await shard.paths?.all()) ?? []);
  const names = rows.map(({ shard, row }) => {
    const path = paths.get(shard)![row];
    return typeof path === 'string' && path !== '' ? nameOf(path) : '';
  });
  const nameless = rows.filter((_, place) => names[place] === '');
  const seen = new Set<string>();
  const twice = new Set(names.filter((name) => name !== '' && seen.size === seen.add(name).size));
  if (nameless.length === 0 && twice.size === 0) return names;
  if (nameless.length < rows.length) {
    const why = [
      ...counted('row', 'has no file name', 'have no file name', nameless.map(labelRow)),
      ...counted('file name', 'stands twice', 'stand twice', [...twice]),
    ];
    onWarning?.(`in ${where} ${why.join('; ')}; so the rows' numbers are the names`);
  }
  return rows.map(({ position }) => String(position).padStart(DIGITS, '0'));
}

function reference({ shard: { file }, row }: Row, column: LeafColumn, kind: 'image' | 'label'): FileReference {
  const path = `${file.path} row ${row} (${kind})`;
  return {
    path,
    async read() {
      const value = await column.valueAt(row);
      if (value instanceof Uint8Array) return value;
      throw new SamError('SAM_BAD_DATA', `${path} holds no picture`, { fix: FIX_ROWS });
    },
  };
}

function labelRow({ shard, row }: Row): string {
  return `${shard.name} row ${row}`;
}
