/** One line for each model and image, as CSV (RFC 4180, UTF-8, `.` as the decimal point). */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileWhole } from '../files.js';
import type { Scores } from './metrics.js';

export interface ImageScores extends Scores {
  model: string;
  /** The image's name within its split. */
  image: string;
  /** What the prompt was drawn from: ground-truth or rough. */
  promptSource: string;
  /** The model's own guess of the IoU; null for a rough mask, which makes none. */
  predictedIou: number | null;
  /** Pixels inside, at the label's resolution. */
  labelPixels: number;
  predictedPixels: number;
}

const COLUMNS = [
  'model',
  'image',
  'iou',
  'f1',
  'precision',
  'recall',
  'predictedIou',
  'labelPixels',
  'predictedPixels',
  'promptSource',
] as const satisfies readonly (keyof ImageScores)[];

export function perImageCsv(rows: readonly ImageScores[]): string {
  const lines = rows.map((row) => COLUMNS.map((column) => field(column, row[column])).join(','));
  return `${[COLUMNS.join(','), ...lines].join('\n')}\n`;
}

function field(column: keyof ImageScores, value: string | number | null): string {
  if (value === null) return '';
  const text = typeof value === 'number' && !column.endsWith('Pixels') ? value.toFixed(6) : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Where the file goes: `out` itself if it ends in .csv, else `per-image.csv` in the folder `out`; without `out` a name with
 * the date in the run's folder, or in the working folder where no run is evaluated.
 */
export function perImagePath(out: string | undefined, runDir: string | undefined, cwd: string, now: Date): string {
  if (out !== undefined) return out.toLowerCase().endsWith('.csv') ? out : join(out, 'per-image.csv');
  const stamp = now.toISOString().slice(0, 19).replaceAll(':', '').replace('T', '-');
  for (let n = 1; ; n++) {
    const path = join(runDir ?? cwd, `evaluation-${stamp}${n === 1 ? '' : `-${n}`}.csv`);
    if (!existsSync(path)) return path;
  }
}

export async function writePerImage(path: string, rows: readonly ImageScores[]): Promise<void> {
  await writeFileWhole(path, perImageCsv(rows));
}
