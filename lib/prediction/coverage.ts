/** How much of a picture a mask covers, and how far it agrees with the rough mask that its prompts were drawn from. */
import { setImmediate } from 'node:timers/promises';
import type { TilePlan } from '../raster/tiles.js';
import type { Window } from '../raster/windows.js';

/** A rough mask, beside the mask that came of it. */
export interface RoughMaskAgreement {
  /** Share of the picture that the rough mask covers, 0 to 1. */
  coverage: number;
  /** IoU of the mask and the rough mask, 0 to 1; 1 where both are empty. */
  iou: number;
}

/** Extent of a mask. */
export interface Coverage {
  /** Share of the picture that the mask covers, 0 to 1; of a raster, of its pixels that hold data. */
  coverage: number;
  /** Rough mask that prompts were drawn from; null where they were not. */
  roughMask: RoughMaskAgreement | null;
}

/** Pixels counted before other work gets its turn: some milliseconds. */
const SLICE = 2 ** 21;

/** Counts of pixels, of masks that come whole or a few rows at a time. In all of them any value but 0 is inside. */
class Tally {
  #pixels = 0;
  #inside = 0;
  #rough: { inside: number; both: number } | undefined;

  async add(mask: Uint8Array, rough: Uint8Array | undefined, valid?: Uint8Array): Promise<void> {
    for (let start = 0; start < mask.length; start += SLICE) {
      if (start > 0) await setImmediate();
      const part = (values: Uint8Array | undefined) => values?.subarray(start, start + SLICE);
      this.#count(part(mask)!, part(rough), part(valid));
    }
  }

  #count(mask: Uint8Array, rough: Uint8Array | undefined, valid: Uint8Array | undefined): void {
    let [pixels, inside, inRough, both] = [0, 0, 0, 0];
    for (let at = 0; at < mask.length; at++) {
      if (valid !== undefined && valid[at] === 0) continue;
      const isInside = mask[at] === 0 ? 0 : 1;
      const isRough = rough === undefined || rough[at] === 0 ? 0 : 1;
      pixels++;
      inside += isInside;
      inRough += isRough;
      both += isInside & isRough;
    }
    this.#pixels += pixels;
    this.#inside += inside;
    if (rough === undefined) return;
    const before = this.#rough ?? { inside: 0, both: 0 };
    this.#rough = { inside: before.inside + inRough, both: before.both + both };
  }

  result(): Coverage {
    const share = (count: number) => (this.#pixels === 0 ? 0 : count / this.#pixels);
    const coverage = share(this.#inside);
    if (this.#rough === undefined) return { coverage, roughMask: null };
    const { inside, both } = this.#rough;
    const either = this.#inside + inside - both;
    return { coverage, roughMask: { coverage: share(inside), iou: either === 0 ? 1 : both / either } };
  }
}

/** Measures the mask of a whole picture, and the rough mask where there is one. */
export async function coverageOf(mask: Uint8Array, rough: Uint8Array | undefined): Promise<Coverage> {
  const tally = new Tally();
  await tally.add(mask, rough);
  return tally.result();
}

/**
 * Measures the mask of a raster as its rows come. What its tiles know (the rough mask, where there is data) is kept for as many rows
 * as a tile is high, and counted with the rows of the mask.
 */
export class TileCoverage {
  readonly #tally = new Tally();
  readonly #plan: TilePlan;
  #top = 0;
  #rough: Uint8Array | undefined;
  #valid: Uint8Array | undefined;

  constructor(plan: TilePlan) {
    this.#plan = plan;
  }

  /** Takes the rough mask within a window. */
  rough(window: Window, values: Uint8Array): void {
    this.#rough ??= this.#strip(0);
    this.#put(this.#rough, window, values);
  }

  /** Takes where a window holds data; undefined: everywhere. */
  valid(window: Window, values: Uint8Array | undefined): void {
    if (values === undefined) return;
    this.#valid ??= this.#strip(1);
    this.#put(this.#valid, window, values);
  }

  /** Takes the next rows of the mask, when all tiles that reach into them have been told of. */
  async rows(mask: Uint8Array): Promise<void> {
    const { length } = mask;
    await this.#tally.add(mask, this.#rough?.subarray(0, length), this.#valid?.subarray(0, length));
    this.#rough?.copyWithin(0, length).fill(0, -length);
    this.#valid?.copyWithin(0, length).fill(1, -length);
    this.#top += length / this.#plan.width;
  }

  result(): Coverage {
    return this.#tally.result();
  }

  #strip(value: number): Uint8Array {
    return new Uint8Array(this.#plan.width * this.#plan.rows[0]!.size).fill(value);
  }

  #put(strip: Uint8Array, { x, y, width, height }: Window, values: Uint8Array): void {
    for (let row = 0; row < height; row++) {
      const to = (y - this.#top + row) * this.#plan.width + x;
      strip.set(values.subarray(row * width, (row + 1) * width), to);
    }
  }
}
