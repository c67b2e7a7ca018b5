/**
 * Colour as hue, saturation and value (A. R. Smith, "Color Gamut Transform Pairs", 1978): hue in degrees, 0 to 360, of red 0,
 * green 120, blue 240; saturation and value 0 to 1. A grey has hue 0 and saturation 0, as in scikit-image.
 */

/** A range of values; both ends are inside. */
export type Range = readonly [from: number, to: number];

/** Ranges of what is inside the rough mask; what is not given does not matter. */
export interface HsvBands {
  /** Hue, degrees. `from` above `to` wraps past 360: [340, 20] are the reds. */
  readonly hue?: Range | undefined;
  /** Saturation, 0 to 1. */
  readonly saturation?: Range | undefined;
  /** Value (brightness), 0 to 1. */
  readonly value?: Range | undefined;
}

/**
 * Converts a colour, its red, green and blue 0 to 255, to hue, saturation and value.
 *
 * @returns hue in [0, 360), saturation and value in [0, 1].
 */
export function rgbToHsv(red: number, green: number, blue: number): [hue: number, saturation: number, value: number] {
  const most = Math.max(red, green, blue);
  const spread = most - Math.min(red, green, blue);
  return [hueOf(red, green, blue, most, spread), most === 0 ? 0 : spread / most, most / 255];
}

function hueOf(red: number, green: number, blue: number, most: number, spread: number): number {
  if (spread === 0) return 0;
  // The order of the cases is scikit-image's: where two channels share the maximum, the later one counts.
  if (most === blue) return 60 * (4 + (red - green) / spread);
  if (most === green) return 60 * (2 + (blue - red) / spread);
  const hue = 60 * ((green - blue) / spread);
  return hue < 0 ? hue + 360 : hue;
}

/** Tells whether a hue lies in a range that may wrap. */
export function hueWithin(hue: number, [from, to]: Range): boolean {
  return from <= to ? hue >= from && hue <= to : hue >= from || hue <= to;
}

/**
 * Finds the pixels within all ranges.
 *
 * @param pixels interleaved 8-bit RGB.
 * @param valid one value a pixel, 0 where there is no picture.
 * @returns one value a pixel, 0 or 1.
 */
export function hsvMask(pixels: Uint8Array, bands: HsvBands, valid?: Uint8Array): Uint8Array {
  const { hue } = bands;
  const { least: leastSpread, most: mostSpread } = spreadsWithin(bands);
  const mask = new Uint8Array(pixels.length / 3);
  for (let index = 0, at = 0; index < mask.length; index++, at += 3) {
    const red = pixels[at]!;
    const green = pixels[at + 1]!;
    const blue = pixels[at + 2]!;
    const most = red > green ? (red > blue ? red : blue) : green > blue ? green : blue;
    const least = red < green ? (red < blue ? red : blue) : green < blue ? green : blue;
    const spread = most - least;
    if (valid?.[index] === 0 || spread < leastSpread[most]! || spread > mostSpread[most]!) continue;
    if (hue !== undefined && !hueWithin(hueOf(red, green, blue, most, spread), hue)) continue;
    mask[index] = 1;
  }
  return mask;
}

/**
 * Tabulates, for each greatest channel (0 to 255), the spreads whose saturation and value are within their ranges: value follows from
 * the one and saturation from both, so that a table spares each pixel the division. Where none is, the least is above any spread.
 */
function spreadsWithin({ saturation = [0, 1], value = [0, 1] }: HsvBands): { least: Int16Array; most: Int16Array } {
  const least = new Int16Array(256).fill(256);
  const greatest = new Int16Array(256).fill(-1);
  for (let most = 0; most < 256; most++) {
    if (most / 255 < value[0] || most / 255 > value[1]) continue;
    for (let spread = 0; spread <= most; spread++) {
      const own = most === 0 ? 0 : spread / most;
      if (own < saturation[0] || own > saturation[1]) continue;
      least[most] = Math.min(least[most]!, spread);
      greatest[most] = spread;
    }
  }
  return { least, most: greatest };
}
