/**
 * Single bands of an image, as numbers: what spectral indices are made of. Nothing is scaled.
 *
 * TIFFs are read as rasters, any number of bands of any type; other pictures have a grey band or red, green and blue, with
 * their EXIF orientation applied.
 */
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { SamError } from '../core/errors.js';
import { hookOptions, parseOptions } from '../core/parse-options.js';
import type { BandValues, Raster } from '../raster/raster.js';
import { heldImage, openPicture, openRaster, pixelsOf, requireReadableSize, wordsOf } from './decode.js';
import type { FileReference } from './sample.js';
import { inSlices } from './slices.js';

/** Bands of a raster, or of a part of it. */
export interface Bands extends BandValues {
  /** Width, pixels. */
  readonly width: number;
  /** Height, pixels. */
  readonly height: number;
}

/** How bands are read. */
export interface BandReading {
  /** Signal that ends the work: it rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Reader of an image's bands, which are found but not read. It has to be closed. */
export interface BandReader {
  /** Number of bands. */
  readonly count: number;
  /** Names of the bands in lower case, from GDAL's DESCRIPTION; null for a band without a name. */
  readonly names: readonly (string | null)[];
  /**
   * Reads bands by their numbers, from 1 on.
   *
   * @throws SamError `SAM_BAD_DATA`: no such band, or the file is broken.
   */
  read(numbers: readonly number[], options?: BandReading): Promise<Bands>;
  /** Closes the file. */
  close(): Promise<void>;
}

const bandReadingSchema = z.strictObject({ signal: hookOptions.signal });
const referenceType = z.looseObject({ path: z.string() });

/**
 * Reads bands of an image by their numbers, from 1 on.
 *
 * @throws SamError `SAM_NOT_FOUND`: there is no image. `SAM_BAD_DATA`: not a picture, no such band, or the file is broken.
 */
export async function readBands(
  reference: FileReference,
  numbers: readonly number[],
  options: BandReading = {},
): Promise<Bands> {
  parseOptions(bandReadingSchema, options);
  parseOptions(z.strictObject({ reference: referenceType, numbers: z.array(z.number()) }), { reference, numbers });
  const reader = await openBands(reference);
  try {
    return await reader.read(numbers, options);
  } finally {
    await reader.close();
  }
}

/**
 * Finds the bands of an image; reads none yet.
 *
 * @throws SamError `SAM_NOT_FOUND`: there is no image. `SAM_BAD_DATA`: not a picture.
 */
export async function openBands(reference: FileReference): Promise<BandReader> {
  parseOptions(z.strictObject({ reference: referenceType }), { reference });
  const image = await heldImage(reference);
  const raster = await openRaster(image, true);
  return raster === undefined ? openColours(image) : ofRaster(raster);
}

/** Returns the names of a raster's bands, as {@link BandReader} has them. */
export function namesOf({ bandNames, bandCount }: Raster): (string | null)[] {
  return bandNames.slice(0, bandCount).map((name) => name.trim().toLowerCase() || null);
}

function ofRaster(raster: Raster): BandReader {
  const { path, width, height, bandCount: count } = raster;
  return {
    count,
    names: namesOf(raster),
    close: () => raster.close(),
    async read(numbers, { signal } = {}) {
      requireBands({ path }, numbers, count);
      requireReadableSize(raster, { path }, 'image');
      const wanted = numbers.map((number) => number - 1);
      const bands = numbers.map(() => new Float32Array(width * height));
      const valid = new Uint8Array(width * height);
      for (const window of raster.slices()) {
        const part = await raster.readValues(window, wanted);
        bands.forEach((band, index) => {
          band.set(part.bands[index]!, window.y * width);
        });
        valid.set(part.valid, window.y * width);
        await setImmediate();
        signal?.throwIfAborted();
      }
      return { width, height, bands, valid };
    },
  };
}

/** Opens the bands of a PNG, JPEG, WebP, or a TIFF that has to be turned: grey or RGB. */
async function openColours(image: FileReference): Promise<BandReader> {
  const { depth, channels, hasAlpha, isPalette } = (await openPicture(image, 'image')).metadata;
  const grey = channels <= 2 && isPalette !== true;
  const count = grey ? 1 : 3;
  return {
    count,
    names: grey ? ['grey'] : ['red', 'green', 'blue'],
    close: async () => {},
    async read(numbers, { signal } = {}) {
      requireBands(image, numbers, count);
      const wide = depth === 'ushort';
      const { picture } = await openPicture(image, 'image');
      const coloured = picture.toColourspace(wide ? (grey ? 'grey16' : 'rgb16') : grey ? 'b-w' : 'srgb');
      const { data, info } = await pixelsOf(coloured, wide ? 'ushort' : 'uchar', image, 'image');
      signal?.throwIfAborted();
      const samples = wide ? wordsOf(data) : data;
      const { width, height, channels: step } = info;
      const bands: Float32Array[] = [];
      for (const number of numbers) bands.push(await everyNth(samples, number - 1, step));
      const opacity = hasAlpha ? await everyNth(samples, step - 1, step) : undefined;
      const valid = new Uint8Array(width * height).fill(1);
      opacity?.forEach((alpha, at) => {
        if (alpha === 0) valid[at] = 0;
      });
      return { width, height, bands, valid };
    },
  };
}

/** Returns every `step`th value from `first` on. */
async function everyNth(values: ArrayLike<number>, first: number, step: number): Promise<Float32Array> {
  const band = new Float32Array(values.length / step);
  await inSlices(band.length, (start, end) => {
    for (let index = start; index < end; index++) band[index] = values[index * step + first]!;
  });
  return band;
}

/**
 * Refuses numbers of bands, from 1 on, that an image of `count` bands does not have.
 *
 * @throws SamError `SAM_BAD_DATA`: no such band.
 */
export function requireBands({ path }: FileReference, numbers: readonly number[], count: number): void {
  const missing = numbers.find((number) => !Number.isInteger(number) || number < 1 || number > count);
  if (missing === undefined) return;
  throw new SamError('SAM_BAD_DATA', `image ${path} has ${count} band${count === 1 ? '' : 's'}, no band ${missing}`, {
    fix: 'bands are numbered from 1: look at `bands`, `nir` and `swir`',
  });
}
