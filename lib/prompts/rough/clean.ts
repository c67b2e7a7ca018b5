/** Cleaning: makes a rough mask of thresholded pixels. */
import { dropSmall, fillHoles, keepLargest } from './components.js';

/** What becomes of a rough mask before prompts are drawn from it. */
export interface Cleaning {
  /** Least pixels of a component that is not dropped. */
  readonly minArea: number;
  /** Fills the holes. */
  readonly fillHoles: boolean;
  /** Whether only the largest component stays. */
  readonly largest: boolean;
}

/**
 * Drops small components (8-connected), then fills holes, then keeps the largest component, the last two only if asked.
 *
 * @param values width*height, non-zero inside.
 * @returns width*height, 0 or 1.
 */
export function cleanMask(values: Uint8Array, width: number, height: number, cleaning: Cleaning): Uint8Array {
  const kept = dropSmall(values, width, height, cleaning.minArea);
  const filled = cleaning.fillHoles ? fillHoles(kept, width, height) : kept;
  return cleaning.largest ? keepLargest(filled, width, height) : filled;
}
