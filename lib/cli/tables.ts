/** Tables in a terminal: columns, and how their numbers are written. */
import type { Interval } from '../scoring/results.js';

/** Rows as text: columns aligned, the first ones to the left and numbers to the right. */
export function aligned(rows: readonly (readonly string[])[], names: number): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const cell = (text: string, column: number) =>
    column < names ? text.padEnd(widths[column]!) : text.padStart(widths[column]!);
  return rows.map((row) => row.map(cell).join('  ').trimEnd()).join('\n');
}

/** `0.912`. */
export function fixed(value: number): string {
  return value.toFixed(3);
}

/** `+0.012`. */
export function signed(value: number): string {
  return `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(3)}`;
}

/** `0.901 to 0.923`; nothing where there is none. */
export function interval(bounds: Interval | null, write: (value: number) => string): string {
  return bounds === null ? '' : bounds.map(write).join(' to ');
}

/** `0.012`, and the very small as `2e-5`. */
export function pValue(p: number): string {
  return p < 0.001 ? p.toExponential(0) : p.toFixed(3);
}
