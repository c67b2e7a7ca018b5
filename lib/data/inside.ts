/** What of a label is inside, from its samples: anything but 0, of whatever numeric type. */
import { hasVoid, type LabelDoubt, lookAtValues } from './label-values.js';
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
  /** What the label may not be meant to be; undefined where nothing looks like that. */
  readonly doubts?: readonly LabelDoubt[];
}

export interface InsideOptions {
  /** Whether the last channel is alpha. */
  readonly hasAlpha: boolean;
  /** Value a pixel: 0 where there is no label (GDAL's nodata). */
  readonly valid?: Uint8Array | undefined;
  /** Width of the label, pixels; without it, edges that a JPEG or anti-aliasing has made aren't looked for. */
  readonly width?: number | undefined;
}

/**
 * Tells the inside of a label: pixels with any channel but 0 (NaN is outside) that are not wholly transparent; where values of 8 bits
 * lie between two ends, as a JPEG's, the pixels above half.
 *
 * @param samples pixel by pixel, `channels` values each.
 */
export async function insideOf(samples: LabelSamples, channels: number, options: InsideOptions): Promise<Inside> {
  const { valid } = options;
  const { values, doubts } =
    samples instanceof Uint8Array
      ? await insideBytes(samples, channels, options)
      : await insideNumbers(samples, channels, options);
  return { values, ...(valid !== undefined && labelledBy(valid)), ...(doubts.length > 0 && { doubts }) };
}

/** Returns `labelled` of a mask from the pixels that are valid: 0 or 1, and nothing at all where every pixel is. */
export function labelledBy(valid: Uint8Array): { readonly labelled?: Uint8Array } {
  return valid.includes(0) ? { labelled: valid.map((value) => (value ? 1 : 0)) } : {};
}

interface Found {
  readonly values: Uint8Array;
  readonly doubts: readonly LabelDoubt[];
}

async function insideBytes(samples: Uint8Array, channels: number, options: InsideOptions): Promise<Found> {
  const { hasAlpha, valid, width } = options;
  const brightest = channels === 1 && valid === undefined ? samples : new Uint8Array(samples.length / channels);
  const counts = new Uint32Array(256);
  await inSlices(brightest.length, (start, end) => {
    if (brightest !== samples) brighten(samples, channels, hasAlpha ? channels - 1 : channels, brightest, start, end);
    for (let pixel = start; valid !== undefined && pixel < end; pixel++) if (valid[pixel] === 0) brightest[pixel] = 0;
    count(brightest, counts, start, end);
  });
  const { threshold, doubts } = lookAtValues(brightest, counts, width);
  const values = brightest === samples ? new Uint8Array(samples.length) : brightest;
  await inSlices(values.length, (start, end) => {
    for (let pixel = start; pixel < end; pixel++) values[pixel] = brightest[pixel]! > threshold ? 1 : 0;
  });
  return { values, doubts };
}

/** Finds the brightest of the first `colours` channels of each pixel; 0 where a channel behind them, alpha, is 0. */
function brighten(
  samples: Uint8Array,
  channels: number,
  colours: number,
  brightest: Uint8Array,
  start: number,
  end: number,
): void {
  for (let pixel = start, at = start * channels; pixel < end; pixel++, at += channels) {
    let most = samples[at]!;
    for (let channel = 1; channel < colours; channel++) {
      const value = samples[at + channel]!;
      if (value > most) most = value;
    }
    brightest[pixel] = colours < channels && samples[at + colours] === 0 ? 0 : most;
  }
}

/** Counts the pixels of each value, run by run: adding to one number again and again takes longer. */
function count(values: Uint8Array, counts: Uint32Array, start: number, end: number): void {
  for (let from = start, pixel = start; pixel < end; from = pixel) {
    const value = values[from]!;
    while (pixel < end && values[pixel] === value) pixel++;
    counts[value]! += pixel - from;
  }
}

/** Most values that are told apart: more are no classes. */
const MOST_VALUES = 80;

async function insideNumbers(
  samples: Exclude<LabelSamples, Uint8Array>,
  channels: number,
  { hasAlpha, valid }: InsideOptions,
): Promise<Found> {
  const colours = hasAlpha ? channels - 1 : channels;
  const values = new Uint8Array(samples.length / channels);
  const present = new Set<number>();
  await inSlices(values.length, (start, end) => {
    let before: number | bigint = 0;
    for (let pixel = start; pixel < end; pixel++) {
      const at = pixel * channels;
      if ((hasAlpha && !(samples[at + colours]! > 0)) || valid?.[pixel] === 0) continue;
      for (let channel = 0; channel < colours; channel++) {
        const value = samples[at + channel]!;
        // Not "!== 0": a real-valued label's NaN is outside, and 0n is another thing than 0.
        if (!(value > 0 || value < 0)) continue;
        values[pixel] = 1;
        if (value !== before && present.size < MOST_VALUES) present.add(Number(value));
        before = value;
      }
    }
  });
  return { values, doubts: hasVoid([...present]) ? ['void'] : [] };
}
