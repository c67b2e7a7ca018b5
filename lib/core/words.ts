/** Lists as users write them: words with commas. */

/** Returns what stands between the commas, without blanks around it; '' for nothing. */
export function words(text: string): string[] {
  return text.split(',').map((word) => word.trim());
}
