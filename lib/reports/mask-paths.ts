/** Masks as SVG paths, for pictures that scale: some kilobytes at most, whatever the mask is like. */
import { gridFrame, sampleGrid } from '../data/low-res.js';
import type { Mask } from '../data/sample.js';
import { simplifyRing } from '../raster/outline.js';
import { type Ring, RingTracer } from '../raster/rings.js';

/** Long side of the frame that paths are drawn in. */
export const FRAME = 512;
/** Pixels of the frame that an outline may move by, which takes its steps away. */
const TOLERANCE = 0.8;
/** Longest path; a mask of a thousand specks is drawn coarser until it fits. */
const MOST_CHARACTERS = 24_000;

/** Returns the width and height of an image in the frame. */
export function frameSize(image: { width: number; height: number }): { width: number; height: number } {
  const { validWidth, validHeight } = gridFrame(image, FRAME);
  return { width: validWidth, height: validHeight };
}

/** Draws a mask as the `d` of an SVG path that is filled by the even-odd rule; empty for an empty mask. */
export function outlinePath(mask: Mask): string {
  for (let side = FRAME; ; side /= 2) {
    const path = pathOf(ringsOf(mask, side), FRAME / side);
    if (path.length <= MOST_CHARACTERS || side <= 32) return path;
  }
}

function ringsOf(mask: Mask, side: number): Ring[] {
  const frame = gridFrame(mask, side);
  const grid = sampleGrid(mask.values, frame, new Uint8Array(side * side));
  const rings: Ring[] = [];
  const tracer = new RingTracer(frame.validWidth, ({ outer, holes }) => rings.push(outer, ...holes));
  for (let y = 0; y < frame.validHeight; y++) tracer.add(grid.subarray(y * side, y * side + frame.validWidth));
  tracer.finish();
  return rings.map((ring) => simplifyRing(ring, TOLERANCE));
}

/** Writes rings as a path, each corner relative to the one before: half the characters. */
function pathOf(rings: readonly Ring[], scale: number): string {
  return rings
    .map((ring) => {
      let [x, y] = [0, 0];
      const steps = ring.map(([nextX, nextY]) => {
        const step = `${(nextX - x) * scale} ${(nextY - y) * scale}`;
        [x, y] = [nextX, nextY];
        return step;
      });
      return `M${steps[0]}l${steps.slice(1).join(' ').replaceAll(' -', '-')}z`;
    })
    .join('');
}
