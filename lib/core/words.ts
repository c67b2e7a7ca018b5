/** Lists as users write them: words with commas. */

/** What stands between the commas, '' for nothing. */
export function words(text: string): string[] {
  return text.split(',').map((word) => word.trim());
}
