/** Outlines, which the entries of a COCO file's `annotations` hold: checked when the file is read, drawn when they are needed. */
import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { SamError } from '../../../core/errors.js';
import type { ImageSize } from '../../decode.js';
import { stemOf } from '../../listing.js';
import type { FileReference, Mask, MaskReference } from '../../sample.js';
import { readElement } from './json-elements.js';
import { drawPolygon, FARTHEST } from './polygon.js';
import { BadRle, checkCounts, drawCounts, parseCounts } from './rle.js';

const id = z.union([z.number(), z.string()]);
const polygonSchema = z
  .array(z.number().min(-FARTHEST).max(FARTHEST))
  .refine((numbers) => numbers.length >= 6 && numbers.length % 2 === 0);
const rleSchema = z.object({
  size: z.tuple([z.number().int().positive(), z.number().int().positive()]),
  counts: z.union([z.string(), z.array(z.number())]),
});
export const annotationSchema = z.object({
  id: id.optional(),
  image_id: id,
  category_id: id.optional(),
  iscrowd: z.union([z.number(), z.boolean()]).optional(),
  segmentation: z.unknown(),
});

/** An image of a COCO file, one object for all its annotations. */
export class CocoImage {
  constructor(
    /** Folder of the images. */
    readonly folder: string,
    /** Path of the image, as the file has it. */
    readonly name: string,
    readonly width: number | undefined,
    readonly height: number | undefined,
  ) {}

  /** Name without extension. */
  get stem(): string {
    return stemOf(this.name);
  }

  get reference(): FileReference {
    return { path: isAbsolute(this.name) ? this.name : join(this.folder, this.name) };
  }

  /** Size as the file says, where it does. */
  get size(): ImageSize | undefined {
    const { width, height } = this;
    return width === undefined || height === undefined ? undefined : { width, height };
  }
}

type Outline = { readonly polygons: number[][] } | { readonly size: ImageSize; readonly counts: number[] };

/** How far an outline reaches beyond its image; rounding to the next pixel does not count. */
export type Reach = 'within' | 'beyond' | 'outside';

/**
 * Checks an annotation's outlines, without drawing them.
 *
 * @throws Error: something is wrong with them; the message says what and goes on from the annotation's name.
 */
export function checkSegmentation(segmentation: unknown, size: ImageSize | undefined): Reach {
  const outline = parseOutline(segmentation);
  if ('counts' in outline) {
    if (size !== undefined) requireSize(outline.size, size);
    return 'within';
  }
  if (size === undefined) return 'within';
  const reaches = outline.polygons.map((polygon) => reachOf(polygon, size));
  if (reaches.every((reach) => reach === 'outside')) return 'outside';
  return reaches.every((reach) => reach === 'within') ? 'within' : 'beyond';
}

function reachOf(polygon: readonly number[], { width, height }: ImageSize): Reach {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let at = 0; at < polygon.length; at += 2) {
    const [x, y] = [polygon[at]!, polygon[at + 1]!];
    [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x), Math.max(bottom, y)];
  }
  if (right <= 0 || bottom <= 0 || left >= width || top >= height) return 'outside';
  return left < -1 || top < -1 || right > width + 1 || bottom > height + 1 ? 'beyond' : 'within';
}

function parseOutline(segmentation: unknown): Outline {
  if (
    segmentation === undefined ||
    segmentation === null ||
    (Array.isArray(segmentation) && segmentation.length === 0)
  ) {
    throw new Error('has no segmentation');
  }
  if (Array.isArray(segmentation)) {
    const polygons = z.array(polygonSchema).safeParse(segmentation);
    if (polygons.success) return { polygons: polygons.data };
    throw new Error('has a polygon that is none: three corners or more, x and y of each');
  }
  const rle = rleSchema.safeParse(segmentation);
  if (!rle.success) throw new Error('has a segmentation that is neither polygons nor RLE');
  const [height, width] = rle.data.size;
  const counts = typeof rle.data.counts === 'string' ? parseCounts(rle.data.counts) : rle.data.counts;
  checkCounts(counts, width, height);
  return { size: { width, height }, counts };
}

function requireSize(own: ImageSize, image: ImageSize): void {
  if (own.width === image.width && own.height === image.height) return;
  throw new BadRle(`is of ${own.width} x ${own.height} pixels, its image of ${image.width} x ${image.height}`);
}

/** A label that lies in the COCO file; only its place there is kept in memory. */
export class CocoMask implements MaskReference {
  constructor(
    readonly file: string,
    readonly id: string | number,
    readonly image: CocoImage,
    readonly start: number,
    readonly end: number,
  ) {}

  get path(): string {
    return `${this.file} annotation ${this.id}`;
  }

  async draw({ width, height }: ImageSize): Promise<Mask> {
    const { size, reference } = this.image;
    if (size !== undefined && (size.width !== width || size.height !== height)) {
      throw new SamError(
        'SAM_BAD_DATA',
        `image ${reference.path} is ${width} x ${height} pixels, ${this.file} says ${size.width} x ${size.height}`,
        { fix: 'its annotations belong to another version of it: put that one there' },
      );
    }
    const element = annotationSchema.parse(await readElement(this.file, this.start, this.end));
    const values = new Uint8Array(width * height);
    try {
      const outline = parseOutline(element.segmentation);
      if ('counts' in outline) {
        requireSize(outline.size, { width, height });
        drawCounts(outline.counts, values, width, height);
      } else for (const polygon of outline.polygons) drawPolygon(polygon, values, width, height);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const what = error instanceof BadRle ? `its RLE ${message}` : message;
      throw new SamError('SAM_BAD_DATA', `${this.path}: ${what}`, { cause: error });
    }
    return { values, width, height };
  }
}
