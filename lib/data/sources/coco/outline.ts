/** Segmentations as tools write them, brought to one form: polygons and run lengths, of which an annotation has one or several. */
import { z } from 'zod';
import type { ImageSize } from '../../decode.js';
import { FARTHEST } from './polygon.js';
import { BadRle, checkCounts, parseCounts } from './rle.js';
import { side } from './scalars.js';

/** Parts of a segmentation, which together are one mask. */
export type OutlinePart = { readonly polygon: number[] } | { readonly size: ImageSize; readonly counts: number[] };

export interface Outline {
  readonly parts: readonly OutlinePart[];
  /** What is wrong with the other parts. */
  readonly leftOut: readonly Error[];
}

const polygonSchema = z
  .array(z.number().min(-FARTHEST).max(FARTHEST))
  .refine((numbers) => numbers.length >= 6 && numbers.length % 2 === 0);
const rleSchema = z.object({
  size: z.tuple([side, side]),
  counts: z.union([z.string(), z.array(z.number())]),
});

/**
 * Reads a segmentation: polygons, a polygon that is no list of polygons, corners as pairs, RLE, or a list of these.
 *
 * @param size size of the image, which that of an RLE has to be; undefined where it isn't known.
 * @throws Error: there is none, or no part of it is good.
 */
export function parseOutline(segmentation: unknown, size: ImageSize | undefined): Outline {
  const parts: OutlinePart[] = [];
  const leftOut: Error[] = [];
  for (const part of partsOf(segmentation)) {
    try {
      parts.push(parsePart(part, size));
    } catch (error) {
      leftOut.push(error instanceof Error ? error : new Error(String(error)));
    }
  }
  if (parts.length > 0) return { parts, leftOut };
  throw leftOut[0] ?? new Error('has no segmentation');
}

function partsOf(segmentation: unknown): unknown[] {
  if (segmentation === undefined || segmentation === null) return [];
  if (!Array.isArray(segmentation)) return [segmentation];
  const isFlat = segmentation.length > 0 && segmentation.every((item) => typeof item === 'number' || item === null);
  return isFlat || areCorners(segmentation) ? [segmentation] : segmentation;
}

/** Tells whether a list is the corners of a polygon, `[[x, y], …]`. */
function areCorners(list: unknown[]): boolean {
  return list.length >= 3 && list.every((item) => Array.isArray(item) && item.length === 2);
}

/** Refuses corners that are shares of the picture, as YOLO writes them: COCO's are pixels. */
function withinShares(polygon: number[], size: ImageSize | undefined): number[] {
  const isShare =
    polygon.every((value) => value >= 0 && value <= 1) && polygon.some((value) => !Number.isInteger(value));
  if (isShare && size !== undefined && size.width > 2 && size.height > 2) {
    throw new Error("has a polygon whose corners are shares of the picture, 0 to 1: COCO's are pixels");
  }
  return polygon;
}

function parsePart(part: unknown, size: ImageSize | undefined): OutlinePart {
  if (Array.isArray(part)) {
    const polygon = polygonSchema.safeParse(areCorners(part) ? part.flat() : part);
    if (polygon.success) return { polygon: withinShares(polygon.data, size) };
    throw new Error('has a polygon that is none: three corners or more, x and y of each, as numbers');
  }
  const rle = rleSchema.safeParse(part);
  if (!rle.success) throw new Error('has a segmentation that is neither polygons nor RLE');
  const [height, width] = rle.data.size;
  const counts = typeof rle.data.counts === 'string' ? parseCounts(rle.data.counts) : rle.data.counts;
  checkCounts(counts, width, height);
  if (size !== undefined && (width !== size.width || height !== size.height)) {
    throw new BadRle(`is of ${width} x ${height} pixels, its image of ${size.width} x ${size.height}`);
  }
  return { size: { width, height }, counts };
}
