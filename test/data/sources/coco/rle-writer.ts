/** Masks as COCO's run lengths: the inverse of what lib/ reads. */
import type { Mask } from '../../../../lib/data/sample.js';

const FIRST_CHARACTER = 48;

/** The runs of a mask. */
export function countsOf({ values, width, height }: Mask): number[] {
  const counts: number[] = [];
  let [inside, run] = [0, 0];
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      if (values[y * width + x] !== inside) {
        counts.push(run);
        [inside, run] = [1 - inside, 0];
      }
      run++;
    }
  }
  return [...counts, run];
}

/** Run lengths as pycocotools' text: the inverse of `parseCounts`. */
export function formatCounts(counts: readonly number[]): string {
  let text = '';
  counts.forEach((count, index) => {
    let value = index > 2 ? count - counts[index - 2]! : count;
    for (let more = true; more; ) {
      const piece = value & 0x1f;
      value >>= 5;
      more = (piece & 0x10) !== 0 ? value !== -1 : value !== 0;
      text += String.fromCharCode(FIRST_CHARACTER + piece + (more ? 0x20 : 0));
    }
  });
  return text;
}
