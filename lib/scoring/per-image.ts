/** The per-image table, a line for each model and image: CSV (RFC 4180, UTF-8, `.` as the decimal point) or Parquet. */

import { existsSync } from 'node:fs';
import { extname, join } from 'node:path';
import { type BasicType, parquetWriteBuffer } from 'hyparquet-writer';
import { csvLine } from '../core/csv.js';
import { writeFileWhole } from '../core/files.js';
import type { ImageScores } from './results.js';

const COLUMNS = {
  model: 'STRING',
  image: 'STRING',
  iou: 'DOUBLE',
  f1: 'DOUBLE',
  precision: 'DOUBLE',
  recall: 'DOUBLE',
  predictedIou: 'DOUBLE',
  labelPixels: 'INT32',
  predictedPixels: 'INT32',
  promptSource: 'STRING',
  promptKind: 'STRING',
  accuracy: 'DOUBLE',
  boundaryIou: 'DOUBLE',
  boundaryF1: 'DOUBLE',
  hd95: 'DOUBLE',
  iouAt256: 'DOUBLE',
  f1At256: 'DOUBLE',
  precisionAt256: 'DOUBLE',
  recallAt256: 'DOUBLE',
  accuracyAt256: 'DOUBLE',
  boundaryIouAt256: 'DOUBLE',
  boundaryF1At256: 'DOUBLE',
  hd95At256: 'DOUBLE',
} as const satisfies Record<keyof ImageScores, BasicType>;

type Column = keyof ImageScores;

const columns = Object.keys(COLUMNS) as Column[];

/** Writes the table as CSV text: six decimals, nothing for null. */
export function perImageCsv(rows: readonly ImageScores[]): string {
  const lines = rows.map((row) => csvLine(columns.map((column) => field(column, row[column]))));
  return `${[columns.join(','), ...lines].join('\n')}\n`;
}

function field(column: Column, value: string | number | null): string {
  if (value === null) return '';
  return typeof value === 'number' && COLUMNS[column] === 'DOUBLE' ? value.toFixed(6) : String(value);
}

/** Writes the table as the bytes of a Parquet file. */
function perImageParquet(rows: readonly ImageScores[]): Uint8Array {
  const columnData = columns.map((name) => ({ name, type: COLUMNS[name], data: rows.map((row) => row[name]) }));
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}

/**
 * Returns where the table goes: `out` itself if it ends in .csv or .parquet, else `per-image.csv` in the folder `out`. Without `out`
 * it is a name with the date, in the run's folder or, where no run is evaluated, in the working folder.
 */
export function perImagePath(out: string | undefined, runDir: string | undefined, cwd: string, now: Date): string {
  if (out !== undefined) return /\.(csv|parquet)$/i.test(out) ? out : join(out, 'per-image.csv');
  const stamp = now.toISOString().slice(0, 19).replaceAll(':', '').replace('T', '-');
  for (let n = 1; ; n++) {
    const path = join(runDir ?? cwd, `evaluation-${stamp}${n === 1 ? '' : `-${n}`}.csv`);
    if (!existsSync(path)) return path;
  }
}

/** Writes the table to a file, wholly or not at all: Parquet where the name ends in .parquet, else CSV. */
export async function writePerImage(path: string, rows: readonly ImageScores[]): Promise<void> {
  const parquet = extname(path).toLowerCase() === '.parquet';
  await writeFileWhole(path, parquet ? perImageParquet(rows) : perImageCsv(rows));
}
