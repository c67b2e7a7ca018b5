/** Finds the bands of hue, saturation and value that fit the labels best. */
import type { Range } from '../../prompts/rough/hsv.js';
import { meanIou, type SearchImage } from './samples.js';

/** Both ends of hue (degrees), saturation and value; the whole range where a channel does not matter. */
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
/** Steps of hue in degrees, of the others in hundredths of it: coarse to fine. */
const STEPS = [
  { hue: 20, other: 0.1 },
  { hue: 8, other: 0.04 },
  { hue: 2, other: 0.01 },
];
/** Starting points from which the search goes on. */
const FOLLOWED = 3;

/**
 * Starts from the quantiles of the label's own colours, each with and without its bands, and moves one end of one band at a time while
 * the mean IoU grows. Every gain is told, and the list of them returned, the best last.
 */
export async function searchColours(
  images: readonly SearchImage[],
  onGain: (found: ColourTry) => void,
  signal?: AbortSignal,
): Promise<ColourTry[]> {
  const score = async (bands: ColourBands): Promise<ColourTry> => ({
    ...bands,
    meanIou: await meanIou(images, (image) => insideOf(image, bands), signal),
  });
  const starts: ColourTry[] = [];
  for (const bands of startingPoints(images)) starts.push(await score(bands));
  starts.sort((a, b) => b.meanIou - a.meanIou);
  const gains: ColourTry[] = [];
  const keep = (found: ColourTry) => {
    if (found.meanIou <= (gains.at(-1)?.meanIou ?? -1)) return;
    gains.push(found);
    onGain(found);
  };
  for (const start of starts.slice(0, FOLLOWED)) {
    let best = start;
    keep(best);
    for (const step of STEPS) {
      for (let moved = true; moved; ) {
        moved = false;
        for (const bands of neighbours(best, step)) {
          const found = await score(bands(best));
          if (found.meanIou <= best.meanIou) continue;
          [best, moved] = [found, true];
          keep(best);
        }
      }
    }
  }
  return gains;
}

/** Each move of one end of one band, as a change of the best bands so far. */
function neighbours(_: ColourBands, step: { hue: number; other: number }): ((bands: ColourBands) => ColourBands)[] {
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

function startingPoints(images: readonly SearchImage[]): ColourBands[] {
  const colours = [0, 1, 2].map((channel) => insideValues(images, channel));
  const points = SHARES.map((share) => ({
    hue: turned(arcOf(colours[0]!, share)),
    saturation: clipped(middle(colours[1]!, share)),
    value: clipped(middle(colours[2]!, share)),
  }));
  const subsets = [
    [],
    ['hue'],
    ['saturation'],
    ['value'],
    ['saturation', 'value'],
    ['hue', 'saturation'],
    ['hue', 'value'],
  ];
  return points.flatMap((bands) =>
    subsets.map((free) => ({
      ...bands,
      ...Object.fromEntries(free.map((name) => [name, ANY[name as keyof ColourBands]])),
    })),
  );
}

/** A channel's values of all pixels inside the labels, in order. */
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

/** The middle of sorted values that holds `share` of them. */
function middle(sorted: Float32Array, share: number): Range {
  const at = (quantile: number) => sorted[Math.round(quantile * (sorted.length - 1))] ?? 0;
  return [at((1 - share) / 2), at((1 + share) / 2)];
}

/** The shortest arc of the circle that holds `share` of the sorted hues. */
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
