/** The decoder's 256 x 256 logits -> probabilities at the size of a tile: bilinear between pixel centres, then the sigmoid. */

import { fitted, LOW_RES_SIDE, MODEL_SIDE } from '../frame.js';

/**
 * @param logits 256 * 256; the picture's long side fills them from the top left, or all of them with `squashed`.
 * @returns width * height, 0 to 1.
 */
export function toProbabilities(
  logits: Float32Array,
  { width, height, squashed }: { width: number; height: number; squashed: boolean },
): Float32Array {
  // Whole pixels of the frame that the encoder sees, four to one of the logits.
  const seen = fitted({ width, height }, MODEL_SIDE, squashed);
  const columns = taps(width, (seen.width * LOW_RES_SIDE) / MODEL_SIDE);
  const rows = taps(height, (seen.height * LOW_RES_SIDE) / MODEL_SIDE);
  const found = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const { low, high, share } = rows[y]!;
    const [upper, lower] = [low * LOW_RES_SIDE, high * LOW_RES_SIDE];
    for (let x = 0; x < width; x++) {
      const across = columns[x]!;
      const above = mix(logits[upper + across.low]!, logits[upper + across.high]!, across.share);
      const below = mix(logits[lower + across.low]!, logits[lower + across.high]!, across.share);
      found[y * width + x] = 1 / (1 + Math.exp(-mix(above, below, share)));
    }
  }
  return found;
}

interface Tap {
  readonly low: number;
  readonly high: number;
  readonly share: number;
}

function taps(length: number, grid: number): Tap[] {
  return Array.from({ length }, (_, at) => {
    const place = Math.min(LOW_RES_SIDE - 1, Math.max(0, ((at + 0.5) * grid) / length - 0.5));
    const low = Math.floor(place);
    return { low, high: Math.min(LOW_RES_SIDE - 1, low + 1), share: place - low };
  });
}

function mix(a: number, b: number, share: number): number {
  return a + (b - a) * share;
}
