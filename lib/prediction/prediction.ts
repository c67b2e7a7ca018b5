/** What the decoder gives for a prompt: a mask, in the forms that other programs take. */

import { z } from 'zod';
import { maskPng } from '../core/mask-png.js';
import { parseOptions } from '../core/parse-options.js';
import { type CocoRle, toRle } from '../data/sources/coco/rle.js';
import { LOW_RES_SIDE, type Size } from '../frame.js';
import { type Outline, simplify, toOutline } from '../raster/outline.js';
import { RingTracer } from '../raster/rings.js';

const polygonsSchema = z.strictObject({ simplify: z.number().min(0).default(0) });

/**
 * A predicted mask, with the IoU that the model predicts for it.
 *
 * ```ts
 * import { writeFile } from 'node:fs/promises';
 * import { SamModel } from 'sam-native';
 *
 * using model = await SamModel.load('mobile-sam');
 * using embedding = await model.embed('river.jpg');
 * const found = await embedding.predict({ points: [[120, 80]] });
 * if (found.area > 0) await writeFile('river.png', await found.png());
 * ```
 */
export class Prediction {
  /** Mask of `width * height` pixels, those of the original image, row by row: 255 inside, 0 outside. */
  readonly mask: Uint8Array;
  /** Width, pixels. */
  readonly width: number;
  /** Height, pixels. */
  readonly height: number;
  /** IoU that the model predicts for its mask, 0 to 1. */
  readonly score: number;
  /** IoU as the decoder gives it, which nothing keeps below 1: tells the better of two masks whose `score` is 1. */
  readonly rawScore: number;
  /** Logits of the mask, 256 x 256; the picture fills the top left, its long side 256. Above 0 is inside. */
  readonly lowResLogits: Float32Array;
  #extent: { area: number; box: readonly [number, number, number, number] | null } | undefined;

  constructor(found: Pick<Prediction, 'mask' | 'width' | 'height' | 'rawScore' | 'lowResLogits'>) {
    this.mask = found.mask;
    this.width = found.width;
    this.height = found.height;
    this.score = Math.min(1, Math.max(0, found.rawScore));
    this.rawScore = found.rawScore;
    this.lowResLogits = found.lowResLogits;
  }

  /** Bytes of the mask: another name of `mask`. */
  get bytes(): Uint8Array {
    return this.mask;
  }

  /** Number of pixels inside. */
  get area(): number {
    return this.#measured().area;
  }

  /** Box around what is inside, x0, y0, x1, y1: corners of pixels, so that `x1 - x0` is its width; null for an empty mask. */
  get box(): readonly [x0: number, y0: number, x1: number, y1: number] | null {
    return this.#measured().box;
  }

  /** Writes the mask as a PNG: 8-bit grey, 255 inside. */
  png(): Promise<Buffer> {
    return maskPng(this.mask, this.width, this.height);
  }

  /** Writes the mask as COCO's compressed run lengths, which pycocotools reads. */
  rle(): CocoRle {
    return toRle(this.mask, this.width, this.height);
  }

  /**
   * Traces the outlines of the mask's objects: pixels connected by their sides.
   *
   * @param options.simplify pixels that an outline may move by, to have fewer corners. Default 0: it runs along the edges of pixels.
   * @throws SamError `SAM_BAD_OPTION`: options.
   */
  polygons(options: { simplify?: number | undefined } = {}): Outline[] {
    const { simplify: tolerance } = parseOptions(polygonsSchema, options);
    const found: Outline[] = [];
    const tracer = new RingTracer(this.width, (object) => found.push(simplify(toOutline(object), tolerance)));
    for (let at = 0; at < this.mask.length; at += this.width) tracer.add(this.mask.subarray(at, at + this.width));
    tracer.finish();
    return found;
  }

  #measured() {
    this.#extent ??= extentOf(this.mask, this.width, this.height);
    return this.#extent;
  }
}

/** Makes the prediction for a picture that there is no prompt for: an empty mask, of a predicted IoU of 0. */
export function emptyPrediction({ width, height }: Size): Prediction {
  const lowResLogits = new Float32Array(LOW_RES_SIDE ** 2).fill(-1);
  return new Prediction({ mask: new Uint8Array(width * height), width, height, rawScore: 0, lowResLogits });
}

/** Counts the pixels inside, and finds the corners around them. */
function extentOf(mask: Uint8Array, width: number, height: number) {
  let [x0, y0, x1, y1, area] = [width, height, 0, 0, 0];
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      if (mask[at] === 0) continue;
      area++;
      if (x < x0) x0 = x;
      if (x >= x1) x1 = x + 1;
      if (y < y0) y0 = y;
      y1 = y + 1;
    }
  }
  return { area, box: area === 0 ? null : ([x0, y0, x1, y1] as const) };
}
