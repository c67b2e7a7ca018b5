/** Annotations in the frame in which a picture is stored, where its EXIF orientation turns it to be seen. */
import sharp from 'sharp';
import type { ImageSize } from '../../decode.js';

/** Views (see `views.ts`) that turn a picture as it is seen, by its EXIF orientation. */
const VIEWS = [0, 0, 1, 3, 2, 4, 5, 7, 6] as const;
/** First orientation that makes rows of columns. */
const FIRST_TURNED = 5;

/**
 * Returns the view that turns what was drawn in a frame into the picture as it is seen: 0 where both are of one size, that of the
 * orientation where the frame has the size of the picture as it is stored; undefined where they don't belong together.
 */
export async function viewAsStored(path: string, frame: ImageSize, seen: ImageSize): Promise<number | undefined> {
  if (frame.width === seen.width && frame.height === seen.height) return 0;
  if (frame.width !== seen.height || frame.height !== seen.width) return undefined;
  const header = sharp(path, { limitInputPixels: false }).metadata();
  const { orientation = 1 } = await header.catch(() => ({ orientation: 1 })); // a TIFF may be nothing for sharp
  return orientation < FIRST_TURNED ? undefined : VIEWS[orientation];
}
