/** Masks of a raster's size, window by window: a TIFF is read where it lies, anything else is decoded whole. */
import { type ImageSize, openLabel, sizesDiffer } from '../data/decode.js';
import type { Mask, Sample } from '../data/sample.js';
import type { Window } from '../raster/windows.js';

export interface MaskWindows {
  /** Reads the mask within a window: 1 inside, 0 outside. */
  read(window: Window): Promise<Mask>;
  close(): Promise<void>;
}

/**
 * @param image Size of the raster that it belongs to.
 * @throws SamError `SAM_BAD_DATA`: another size than the raster's, or as {@link openLabel}.
 */
export async function openMaskWindows(path: string, sample: Sample, image: ImageSize): Promise<MaskWindows> {
  const label = await openLabel({ path });
  if (label.width === image.width && label.height === image.height) return label;
  await label.close();
  throw sizesDiffer({ ...sample, mask: { path } }, label, image, {
    fix: 'bring it to the pixels of the image first, for instance with gdalwarp -te … -ts …',
  });
}
