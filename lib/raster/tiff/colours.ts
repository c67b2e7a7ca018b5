/** Colours of a TIFF that are not red, green and blue as stored: palettes, inks, CIELab, YCbCr, greys of which 0 is white. */
import type { Samples } from './samples.js';
import { FORMAT, NotRead, type Page, PHOTOMETRIC } from './tags.js';

/** Makes red, green and blue of the samples of a page, 8 bits each. */
type Conversion = (samples: readonly Samples[], page: Page) => Uint8Array[];

/** A kind of colour that becomes red, green and blue. */
export interface ColourSpace {
  /** Samples that a colour is made of. */
  readonly channels: number;
  readonly toRgb: Conversion;
}

const SPACES: Readonly<Record<number, ColourSpace>> = {
  [PHOTOMETRIC.palette]: { channels: 1, toRgb: fromPalette },
  [PHOTOMETRIC.cmyk]: { channels: 4, toRgb: fromInks },
  [PHOTOMETRIC.yCbCr]: { channels: 3, toRgb: fromLight },
  [PHOTOMETRIC.cieLab]: { channels: 3, toRgb: fromLab },
};

/** Kinds of colour that are not read. */
const UNREAD: Readonly<Record<number, string>> = {
  9: 'ICCLab',
  10: 'ITULab',
  32803: "a camera's raw mosaic (CFA)",
  32844: 'LogL',
  32845: 'LogLuv',
};

/**
 * Returns how a page's samples become colours; undefined where they are taken as they are. Throws where its colours are of a kind, or have
 * a depth, that is not read.
 */
export function colourSpace(page: Page): ColourSpace | undefined {
  const { photometric, samples, bits, format } = page;
  const unread = UNREAD[photometric];
  if (unread !== undefined) throw new NotRead(`its colours are ${unread}, which is not read here`);
  const space = SPACES[photometric];
  if (space === undefined || samples < space.channels) return undefined;
  if (photometric === PHOTOMETRIC.palette) {
    if (page.colourMap.length < 3 * 2 ** bits) throw new Error('it has no palette, though its tags say so');
  } else if (bits !== 8 && !(bits === 16 && photometric === PHOTOMETRIC.cmyk)) {
    throw new NotRead(`its colours are not RGB, and have ${bits} bits a channel`);
  }
  if (format !== FORMAT.unsigned && photometric !== PHOTOMETRIC.cieLab)
    throw new NotRead('its colours are signed or real numbers');
  return space;
}

/** Tells whether 0 means white in a page. */
export function isInverted({ photometric, format }: Page): boolean {
  return photometric === PHOTOMETRIC.minIsWhite && format === FORMAT.unsigned;
}

/** Inverts greys in place. */
export function invert(samples: Samples, bits: number): void {
  const most = 2 ** bits - 1;
  for (let at = 0; at < samples.length; at++) samples[at] = most - samples[at]!;
}

function fromPalette([indexes]: readonly Samples[], { colourMap }: Page): Uint8Array[] {
  const entries = colourMap.length / 3;
  // Some programs write 8 bits into the 16 of an entry.
  const divisor = colourMap.some((value) => value > 255) ? 256 : 1;
  return [0, 1, 2].map((colour) => {
    const table = Uint8Array.from({ length: entries }, (_, at) =>
      Math.floor(colourMap[colour * entries + at]! / divisor),
    );
    return Uint8Array.from(indexes!, (index) => table[index]!);
  });
}

/** Mixes inks as Pillow does: each by itself darkens white, and black darkens the rest. Profiles are not looked at. */
function fromInks(inks: readonly Samples[], { bits }: Page): Uint8Array[] {
  const most = 2 ** bits - 1;
  const black = inks[3]!;
  return [0, 1, 2].map((colour) =>
    Uint8Array.from(inks[colour]!, (ink, at) => Math.round((255 * (most - ink) * (most - black[at]!)) / most ** 2)),
  );
}

/** Converts YCbCr of ITU-R BT.601, full range, as JPEG does. */
function fromLight([light, blue, red]: readonly Samples[]): Uint8Array[] {
  const clamped = (of: (at: number) => number) =>
    new Uint8Array(Uint8ClampedArray.from(light!, (_, at) => of(at)).buffer);
  return [
    clamped((at) => light![at]! + 1.402 * (red![at]! - 128)),
    clamped((at) => light![at]! - 0.344136 * (blue![at]! - 128) - 0.714136 * (red![at]! - 128)),
    clamped((at) => light![at]! + 1.772 * (blue![at]! - 128)),
  ];
}

/** White of CIE illuminant D65, as X and Z of Y = 1. */
const WHITE = { x: 0.95047, z: 1.08883 };

/** Converts CIELab of 8 bits (TIFF 6.0, section 23) by way of XYZ to sRGB (IEC 61966-2-1). */
function fromLab([lightness, a, b]: readonly Samples[]): Uint8Array[] {
  const length = lightness!.length;
  const rgb = [0, 1, 2].map(() => new Uint8Array(length));
  const cube = (t: number) => (t > 6 / 29 ? t ** 3 : 3 * (6 / 29) ** 2 * (t - 4 / 29));
  const gamma = (v: number) => (v > 0.0031308 ? 1.055 * v ** (1 / 2.4) - 0.055 : 12.92 * v);
  const signed = (value: number) => (value > 127 ? value - 256 : value);
  for (let at = 0; at < length; at++) {
    const y = ((lightness![at]! * 100) / 255 + 16) / 116;
    const [X, Y, Z] = [WHITE.x * cube(y + signed(a![at]!) / 500), cube(y), WHITE.z * cube(y - signed(b![at]!) / 200)];
    const linear = [
      3.2406 * X - 1.5372 * Y - 0.4986 * Z,
      -0.9689 * X + 1.8758 * Y + 0.0415 * Z,
      0.0557 * X - 0.204 * Y + 1.057 * Z,
    ];
    linear.forEach((value, colour) => {
      rgb[colour]![at] = Math.round(255 * gamma(Math.min(1, Math.max(0, value))));
    });
  }
  return rgb;
}
