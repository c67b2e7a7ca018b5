/** Tables in the terminal: columns aligned, and how numbers are written in them. */
import type { Interval } from '../scoring/results.js';

/** Writes rows with their columns aligned: the first `names` columns to the left, the numbers after them to the right. */
export function aligned(rows: readonly (readonly string[])[], names: number): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const cell = (text: string, column: number) =>
    column < names ? text.padEnd(widths[column]!) : text.padStart(widths[column]!);
  return rows.map((row) => row.map(cell).join('  ').trimEnd()).join('\n');
}

/** Writes a score with three decimals. */
export function fixed(value: number): string {
  return value.toFixed(3);
}

/** Writes a difference with its sign and three decimals. */
export function signed(value: number): string {
  return `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(3)}`;
}

/** Writes an interval as `low to high`, each bound by `write`; '' for none. */
export function interval(bounds: Interval | null, write: (value: number) => string): string {
  return bounds === null ? '' : bounds.map(write).join(' to ');
}

/** Writes a p-value with three decimals, or as a power of ten below 0.001. */
export function pValue(p: number): string {
  return p < 0.001 ? p.toExponential(0) : p.toFixed(3);
}
