/** A list of images and masks, as CSV or as a JSON object a line (JSONL): columns `image`, `mask`, and if wanted `split` and `name`. */
import { dirname, extname, resolve } from 'node:path';
import { csvLine, parseCsv } from '../../core/csv.js';
import { SamError } from '../../core/errors.js';
import { compare } from '../../core/order.js';
import { counted, nameAll } from '../../core/words.js';
import { nameOf, within } from '../listing.js';
import { PackedTexts } from '../packed-texts.js';
import { type FoundFiles, findFiles } from '../present.js';
import type { DataSource, Samples, SplitReading } from '../sample.js';
import { SampleList } from '../sample-list.js';
import { noSplit, sameSplit } from '../splits.js';
import { parseJson, readText } from './text.js';

const EXTENSIONS: readonly string[] = ['.csv', '.jsonl', '.ndjson'];
const COLUMNS = ['image', 'mask', 'split', 'name'] as const;
const COLUMNS_FIX = 'the columns are image, mask, and if wanted split and name; paths start at the folder of the file';
const FIX = 'mend the file, or go on without these with `skipBad`';
/** Split of rows that name none. */
const DEFAULT_SPLIT = 'train';

interface Row {
  readonly line: number;
  readonly image: string;
  readonly mask: string;
  readonly split: string;
  readonly name: string;
}

/** Writes a list as the text of a CSV file, which reads back as these rows. */
export function manifestCsv(rows: readonly Readonly<Record<(typeof COLUMNS)[number], string>>[]): string {
  const lines = rows.map((row) => csvLine(COLUMNS.map((column) => row[column])));
  return `${[COLUMNS.join(','), ...lines].join('\n')}\n`;
}

export function isManifest(path: string): boolean {
  return EXTENSIONS.includes(extname(path).toLowerCase());
}

export function manifestSource(path: string): DataSource {
  let rows: Promise<readonly Row[]> | undefined;
  const readOnce = () => {
    rows ??= readRows(path);
    return rows;
  };
  const nameOf = (split: string) => `the split '${split}' in ${path}`;
  const rowsOf = async (split: string) => {
    const all = await readOnce();
    const exact = all.filter((row) => row.split === split);
    return exact.length > 0 ? exact : all.filter((row) => sameSplit(row.split, split));
  };
  const splits = async () => [...new Set((await readOnce()).map(({ split }) => split))].sort(compare);
  return {
    root: path,
    nameOf,
    splits,
    hasSplit: async (split) => (await rowsOf(split)).length > 0,
    async readSplit(split, reading) {
      const own = await rowsOf(split);
      if (own.length === 0) throw noSplit(split, path, await splits());
      return toSamples(own, path, reading);
    },
  };
}

async function toSamples(given: readonly Row[], path: string, reading: SplitReading): Promise<Samples> {
  const at = (relative: string) => resolve(dirname(path), relative);
  const files = await findFiles(filesOf(given), at);
  const rows = distinct(given, files, path, reading);
  const names = namesOf(rows);
  const missing = [...files.missing].map(at).sort(compare);
  const maskless = reading.masks === 'required' ? rows.filter(({ mask }) => mask === '') : [];
  const doubled = doubledNames(names);
  const problems = [
    ...counted('file', 'is missing', 'are missing', missing),
    ...counted(
      'line',
      'has no mask',
      'have no mask',
      maskless.map(({ line }) => String(line)),
    ),
    ...counted('name', 'stands twice', 'stand twice', [...doubled]),
  ];
  if (problems.length > 0) {
    const message = `in ${path} ${problems.join('; ')}`;
    if (!reading.skipBad) throw new SamError('SAM_BAD_DATA', message, { fix: FIX });
    reading.onWarning?.(`${message}; left out`);
  }
  const isUsable = ({ image, mask }: Row, name: string) =>
    !files.missing.has(image) &&
    !doubled.has(name) &&
    (mask === '' ? reading.masks !== 'required' : !files.missing.has(mask));
  const order = Uint32Array.from(rows.keys())
    .filter((place) => isUsable(rows[place]!, names[place]!))
    .sort((a, b) => compare(names[a]!, names[b]!));
  if (order.length > 0) {
    const texts = (text: (place: number) => string) => new PackedTexts(Array.from(order, text));
    const stored = (name: string) => files.spelled.get(name) ?? name;
    return listOf(
      texts((place) => names[place]!),
      texts((place) => files.twins.get(rows[place]!.image) ?? stored(rows[place]!.image)),
      texts((place) => stored(rows[place]!.mask)),
      at,
    );
  }
  throw new SamError('SAM_BAD_DATA', `${path} names no image that can be used`, { fix: COLUMNS_FIX });
}

/** Leaves out rows that say the same as an earlier one, whichever way they name the files. Where masks don't matter, an image is enough. */
function distinct(rows: readonly Row[], files: FoundFiles, path: string, { masks, onWarning }: SplitReading): Row[] {
  const fileOf = (name: string) => files.twins.get(name) ?? files.spelled.get(name) ?? name;
  const lines = new Map<string, number>();
  const again: string[] = [];
  const kept = rows.filter(({ image, mask, line }) => {
    const said = masks === 'ignored' ? fileOf(image) : `${fileOf(image)}\0${fileOf(mask)}`;
    const first = lines.get(said);
    if (first === undefined) lines.set(said, line);
    else again.push(`${line} (${first})`);
    return first === undefined;
  });
  if (masks === 'ignored') return kept;
  for (const text of counted('line', 'says the same as an earlier one', 'say the same as earlier ones', again)) {
    onWarning?.(`in ${path} ${text}; taken once`);
  }
  return kept;
}

function* filesOf(rows: readonly Row[]): Generator<string, void> {
  for (const { image, mask } of rows) {
    yield image;
    if (mask !== '') yield mask;
  }
}

/** Makes samples of texts, which are all that stays in memory of the rows. */
function listOf(
  names: PackedTexts,
  images: PackedTexts,
  masks: PackedTexts,
  at: (relative: string) => string,
): Samples {
  return new SampleList(names.length, (index) => {
    const mask = masks.at(index);
    return {
      name: names.at(index),
      image: { path: at(images.at(index)) },
      ...(mask !== '' && { mask: { path: at(mask) } }),
    };
  });
}

/** Returns the rows' names: the one given, else the image's path without extension, with the line's number where others have it too. */
function namesOf(rows: readonly Row[]): string[] {
  const stems = rows.map(({ name, image }) => (name === '' ? nameOf(image) : within(name)));
  const doubled = doubledNames(stems);
  return rows.map(({ name, line }, index) =>
    name === '' && doubled.has(stems[index]!) ? `${stems[index]}#${line}` : stems[index]!,
  );
}

function doubledNames(names: readonly string[]): Set<string> {
  const seen = new Set<string>();
  return new Set(names.filter((name) => seen.size === seen.add(name).size));
}

/**
 * Reads the rows of a list.
 *
 * @throws SamError `SAM_BAD_DATA`: neither CSV nor JSONL, no rows, or rows without an image. `SAM_NOT_FOUND`: there is no file.
 */
async function readRows(path: string): Promise<readonly Row[]> {
  const text = await readText(path);
  const rows = extname(path).toLowerCase() === '.csv' ? rowsOfCsv(text, path) : rowsOfLines(text, path);
  if (rows.length === 0) throw new SamError('SAM_BAD_DATA', `${path} has no rows`, { fix: COLUMNS_FIX });
  const imageless = rows.filter(({ image }) => image === '').map(({ line }) => String(line));
  if (imageless.length === 0) return rows;
  const lines = counted('line', 'has no image', 'have no image', imageless).join();
  throw new SamError('SAM_BAD_DATA', `in ${path} ${lines}`, { fix: COLUMNS_FIX });
}

function rowsOfCsv(text: string, path: string): Row[] {
  const rows: Row[] = [];
  let columns: number[] | undefined;
  try {
    for (const { line, fields } of parseCsv(text)) {
      if (columns === undefined) columns = columnsOf(fields, path);
      else {
        const [image, mask, split, name] = columns.map((column) => fields[column] ?? '');
        rows.push({ line, image: image!, mask: mask!, split: split || DEFAULT_SPLIT, name: name! });
      }
    }
  } catch (error) {
    if (error instanceof SamError) throw error;
    throw new SamError('SAM_BAD_DATA', `${path}: ${error instanceof Error ? error.message : error}`, {
      fix: 'put fields with quotes, commas or line ends in quotes, and double the quotes within',
    });
  }
  if (columns === undefined) columnsOf([], path);
  return rows;
}

/** Returns where the columns stand in the first line, in the order of {@link COLUMNS}; -1 for those that are missing. */
function columnsOf(titles: readonly string[], path: string): number[] {
  const head = titles.map((title) => title.toLowerCase());
  const columns = COLUMNS.map((name) => head.indexOf(name));
  const twice = COLUMNS.find((name, index) => head.lastIndexOf(name) !== columns[index]);
  if (twice !== undefined) {
    throw new SamError('SAM_BAD_DATA', `${path} has the column ${twice} twice`, { fix: COLUMNS_FIX });
  }
  if (columns[0] !== -1) return columns;
  throw new SamError('SAM_BAD_DATA', `${path} has no column image (there: ${nameAll(head)})`, { fix: COLUMNS_FIX });
}

function rowsOfLines(text: string, path: string): Row[] {
  const rows: Row[] = [];
  text.split('\n').forEach((content, index) => {
    if (content.trim() === '') return;
    const line = index + 1;
    const values = parseLine(content, `${path} line ${line}`);
    const [image, mask, split, name] = COLUMNS.map((column) => values[column]);
    rows.push({ line, image: image ?? '', mask: mask ?? '', split: split || DEFAULT_SPLIT, name: name ?? '' });
  });
  return rows;
}

function parseLine(content: string, where: string): Partial<Record<(typeof COLUMNS)[number], string>> {
  let values: unknown;
  try {
    values = parseJson(content);
  } catch {
    values = undefined;
  }
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    throw new SamError('SAM_BAD_DATA', `${where} is no JSON object`, { fix: COLUMNS_FIX });
  }
  const found: Partial<Record<(typeof COLUMNS)[number], string>> = {};
  for (const column of COLUMNS) {
    const value = (values as Record<string, unknown>)[column] ?? '';
    if (typeof value !== 'string') {
      throw new SamError('SAM_BAD_DATA', `${where}: ${column} is no text`, { fix: COLUMNS_FIX });
    }
    found[column] = value;
  }
  return found;
}
