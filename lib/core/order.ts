/** The order of names. */

/** Compares two names by code units, for `sort`: the order is the same whatever the language of the machine. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
