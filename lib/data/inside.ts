/** What of a label is inside, from its samples: anything but 0, of whatever numeric type. */
import { inSlices } from './slices.js';

/** Samples of a label as they were stored, in whichever numeric type. */
export type LabelSamples =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array
  | BigUint64Array
  | BigInt64Array;

/** Pixels of a label that are inside, and those that have a label at all. */
export interface Inside {
  /** Value a pixel: 1 inside, 0 outside. */
  readonly values: Uint8Array;
  /** Value a pixel: 1 where there is a label; undefined where all have one. */
  readonly labelled?: Uint8Array;
}

/**
 * Tells the inside of a label: pixels with any channel but 0 (NaN is outside) that are not wholly transparent.
 *
 * @param samples pixel by pixel, `channels` values each; the last is alpha with `hasAlpha`.
 * @param options `valid`: a value a pixel, 0 where there is no label (GDAL's nodata).
 */
export async function insideOf(
  samples: LabelSamples,
  channels: number,
  { hasAlpha, valid }: { readonly hasAlpha: boolean; readonly valid?: Uint8Array | undefined },
): Promise<Inside> {
  const colours = hasAlpha ? channels - 1 : channels;
  const values = new Uint8Array(samples.length / channels);
  await inSlices(values.length, (start, end) => {
    for (let pixel = start; pixel < end; pixel++) {
      const at = pixel * channels;
      let inside = 0;
      for (let channel = 0; channel < colours; channel++) {
        const value = samples[at + channel]!;
        // Not "!== 0": a real-valued label's NaN is outside, and 0n is another thing than 0.
        if (value > 0 || value < 0) inside = 1;
      }
      values[pixel] = hasAlpha && !(samples[at + colours]! > 0) ? 0 : inside;
    }
  });
  if (valid === undefined) return { values };
  return { values: values.map((value, pixel) => (valid[pixel] ? value : 0)), ...labelledBy(valid) };
}

/** Returns `labelled` of a mask from the pixels that are valid: 0 or 1, and nothing at all where every pixel is. */
export function labelledBy(valid: Uint8Array): { readonly labelled?: Uint8Array } {
  return valid.includes(0) ? { labelled: valid.map((value) => (value ? 1 : 0)) } : {};
}
