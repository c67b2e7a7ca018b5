/** Makes a rough mask of pixels: all that takes long, without waiting for anything, so that a thread can do it. */
import { chebyshevDistance } from '../morphology.js';
import { type Cleaning, cleanMask } from './clean.js';
import { type HsvBands, hsvMask, rgbToHsv } from './hsv.js';
import { otsuThreshold } from './otsu.js';
import { aboveThreshold, normalisedDifference } from './spectral.js';

export type RoughPixels =
  /** Colours: interleaved 8-bit RGB. */
  | {
      readonly kind: 'hsv';
      readonly pixels: Uint8Array;
      readonly bands: HsvBands;
      /** Where there is a picture; undefined: everywhere. */
      readonly valid?: Uint8Array | undefined;
    }
  /** A spectral index: two bands of width*height, and where they hold data. */
  | {
      readonly kind: 'index';
      readonly name: string;
      readonly a: Float32Array;
      readonly b: Float32Array;
      readonly valid: Uint8Array;
      readonly threshold: number | 'otsu';
    }
  /** A mask of width*height, non-zero inside. */
  | { readonly kind: 'mask'; readonly values: Uint8Array };

export interface RoughRequest {
  readonly source: RoughPixels;
  readonly width: number;
  readonly height: number;
  readonly cleaning: Cleaning;
  /** Whether distances to the edge are wanted too. */
  readonly distances: boolean;
}

/** Chebyshev distances in pixels of the image: rounds of erosion with a 3 x 3 square that a pixel survives, plus one. */
export interface Distances {
  /** Distances of pixels inside the mask; 0 outside. */
  readonly inside: Uint16Array;
  /** Distances of pixels outside the mask; 0 inside. */
  readonly outside: Uint16Array;
}

/** A rough mask, and what was found on the way to it. */
export interface RoughResult {
  /** Pixels of the mask: width*height, 0 or 1. */
  readonly values: Uint8Array;
  /** Number of pixels inside. */
  readonly area: number;
  /** Threshold that was taken of an index, NaN where there was no data; null where there is no index. */
  readonly threshold: number | null;
  /** Reason why the mask is empty, with what the values were; null where it is not. */
  readonly emptiness: string | null;
  /** Distances of each pixel to the edge, where they were asked for. */
  readonly distances: Distances | null;
}

export function computeRoughMask({ source, width, height, cleaning, distances }: RoughRequest): RoughResult {
  const { values: raw, threshold, describe } = thresholded(source);
  const values = cleanMask(raw, width, height, cleaning);
  const area = count(values);
  const before = area > 0 ? 0 : count(raw);
  const small = `its ${before} pixels are in pieces of fewer than ${cleaning.minArea} (\`minArea\`)`;
  const emptiness = area > 0 ? null : before > 0 ? small : describe();
  return { values, area, threshold, emptiness, distances: distances ? distancesOf(values, width, height) : null };
}

function distancesOf(values: Uint8Array, width: number, height: number): Distances {
  return {
    inside: chebyshevDistance(values, width, height, 1),
    outside: chebyshevDistance(values, width, height, 0),
  };
}

interface Thresholded {
  values: Uint8Array;
  threshold: number | null;
  /** Says what the values were, for a mask that turns out empty. */
  describe(): string;
}

function thresholded(source: RoughPixels): Thresholded {
  switch (source.kind) {
    case 'mask':
      return { values: source.values, threshold: null, describe: () => 'it has no pixel' };
    case 'hsv':
      return {
        values: hsvMask(source.pixels, source.bands, source.valid),
        threshold: null,
        describe: () => describeColours(source),
      };
    case 'index': {
      const index = normalisedDifference(source.a, source.b, source.valid);
      const threshold = source.threshold === 'otsu' ? otsuThreshold(index) : source.threshold;
      return {
        values: aboveThreshold(index, threshold),
        threshold,
        describe: () => describeIndex(source.name, index, threshold),
      };
    }
  }
}

function count(values: Uint8Array): number {
  let set = 0;
  for (let index = 0; index < values.length; index++) set += values[index] === 0 ? 0 : 1;
  return set;
}

function describeIndex(name: string, index: Float32Array, threshold: number): string {
  const known = index.filter((value) => !Number.isNaN(value));
  if (known.length === 0) return 'the image holds no data';
  return `nothing is above ${threshold}: ${name.toUpperCase()} is ${spread(known)}`;
}

/** Most values that are described, evenly spaced. */
const MOST_DESCRIBED = 65_536;

function describeColours({ pixels, bands }: Extract<RoughPixels, { kind: 'hsv' }>): string {
  const total = pixels.length / 3;
  const described = Math.min(total, MOST_DESCRIBED);
  const channels = [0, 1, 2].map(() => new Float32Array(described));
  for (let index = 0; index < described; index++) {
    const at = 3 * Math.floor((index * total) / described);
    const hsv = rgbToHsv(pixels[at]!, pixels[at + 1]!, pixels[at + 2]!);
    hsv.forEach((value, channel) => {
      channels[channel]![index] = value;
    });
  }
  const asked = [bands.hue, bands.saturation, bands.value];
  const lines = ['hue', 'saturation', 'value'].map((name, channel) => {
    const band = asked[channel] === undefined ? '' : ` (asked ${asked[channel].join('-')})`;
    return `${name} is ${spread(channels[channel]!)}${band}`;
  });
  return `no pixel is in the bands: ${lines.join(', ')}`;
}

/** Describes values by three of them: `0.1/0.3/0.9 (least/median/greatest)`. */
function spread(values: Float32Array): string {
  const step = Math.max(1, Math.floor(values.length / MOST_DESCRIBED));
  const sorted = values.filter((_, index) => index % step === 0).sort();
  let [least, greatest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  const shown = [least, sorted[sorted.length >> 1]!, greatest].map((value) => Number(value.toPrecision(3)));
  return `${shown.join('/')} (least/median/greatest)`;
}
