/**
 * Draws a prompt from a label, as docs/prompts.md says: points a distance apart, away from the label's edge, and a box
 * whose sides have moved a little.
 */
import { SamError } from '../core/errors.js';
import type { Random } from '../core/random.js';
import { type LowResMask, withoutPadding } from '../data/low-res.js';
import { chebyshevDistance } from './morphology.js';
import type { Margin, Prompt, PromptSettings } from './prompt.js';

/** Numbers that positive and negative points are drawn by: `distance` is m in m*sqrt(A)/n, `erosion` d in int(A^0.6/d) rounds. */
const POSITIVE = { distance: 2.75, erosion: 35 };
const NEGATIVE = { distance: 2, erosion: 50 };

type Pixel = readonly [column: number, row: number];
type Box = readonly [x0: number, y0: number, x1: number, y1: number];

/** The part of the grid that the picture fills, without the padding. */
interface Area {
  readonly values: Uint8Array;
  /** Value a pixel, as a grid's: only where it is 1 the middle, where a point would lie, has a label. Undefined: everywhere. */
  readonly labelled?: Uint8Array | undefined;
  readonly width: number;
  readonly height: number;
}

/**
 * Draws one prompt for one image, in pixels of the original. It has fewer points than asked for where the mask has no room.
 *
 * @param margin how far points keep from the mask's edge, instead of the number that follows from its area.
 * @throws SamError `SAM_BAD_DATA`: a positive point or a box was asked for and the mask has no pixel.
 */
export function drawPrompt(mask: LowResMask, settings: PromptSettings, random: Random, margin?: Margin): Prompt {
  const picture = pictureOf(mask);
  const withPoints = settings.kind !== 'box';
  const withBox = settings.kind !== 'points';
  if ((withBox || settings.numPositive > 0) && !picture.values.includes(1)) {
    throw new SamError('SAM_BAD_DATA', 'no prompt can be drawn from a mask without a single pixel', {
      fix: 'leave such images out with `onEmpty` skip',
    });
  }
  const positives = withPoints
    ? drawPositives(placesOf(picture), settings, random, inPicture(mask, margin, 'inside'))
    : [];
  const negatives = withPoints
    ? drawNegatives(picture, settings, random, positives, inPicture(mask, margin, 'outside'))
    : [];
  return {
    points: [...positives, ...negatives].map(([column, row]) => [toImageX(mask, column), toImageY(mask, row)] as const),
    labels: [...positives.map(() => 1 as const), ...negatives.map(() => 0 as const)],
    box: withBox ? drawBox(picture, mask, settings.perturbation, random) : null,
  };
}

/** Distances to the mask's edge within the picture, and how many rounds of erosion to take. */
interface Depths {
  readonly values: Uint16Array;
  readonly rounds: number;
}

function drawPositives(picture: Area, settings: PromptSettings, random: Random, depths: Depths | null): Pixel[] {
  if (settings.numPositive === 0) return [];
  const candidates = candidatesIn(picture, settings.erode ? POSITIVE.erosion : null, depths);
  const distance = distanceFor(candidates.length, settings.numPositive, POSITIVE.distance, settings);
  return pick(candidates, settings.numPositive, distance, picture.width, random);
}

/** Returns the part of a mask whose pixels have labels in their middles; all of it where none has. */
function placesOf(picture: Area): Area {
  const { values, labelled } = picture;
  if (labelled === undefined) return picture;
  const places = values.map((value, at) => (labelled[at] === 1 ? value : 0));
  return places.includes(1) ? { ...picture, values: places } : picture;
}

function drawNegatives(
  picture: Area,
  settings: PromptSettings,
  random: Random,
  positives: readonly Pixel[],
  depths: Depths | null,
): Pixel[] {
  if (settings.numNegative === 0) return [];
  const { values, labelled } = picture;
  const outside = { ...picture, values: values.map((value, at) => ((labelled?.[at] ?? 1) === 1 ? 1 - value : 0)) };
  const all = candidatesIn(outside, settings.erode ? NEGATIVE.erosion : null, depths);
  const distance = distanceFor(all.length, settings.numNegative, NEGATIVE.distance, settings);
  // Clear of the positives by the same distance. Few negatives are asked to be so far apart that this would leave none
  // at all (one negative: twice the root of the background): then by the half of it, and so on.
  let candidates = all;
  for (let clearance = distance; clearance >= 1; clearance /= 2) {
    candidates = positives.reduce((left, point) => beyond(left, point, clearance, picture.width), all);
    if (candidates.length > 0) break;
    candidates = all;
  }
  return pick(candidates, settings.numNegative, distance, picture.width, random);
}

/** Returns the pixels that points are drawn from: those left after erosion, or after as many rounds of it as leave any. */
function candidatesIn(area: Area, divisor: number | null, depths: Depths | null): Int32Array {
  if (depths !== null) return deeperThan(depths.values, depths.rounds);
  const inside = indicesAbove(area.values, 0);
  if (divisor === null) return inside;
  const asked = Math.floor(inside.length ** 0.6 / divisor);
  if (asked === 0) return inside;
  return deeperThan(chebyshevDistance(area.values, area.width, area.height), asked);
}

function deeperThan(depth: Uint16Array, asked: number): Int32Array {
  let deepest = 0;
  for (let index = 0; index < depth.length; index++) deepest = Math.max(deepest, depth[index]!);
  return indicesAbove(depth, Math.max(0, Math.min(asked, deepest - 1)));
}

function indicesAbove(values: Uint8Array | Uint16Array, threshold: number): Int32Array {
  const indices = new Int32Array(values.length);
  let count = 0;
  for (let index = 0; index < values.length; index++) if (values[index]! > threshold) indices[count++] = index;
  return indices.subarray(0, count);
}

function distanceFor(area: number, count: number, multiplier: number, settings: PromptSettings): number {
  return settings.dynamicDistance ? (multiplier * Math.sqrt(area)) / count : 0;
}

/** Picks pixels uniformly, one after the other, each further than `distance` from those before; fewer when no pixel is left. */
function pick(candidates: Int32Array, count: number, distance: number, width: number, random: Random): Pixel[] {
  const picked: Pixel[] = [];
  let left = candidates;
  while (picked.length < count && left.length > 0) {
    const index = left[random.integer(left.length)]!;
    const point: Pixel = [index % width, Math.floor(index / width)];
    picked.push(point);
    if (picked.length < count) left = beyond(left, point, distance, width);
  }
  return picked;
}

/** Returns those of the pixels `indices` that are further than `distance` from a point. */
function beyond(indices: Int32Array, [column, row]: Pixel, distance: number, width: number): Int32Array {
  const squared = distance * distance;
  const left = new Int32Array(indices.length);
  let count = 0;
  for (let at = 0; at < indices.length; at++) {
    const index = indices[at]!;
    const y = (index / width) | 0;
    const dx = index - y * width - column;
    const dy = y - row;
    if (dx * dx + dy * dy > squared) left[count++] = index;
  }
  return left.subarray(0, count);
}

/** Draws the mask's bounds, each side moved by a uniform number in [-perturbation, perturbation) and put back into the picture. */
function drawBox(picture: Area, mask: LowResMask, perturbation: number, random: Random): Box {
  const moved = boundsOf(picture).map((side) => side + random.uniform(-perturbation, perturbation));
  const [x0, x1] = sidesInImage(moved[0]!, moved[2]!, mask.imageWidth, picture.width);
  const [y0, y1] = sidesInImage(moved[1]!, moved[3]!, mask.imageHeight, picture.height);
  return [x0, y0, x1, y1];
}

/**
 * Puts two sides of a box into the picture and tells them in pixels of the original, the lesser first, at least a pixel of the grid apart
 * where the picture is that wide.
 */
function sidesInImage(a: number, b: number, imageSide: number, gridSide: number): [number, number] {
  if (gridSide === 1) return [0, imageSide - 1];
  // Where the grid is finer, its outermost pixels lie beyond the centres of the original's: two sides there would be one.
  const margin = Math.max(0, (gridSide / imageSide - 1) / 2);
  const [least, most] = [margin, gridSide - 1 - margin];
  const clip = (side: number) => Math.min(Math.max(side, least), most);
  let [low, high] = [clip(Math.min(a, b)), clip(Math.max(a, b))];
  const narrowest = Math.min(1, most - least);
  if (high - low < narrowest) {
    low = Math.min(Math.max((low + high - narrowest) / 2, least), most - narrowest);
    high = low + narrowest;
  }
  return [toImage(low, imageSide, gridSide), toImage(high, imageSide, gridSide)];
}

/** Returns [least column, least row, greatest column, greatest row] of the set pixels, of which there is at least one. */
function boundsOf(area: Area): Box {
  let [x0, y0, x1, y1] = [area.width, area.height, -1, -1];
  for (let y = 0; y < area.height; y++) {
    for (let x = 0; x < area.width; x++) {
      if (area.values[y * area.width + x] === 0) continue;
      if (x < x0) x0 = x;
      if (x > x1) x1 = x;
      if (y < y0) y0 = y;
      y1 = y;
    }
  }
  return [x0, y0, x1, y1];
}

function pictureOf(mask: LowResMask): Area {
  const { validWidth: width, validHeight: height } = mask;
  const labelled = mask.labelled && withoutPadding(mask.labelled, mask);
  return { values: withoutPadding(mask.values, mask), labelled, width, height };
}

function inPicture(mask: LowResMask, margin: Margin | undefined, side: 'inside' | 'outside'): Depths | null {
  return margin === undefined ? null : { values: withoutPadding(margin[side], mask), rounds: margin.rounds };
}

/** Returns the centre of a grid pixel in pixels of the original; held inside the picture, which matters where the grid is finer. */
function toImageX(mask: LowResMask, column: number): number {
  return toImage(column, mask.imageWidth, mask.validWidth);
}

function toImageY(mask: LowResMask, row: number): number {
  return toImage(row, mask.imageHeight, mask.validHeight);
}

function toImage(position: number, imageSide: number, gridSide: number): number {
  return Math.min(Math.max(((position + 0.5) * imageSide) / gridSide - 0.5, 0), imageSide - 1);
}
