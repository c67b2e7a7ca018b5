/** Outlines, which the entries of a COCO file's `annotations` hold: checked when the file is read, drawn when they are needed. */
import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { SamError } from '../../../core/errors.js';
import type { ImageSize } from '../../decode.js';
import { nameOf } from '../../listing.js';
import type { FileReference, Mask, MaskReference } from '../../sample.js';
import { viewedPixels, viewedSize } from '../../views.js';
import { readElement } from './json-elements.js';
import { type Outline, parseOutline } from './outline.js';
import { drawPolygon } from './polygon.js';
import { BadRle, drawCounts } from './rle.js';
import { flag, id } from './scalars.js';
import { viewAsStored } from './stored-frame.js';

export const annotationSchema = z.object({
  id: id.nullish(),
  image_id: id,
  category_id: id.nullish(),
  iscrowd: flag,
  segmentation: z.unknown().optional(),
});

/** An image of a COCO file, one object for all its annotations. */
export class CocoImage {
  constructor(
    /** Folder of the images. */
    readonly folder: string,
    /** Path of the image: as the file has it, until it is known how it is spelled on disk. */
    public name: string,
    readonly width: number | undefined,
    readonly height: number | undefined,
  ) {}

  /** Name without extension. */
  get stem(): string {
    return nameOf(this.name);
  }

  get reference(): FileReference {
    return { path: this.pathOf(this.name) };
  }

  /** Returns the path of a name beside this image. */
  pathOf(name: string): string {
    return isAbsolute(name) ? name : join(this.folder, name);
  }

  /** Size as the file says, where it does. */
  get size(): ImageSize | undefined {
    const { width, height } = this;
    return width === undefined || height === undefined ? undefined : { width, height };
  }
}

/** How far an outline reaches beyond its image; rounding to the next pixel does not count. */
export type Reach = 'within' | 'beyond' | 'outside';

/**
 * Checks an annotation's outlines, without drawing them.
 *
 * @returns how far they reach, and what is wrong with parts that are left out since others are good.
 * @throws Error: none of them is good; the message says what is wrong and goes on from the annotation's name.
 */
export function checkSegmentation(
  segmentation: unknown,
  size: ImageSize | undefined,
): { reach: Reach; leftOut: readonly Error[] } {
  const { parts, leftOut } = parseOutline(segmentation, size);
  const reaches = parts.map((part) =>
    size === undefined || !('polygon' in part) ? 'within' : reachOf(part.polygon, size),
  );
  const reach = (['outside', 'within'] as const).find((one) => reaches.every((other) => other === one));
  return { reach: reach ?? 'beyond', leftOut };
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

/** A label that lies in the COCO file; only its place there is kept in memory. */
export class CocoMask implements MaskReference {
  constructor(
    readonly file: string,
    readonly id: string,
    readonly image: CocoImage,
    readonly start: number,
    readonly end: number,
  ) {}

  get path(): string {
    return `${this.file} annotation ${this.id}`;
  }

  async draw(seen: ImageSize): Promise<Mask> {
    const { size, reference } = this.image;
    const element = annotationSchema.parse(await readElement(this.file, this.start, this.end));
    const { parts } = this.#outline(element.segmentation);
    const drawn = size ?? parts.find((part) => 'counts' in part)?.size ?? seen;
    const view = await viewAsStored(reference, drawn, seen);
    if (view === undefined) {
      throw new SamError(
        'SAM_BAD_DATA',
        `image ${reference.path} is ${seen.width} x ${seen.height} pixels, ${this.file} says ${drawn.width} x ${drawn.height}`,
        { fix: 'its annotations belong to another version of it: put that one there' },
      );
    }
    const { width, height } = drawn;
    const values = new Uint8Array(width * height);
    for (const part of parts) {
      if ('counts' in part) drawCounts(part.counts, values, width, height);
      else drawPolygon(part.polygon, values, width, height);
    }
    return { values: await viewedPixels(values, drawn, 1, view), ...viewedSize(drawn, view) };
  }

  #outline(segmentation: unknown): Outline {
    try {
      return parseOutline(segmentation, this.image.size);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const what = error instanceof BadRle ? `its RLE ${message}` : message;
      throw new SamError('SAM_BAD_DATA', `${this.path}: ${what}`, { cause: error });
    }
  }
}
