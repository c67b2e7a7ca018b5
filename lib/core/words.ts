/** Lists of words: as users write them, and as messages name them. */

/** Most names in a message; the rest is counted. */
const MOST_NAMED = 200;

/** Returns what stands between the commas, without blanks around it; '' for nothing. */
export function words(text: string): string[] {
  return text.split(',').map((word) => word.trim());
}

/** Writes names as they stand in a message: with commas, and the rest counted where there are very many. */
export function nameAll(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMED).join(', ');
  return names.length > MOST_NAMED ? `${shown} and ${names.length - MOST_NAMED} more` : shown;
}

/** Writes so many of a thing: `1 sample`, `2 samples`. */
export function amount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Writes how many things are in some way, and which: `3 images have no mask: a, b, c`. Empty where there are none. */
export function counted(noun: string, one: string, many: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const count = names.length === 1 ? `1 ${noun} ${one}` : `${names.length} ${noun}s ${many}`;
  return [`${count}: ${nameAll(names)}`];
}
