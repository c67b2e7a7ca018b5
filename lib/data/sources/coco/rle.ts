/**
 * Run lengths as COCO writes them: column by column, the first run outside, then inside, outside, and so on. Either as numbers, or as
 * pycocotools' text: from the third on the difference to the last but one, in pieces of five bits, the lowest first, each piece a
 * character from code 48 on (bit 5: more follow).
 */

/** Error of run lengths that are none: `message` goes on from 'its RLE', for instance 'is broken'. */
export class BadRle extends Error {}

/** A mask as COCO's JSON has it, with pycocotools' text. */
export interface CocoRle {
  /** Height and width, pixels: COCO's order. */
  size: [height: number, width: number];
  /** Run lengths as text. */
  counts: string;
}

const FIRST_CHARACTER = 48;

/**
 * Reads run lengths from pycocotools' text.
 *
 * @throws BadRle: the text is broken.
 */
export function parseCounts(text: string): number[] {
  const counts: number[] = [];
  for (let at = 0; at < text.length; ) {
    let [value, shift, piece] = [0, 0, 0];
    do {
      piece = text.charCodeAt(at++) - FIRST_CHARACTER;
      // Seven pieces hold 35 bits: more than any picture has pixels. Past the end the code is NaN.
      if (!(piece >= 0 && piece < 64) || shift > 30) throw new BadRle('is broken');
      value += (piece & 0x1f) * 2 ** shift;
      shift += 5;
    } while ((piece & 0x20) !== 0);
    if ((piece & 0x10) !== 0) value -= 2 ** shift;
    counts.push(counts.length > 2 ? value + counts.at(-2)! : value);
  }
  return counts;
}

/**
 * Refuses run lengths that are not those of a picture of this size.
 *
 * @throws BadRle: they are no lengths, or do not make up exactly so many pixels.
 */
export function checkCounts(counts: readonly number[], width: number, height: number): void {
  if (counts.some((count) => !Number.isInteger(count) || count < 0)) throw new BadRle('has a run that is no length');
  const sum = counts.reduce((total, count) => total + count, 0);
  if (sum !== width * height) throw new BadRle(`is ${sum} pixels long, not ${width} x ${height}`);
}

/** Sets the pixels inside in `values`, rows one after the other; others stay. The run lengths have to be checked before. */
export function drawCounts(counts: readonly number[], values: Uint8Array, width: number, height: number): void {
  let at = 0;
  counts.forEach((count, index) => {
    const end = at + count;
    if (index % 2 === 1)
      for (let pixel = at; pixel < end; pixel++) values[(pixel % height) * width + Math.floor(pixel / height)] = 1;
    at = end;
  });
}

/** Writes a mask as {@link CocoRle}. `values`: row by row, any but 0 is inside. */
export function toRle(values: Uint8Array, width: number, height: number): CocoRle {
  return { size: [height, width], counts: formatCounts(countsOf(values, width, height)) };
}

/** Counts the runs of a mask: the inverse of {@link drawCounts}. */
export function countsOf(values: Uint8Array, width: number, height: number): number[] {
  const counts: number[] = [];
  let [isInside, run] = [false, 0];
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      if ((values[y * width + x] !== 0) !== isInside) {
        counts.push(run);
        [isInside, run] = [!isInside, 0];
      }
      run++;
    }
  }
  counts.push(run);
  return counts;
}

/** Writes run lengths as pycocotools' text: the inverse of {@link parseCounts}. */
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
