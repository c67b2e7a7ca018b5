/**
 * How well the edge of a mask agrees with that of its label.
 *
 * - Boundary IoU (Cheng et al. 2021): the IoU of the two bands inside the edges, 2 % of the picture's diagonal wide, made by
 *   erosion with a 3 x 3 square.
 * - Boundary F1 (Csurka et al. 2013): precision is the share of the mask's edge pixels that lie within a tolerance of the
 *   label's, recall the other way round; 0.75 % of the diagonal, at least a pixel.
 * - HD95: the 95th percentile of the distances from each edge pixel of one to the nearest of the other, both ways pooled.
 *
 * The edge pixels are those inside that have one of four neighbours outside, as MedPy has it. Beyond the picture's border is
 * outside, in all three. Two empty masks agree (1, 1 and 0 pixels); of one empty mask the scores are 0 and there is no distance.
 */
import { inRows } from '../data/slices.js';
import { squaredDistances } from './distance.js';
import { confusion, scores } from './metrics.js';
import type { MaskScores } from './results.js';

const BAND = 0.02;
const TOLERANCE = 0.0075;
const PERCENTILE = 0.95;

/** Scores of a mask's edge. */
export type BoundaryScores = Pick<MaskScores, 'boundaryIou' | 'boundaryF1' | 'hd95'>;

/**
 * Scores the edge of a mask against that of its label.
 *
 * @param predicted width*height values; any but 0 is inside.
 * @param label as `predicted`.
 */
export async function boundaryScores(
  predicted: Uint8Array,
  label: Uint8Array,
  width: number,
  height: number,
): Promise<BoundaryScores> {
  const diagonal = Math.hypot(width, height);
  const rounds = Math.max(1, Math.round(BAND * diagonal));
  const bands = [
    await innerBand(predicted, width, height, rounds),
    await innerBand(label, width, height, rounds),
  ] as const;
  const boundaryIou = scores(await confusion(...bands)).iou;
  const edges = [await edgeOf(predicted, width, height), await edgeOf(label, width, height)] as const;
  const [inPrediction, inLabel] = edges.map((edge) => edge.includes(1));
  if (!inPrediction || !inLabel) {
    const agree = inPrediction === inLabel;
    return { boundaryIou, boundaryF1: agree ? 1 : 0, hd95: agree ? 0 : null };
  }
  const there = await distancesFrom(edges[0], edges[1], width, height);
  const back = await distancesFrom(edges[1], edges[0], width, height);
  const tolerance = Math.max(1, TOLERANCE * diagonal);
  const [precision, recall] = [shareWithin(there, tolerance), shareWithin(back, tolerance)];
  const boundaryF1 = precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
  return { boundaryIou, boundaryF1, hd95: percentileOf(there, back) };
}

/** Finds what `rounds` rounds of erosion with a 3 x 3 square would take away from a mask, the picture's border eroding too. */
export async function innerBand(mask: Uint8Array, width: number, height: number, rounds: number): Promise<Uint8Array> {
  const band = new Uint8Array(width * height);
  const side = 2 * rounds + 1;
  // A pixel stays whose square is full: rows that are full around it, one under the other.
  const full = new Uint32Array(width);
  await inRows(width, height, (y) => {
    for (let x = 0, run = 0; x < width + rounds; x++) {
      run = x < width && mask[y * width + x] !== 0 ? run + 1 : 0;
      if (x < width && run > 0) band[y * width + x] = 1;
      const middle = x - rounds;
      if (middle < 0) continue;
      full[middle] = run >= side ? full[middle]! + 1 : 0;
      if (full[middle]! >= side) band[(y - rounds) * width + middle] = 0;
    }
  });
  return band;
}

/** Finds the edge: 1 where a pixel inside has one of its four neighbours outside. */
async function edgeOf(mask: Uint8Array, width: number, height: number): Promise<Uint8Array> {
  const edge = new Uint8Array(width * height);
  await inRows(width, height, (y) => {
    const borderRow = y === 0 || y === height - 1;
    for (let x = 0, at = y * width; x < width; x++, at++) {
      if (mask[at] === 0) continue;
      const border = borderRow || x === 0 || x === width - 1;
      const hidden =
        !border && mask[at - 1] !== 0 && mask[at + 1] !== 0 && mask[at - width] !== 0 && mask[at + width] !== 0;
      if (!hidden) edge[at] = 1;
    }
  });
  return edge;
}

/** Counts of one edge's pixels by squared distance to the other edge. Few distances differ, however long the edge is. */
type Distances = ReadonlyMap<number, number>;

async function distancesFrom(from: Uint8Array, to: Uint8Array, width: number, height: number): Promise<Distances> {
  const squared = await squaredDistances(to, width, height);
  const counts = new Map<number, number>();
  await inRows(width, height, (y) => {
    for (let at = y * width; at < (y + 1) * width; at++) {
      if (from[at] !== 0) counts.set(squared[at]!, (counts.get(squared[at]!) ?? 0) + 1);
    }
  });
  return counts;
}

function shareWithin(distances: Distances, tolerance: number): number {
  let [within, all] = [0, 0];
  for (const [squared, count] of distances) {
    if (squared <= tolerance * tolerance) within += count;
    all += count;
  }
  return within / all;
}

/** Percentile of both ways' distances; between two of them in proportion, as NumPy's. */
function percentileOf(there: Distances, back: Distances): number {
  const pooled = [...there, ...back].sort(([a], [b]) => a - b);
  const total = pooled.reduce((sum, [, count]) => sum + count, 0);
  const position = (total - 1) * PERCENTILE;
  const [low, high] = [distanceAt(pooled, Math.floor(position)), distanceAt(pooled, Math.ceil(position))];
  return low + (high - low) * (position - Math.floor(position));
}

/** Returns the distance of rank `rank`, from 0. */
function distanceAt(pooled: readonly (readonly [number, number])[], rank: number): number {
  let passed = 0;
  const [squared] = pooled.find(([, count]) => {
    passed += count;
    return passed > rank;
  })!;
  return Math.sqrt(squared);
}
