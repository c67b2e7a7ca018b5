/** Search for the bands of hue, saturation and value that fit the labels best. */
import type { Range } from '../../prompts/rough/hsv.js';
import { meanIou, type SearchImage } from './samples.js';

/** Bands of hue (degrees), saturation and value, by both ends; the whole range where a channel does not matter. */
export interface ColourBands {
  readonly hue: Range;
  readonly saturation: Range;
  readonly value: Range;
}

export interface ColourTry extends ColourBands {
  readonly meanIou: number;
}

const ANY: ColourBands = { hue: [0, 360], saturation: [0, 1], value: [0, 1] };
/** Shares of the label's own pixels that a starting point's bands hold. */
const SHARES = [0.98, 0.9, 0.75, 0.5];
/** Channels that a starting point leaves free. */
const SUBSETS: readonly (keyof ColourBands)[][] = [
  [],
  ['hue'],
  ['saturation'],
  ['value'],
  ['saturation', 'value'],
  ['hue', 'saturation'],
  ['hue', 'value'],
];
/** Steps of hue in degrees, of the others in hundredths of it: coarse to fine. */
const STEPS = [
  { hue: 20, other: 0.1 },
  { hue: 8, other: 0.04 },
  { hue: 2, other: 0.01 },
];
/** Number of the best bands with which the search goes on in finer steps. */
const REFINED = 2;
/** Width of the windows of hues that are starting points too, since a label may have several hues. */
const WINDOW = 90;

/** Starting point of the search. Those of one family share which channels matter, and each family gets its chance. */
interface Start {
  readonly family: string;
  readonly bands: ColourBands;
}

/**
 * Searches for bands. It starts from the quantiles of the label's own colours, each also without some of its bands, and from windows of
 * hues. The best of each kind is followed: one end of one band moves at a time (or both, or the band goes) while the mean IoU grows, in
 * coarse steps, and from the best of these in finer ones. Tells every gain, and returns the list of them, the best last.
 */
export async function searchColours(
  images: readonly SearchImage[],
  onFound: (found: ColourTry) => void,
  signal?: AbortSignal,
): Promise<ColourTry[]> {
  const gains: ColourTry[] = [];
  const score = async (bands: ColourBands): Promise<ColourTry> => {
    const found = { ...bands, meanIou: await meanIou(images, (image) => insideOf(image, bands), signal) };
    if (found.meanIou > (gains.at(-1)?.meanIou ?? -1)) {
      gains.push(found);
      onFound(found);
    }
    return found;
  };
  const families = new Map<string, ColourTry>();
  for (const { family, bands } of startingPoints(images)) {
    const found = await score(bands);
    if (found.meanIou > (families.get(family)?.meanIou ?? -1)) families.set(family, found);
  }
  const [coarse, ...finer] = STEPS;
  const climbed: ColourTry[] = [];
  for (const start of families.values()) climbed.push(await climb(start, coarse!, score));
  climbed.sort((a, b) => b.meanIou - a.meanIou);
  for (const start of climbed.slice(0, REFINED)) {
    let best = start;
    for (const step of finer) best = await climb(best, step, score);
  }
  return gains;
}

/** Climbs: moves ends of bands as long as that helps. */
async function climb(
  start: ColourTry,
  step: { hue: number; other: number },
  score: (bands: ColourBands) => Promise<ColourTry>,
): Promise<ColourTry> {
  let best = start;
  for (let moved = true; moved; ) {
    moved = false;
    for (const move of movesOf(step)) {
      const found = await score(move(best));
      if (found.meanIou <= best.meanIou) continue;
      [best, moved] = [found, true];
    }
  }
  return best;
}

/** Lists each move of one end of one band, as a change of the best bands so far. */
function movesOf(step: { hue: number; other: number }): ((bands: ColourBands) => ColourBands)[] {
  const moves: ((bands: ColourBands) => ColourBands)[] = [];
  for (const channel of ['hue', 'saturation', 'value'] as const) {
    const size = channel === 'hue' ? step.hue : step.other;
    for (const [low, high] of [
      [-1, 0],
      [1, 0],
      [0, -1],
      [0, 1],
      [1, 1],
      [-1, -1],
    ] as const) {
      moves.push((bands) => {
        const [from, to] = bands[channel];
        const next: Range = [from + low * size, to + high * size];
        return { ...bands, [channel]: channel === 'hue' ? turned(next) : clipped(next) };
      });
    }
    moves.push((bands) => ({ ...bands, [channel]: ANY[channel] }));
  }
  return moves;
}

function turned([from, to]: Range): Range {
  if (from === 0 && to >= 360) return ANY.hue;
  const within = (hue: number) => Math.round(((hue % 360) + 360) % 360);
  return [within(from), within(to)];
}

function clipped([from, to]: Range): Range {
  const within = (value: number) => Math.round(Math.min(1, Math.max(0, value)) * 100) / 100;
  return from <= to ? [within(from), within(to)] : [within(to), within(from)];
}

function startingPoints(images: readonly SearchImage[]): Start[] {
  const colours = [0, 1, 2].map((channel) => insideValues(images, channel));
  const points = SHARES.map((share) => ({
    hue: turned(arcOf(colours[0]!, share)),
    saturation: clipped(middle(colours[1]!, share)),
    value: clipped(middle(colours[2]!, share)),
  }));
  const own = points.flatMap((bands) =>
    SUBSETS.map((free) => ({
      family: `without ${free.join(' and ')}`,
      bands: { ...bands, ...Object.fromEntries(free.map((channel) => [channel, ANY[channel]])) },
    })),
  );
  const windows = Array.from({ length: (2 * 360) / WINDOW }, (_, index) => ({
    family: 'a window of hues',
    bands: { ...points[0]!, hue: turned([(index * WINDOW) / 2, (index * WINDOW) / 2 + WINDOW]) },
  }));
  return [...own, ...windows];
}

/** Sorts a channel's values of all pixels inside the labels. */
function insideValues(images: readonly SearchImage[], channel: number): Float32Array {
  const parts = images.map(({ channels, label }) => channels[channel]!.filter((_, index) => label[index] === 1));
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all.sort();
}

/** Finds the middle of sorted values that holds `share` of them. */
function middle(sorted: Float32Array, share: number): Range {
  const at = (quantile: number) => sorted[Math.round(quantile * (sorted.length - 1))] ?? 0;
  return [at((1 - share) / 2), at((1 + share) / 2)];
}

/** Finds the shortest arc of the circle that holds `share` of the sorted hues. */
function arcOf(sorted: Float32Array, share: number): Range {
  const count = sorted.length;
  const held = Math.ceil(share * count);
  let best: Range = ANY.hue;
  for (let first = 0; first < count; first++) {
    const last = first + held - 1;
    const to = last < count ? sorted[last]! : sorted[last - count]! + 360;
    if (to - sorted[first]! < best[1] - best[0]) best = [sorted[first]!, to];
  }
  return best;
}

function insideOf({ channels, label }: SearchImage, { hue, saturation, value }: ColourBands): Uint8Array {
  const [hues, saturations, values] = channels as [Float32Array, Float32Array, Float32Array];
  const mask = new Uint8Array(label.length);
  const [from, to] = hue;
  const wraps = from > to;
  for (let index = 0; index < mask.length; index++) {
    const [h, s, v] = [hues[index]!, saturations[index]!, values[index]!];
    if (s < saturation[0] || s > saturation[1] || v < value[0] || v > value[1]) continue;
    mask[index] = (wraps ? h >= from || h <= to : h >= from && h <= to) ? 1 : 0;
  }
  return mask;
}
