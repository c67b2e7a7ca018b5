/** Masks of a raster's size, window by window: one band of a TIFF is read where it lies, anything else is decoded whole. */

import { decodeMask, type ImageSize, sizesDiffer } from '../data/decode.js';
import type { Mask, Sample } from '../data/sample.js';
import { isTiff, isValid, Raster } from '../raster/raster.js';
import { cropped, type Window } from '../raster/windows.js';

export interface MaskWindows {
  /** Reads the mask within a window: 1 inside, 0 outside. */
  read(window: Window): Promise<Mask>;
  close(): Promise<void>;
}

/**
 * @param image Size of the raster that it belongs to.
 * @throws SamError `SAM_BAD_DATA`: another size than the raster's, or as {@link decodeMask}.
 */
export async function openMaskWindows(path: string, sample: Sample, image: ImageSize): Promise<MaskWindows> {
  const raster = (await isTiff(path)) ? await Raster.open(path) : undefined;
  if (raster !== undefined && raster.bandCount === 1) {
    if (raster.width === image.width && raster.height === image.height) return new RasterMask(raster);
    await raster.close();
    throw sizesDiffer({ ...sample, mask: { path } }, raster, image, {
      fix: 'bring it to the pixels of the image first, for instance with gdalwarp -te … -ts …',
    });
  }
  await raster?.close();
  return new WholeMask(await decodeMask({ ...sample, mask: { path } }, image));
}

class RasterMask implements MaskWindows {
  constructor(private readonly raster: Raster) {}

  async read(window: Window): Promise<Mask> {
    const [band] = await this.raster.read(window, [0]);
    const { nodata } = this.raster;
    const values = Uint8Array.from(band!, (value) => (value !== 0 && isValid(value, nodata) ? 1 : 0));
    return { values, width: window.width, height: window.height };
  }

  async close(): Promise<void> {
    await this.raster.close();
  }
}

class WholeMask implements MaskWindows {
  constructor(private readonly mask: Mask) {}

  async read(window: Window): Promise<Mask> {
    const { width, height } = window;
    return { values: cropped(this.mask.values, this.mask.width, window), width, height };
  }

  async close(): Promise<void> {}
}
