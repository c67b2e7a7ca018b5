/** Annotations in the frame in which a picture is stored, where its orientation turns it to be seen. */
import { turnOf } from '../../../raster/tiff/orientation.js';
import { type ImageSize, storedFrame } from '../../decode.js';
import type { FileReference } from '../../sample.js';
import { viewOfTurn } from '../../views.js';

/**
 * Returns the view that turns what was drawn in a frame into the picture as it is seen: 0 where both are of one size, that of the
 * orientation where the frame has the size of the picture as it is stored; undefined where they don't belong together.
 */
export async function viewAsStored(
  image: FileReference,
  frame: ImageSize,
  seen: ImageSize,
): Promise<number | undefined> {
  if (frame.width === seen.width && frame.height === seen.height) return 0;
  if (frame.width !== seen.height || frame.height !== seen.width) return undefined;
  const turn = turnOf((await storedFrame(image)).orientation);
  return turn.swaps ? viewOfTurn(turn) : undefined;
}
