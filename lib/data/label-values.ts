/**
 * What the values of a label tell about how it was made. Classes and ids are regions of one value each; a JPEG and an anti-aliased edge
 * leave values between two ends, each of them on a slope from one to the other. The numbers below part the two on masks of disks, rivers,
 * cracks, cells and classes, saved as JPEG (qualities 30 to 95), made smaller with four filters, and left as they were.
 */

/** A thing that a label may not be meant to be. */
export type LabelDoubt =
  /** Values between two ends, as of a JPEG or an anti-aliased edge: inside is what lies above half. */
  | 'between'
  /** Values that run into each other, as a photograph's or a probability's: inside is any but 0. */
  | 'shades'
  /** Few classes, and one value that elsewhere often means 'no label', such as 255: it is inside. */
  | 'void'
  /** Inks, whose black is no 0. */
  | 'cmyk'
  /** The image is turned without changing its size, so that none tells whether the label was drawn on the turned one. */
  | 'orientation';

/** Least bright maximum of a label whose in-between values are looked at: below, there is no room for two ends. */
const LEAST_MAXIMUM = 32;
/** Fewest values between the ends: classes may be as few. */
const FEWEST_BETWEEN = 3;
/** Distance from an end within which WebP leaves flat blocks of noise. */
const NOISE = 8;
/** Least share of the pixels at the two ends, within a quarter of their distance: 0.98 to 1 for what is left of one mask. */
const AT_ENDS = 0.95;
/** Least share of an end's pixels that have its most common value: 0.5 and more; of ids, at the upper end, 0.2 at most. */
const LEAST_PLATEAU = 0.3;
/** Most of the values between that lie beside their like on both axes: 0.01; classes have 0.25 and more. */
const MOST_FLAT = 0.1;
/** Least of the values between that lie between their neighbours': 0.1 and more, mostly 0.7; classes have 0.03 at most. */
const LEAST_SLOPING = 0.1;
/** The same for values that run into each other, and the fewest of them. */
const [LEAST_SHADED, FEWEST_SHADES] = [0.3, 64];
/** Value that classes lie below, for a 255 beside them to look like 'no label'. */
const MOST_CLASSES = 64;
/** Greatest values of 8, 16 and 32 bits, signed and not. */
const NONE = new Set([7, 8, 15, 16, 31, 32].map((bits) => 2 ** bits - 1));

/** What is made of a label's values. */
export interface ValueFindings {
  /** Value above which a pixel is inside. */
  readonly threshold: number;
  readonly doubts: readonly LabelDoubt[];
}

/** Values of which nothing is to be said: all but 0 is inside. */
export const PLAIN: ValueFindings = { threshold: 0, doubts: [] };

/**
 * Tells what the values of an 8-bit label are, and which of them are inside.
 *
 * @param values value a pixel: of colours the brightest channel.
 * @param counts number of pixels of each value, 256.
 * @param width width of the label, pixels; undefined: nothing is known of neighbours, and all but 0 is inside.
 */
export function lookAtValues(values: Uint8Array, counts: Uint32Array, width: number | undefined): ValueFindings {
  const present = [...counts.keys()].filter((value) => counts[value]! > 0);
  if (hasVoid(present)) return { threshold: 0, doubts: ['void'] };
  const maximum = present.at(-1) ?? 0;
  if (maximum < LEAST_MAXIMUM || width === undefined) return PLAIN;
  // A coarse JPEG's black is 1 or 2, that of inks some 30.
  const ends = [mostCommon(counts, 0, maximum / 4), mostCommon(counts, Math.ceil(maximum / 2), maximum)] as const;
  const betweenBy = (noise: number) =>
    present.filter((value) => ends.every((end) => Math.abs(value - end) > noise)).length;
  const between = betweenBy(0);
  if (between < FEWEST_BETWEEN) return PLAIN;
  const { flat, sloping } = slopes(values, width, { ends, noise: 0 });
  const isSoft = (found: { flat: number; sloping: number }) =>
    found.sloping >= LEAST_SLOPING && found.flat <= MOST_FLAT;
  const isNoise = (end: number) => present.some((value) => value !== end && Math.abs(value - end) <= NOISE);
  const isSoftBeside = () =>
    betweenBy(NOISE) < FEWEST_BETWEEN ? ends.every(isNoise) : isSoft(slopes(values, width, { ends, noise: NOISE }));
  if (hasTwoEnds(counts, ends) && (isSoft({ flat, sloping }) || isSoftBeside())) {
    return { threshold: Math.floor((ends[0] + ends[1]) / 2), doubts: ['between'] };
  }
  return sloping >= LEAST_SHADED && between >= FEWEST_SHADES ? { threshold: 0, doubts: ['shades'] } : PLAIN;
}

/**
 * Tells what many values are that are no bytes, as {@link lookAtValues} does: a probability, or an anti-aliased edge of 16 bits.
 *
 * @param numbers value a pixel, none below 0.
 */
export function lookAtNumbers(numbers: Float32Array, width: number): ValueFindings {
  let maximum = 0;
  for (const value of numbers) if (value > maximum) maximum = value;
  const bytes = Uint8Array.from(numbers, (value) => Math.round((255 * value) / maximum));
  const counts = new Uint32Array(256);
  for (const value of bytes) counts[value]!++;
  const { threshold, doubts } = lookAtValues(bytes, counts, width);
  return { threshold: threshold === 0 ? 0 : ((threshold + 0.5) * maximum) / 255, doubts };
}

/** Tells whether these values are a few classes and one or two that elsewhere often mean 'no label': 255, 65535, -1, -9999. */
export function hasVoid(present: readonly number[]): boolean {
  const others = present.filter((value) => value !== 0);
  const classes = others.filter((value) => value > 0 && value < MOST_CLASSES && Number.isInteger(value));
  const rest = others.filter((value) => !classes.includes(value));
  const isNone = (value: number) =>
    value < 0 || NONE.has(value) || value > 1e30 || (value === 254 && rest.includes(255));
  return classes.length > 0 && rest.length > 0 && rest.length <= 2 && rest.every(isNone);
}

/** Colour that Pascal VOC draws around its objects: no label; its classes have no channel but 0, 64, 128 and 192. */
const VOC_VOID = [224, 224, 192] as const;

/** Tells whether a label in colours, red, green and blue of each pixel, is one of Pascal VOC's, with what has no label there. */
export function hasVocVoid(colours: Uint8Array): boolean {
  let found = false;
  for (let at = 0; at < colours.length; at += 3) {
    if (VOC_VOID.every((value, channel) => colours[at + channel] === value)) found = true;
    else if (((colours[at]! | colours[at + 1]! | colours[at + 2]!) & 63) !== 0) return false;
  }
  return found;
}

type Ends = readonly [lower: number, upper: number];

/** Finds the value from `least` to `most` that most pixels have. */
function mostCommon(counts: Uint32Array, least: number, most: number): number {
  let found = least;
  for (let value = least; value <= most; value++) if (counts[value]! > counts[found]!) found = value;
  return found;
}

/** Tells whether nearly all pixels lie about the two ends, and many of them right there. */
function hasTwoEnds(counts: Uint32Array, [lower, upper]: Ends): boolean {
  const sum = (from: number, to: number) => counts.subarray(from, to).reduce((total, count) => total + count, 0);
  const near = (upper - lower) / 4;
  const [low, high] = [sum(0, Math.floor(lower + near) + 1), sum(Math.ceil(upper - near), counts.length)];
  return (
    low + high >= AT_ENDS * sum(0, counts.length) &&
    counts[upper]! >= LEAST_PLATEAU * high &&
    counts[lower]! >= LEAST_PLATEAU * low
  );
}

/** Measures the shares of the pixels between the ends, and farther from them than noise, that lie beside their like, and between their neighbours. */
function slopes(
  values: Uint8Array,
  width: number,
  { ends: [lower, upper], noise }: { ends: Ends; noise: number },
): { flat: number; sloping: number } {
  let [all, flat, sloping] = [0, 0, 0];
  for (let at = 0; at < values.length; at++) {
    const value = values[at]!;
    if (Math.abs(value - lower) <= noise || Math.abs(value - upper) <= noise) continue;
    all++;
    const column = at % width;
    if (column > 0 && at >= width && values[at - 1] === value && values[at - width] === value) flat++;
    else if (isSloping(values, width, at)) sloping++;
  }
  return { flat: flat / all, sloping: sloping / all };
}

/** Tells whether a pixel has both darker and brighter ones among its eight neighbours. */
function isSloping(values: Uint8Array, width: number, at: number): boolean {
  const value = values[at]!;
  const column = at % width;
  let [darker, brighter] = [false, false];
  for (let dy = -width; dy <= width; dy += width) {
    for (let dx = column === 0 ? 0 : -1; dx <= (column === width - 1 ? 0 : 1); dx++) {
      const other = values[at + dy + dx] ?? value;
      darker ||= other < value;
      brighter ||= other > value;
    }
  }
  return darker && brighter;
}
