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
import { amount } from '../core/words.js';
import { type BandSource, type BandValues, readValues } from '../raster/band-source.js';
import { heldImage, openTiff, requireReadableSize } from './decode.js';
import { headerOf, Picture } from './picture.js';
import type { FileReference } from './sample.js';

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
  /** Closes the file, at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void>;
}

type Opened = Omit<BandReader, typeof Symbol.asyncDispose>;

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
  const raster = await openTiff(image, 'image');
  const reader = raster === undefined ? await openColours(image) : ofRaster(raster);
  return { ...reader, [Symbol.asyncDispose]: reader.close };
}

/** Returns the names of a raster's bands, as {@link BandReader} has them. */
export function namesOf({ bandNames, bandCount }: BandSource): (string | null)[] {
  return bandNames.slice(0, bandCount).map((name) => name.trim().toLowerCase() || null);
}

function ofRaster(raster: BandSource): Opened {
  return {
    count: raster.bandCount,
    names: namesOf(raster),
    close: () => raster.close(),
    read: (numbers, { signal } = {}) => readAll(raster, numbers, signal),
  };
}

async function readAll(
  source: BandSource,
  numbers: readonly number[],
  signal: AbortSignal | undefined,
): Promise<Bands> {
  const { path, width, height } = source;
  requireBands({ path }, numbers, source.bandCount);
  requireReadableSize(source, { path }, 'image');
  const wanted = numbers.map((number) => number - 1);
  const bands = numbers.map(() => new Float32Array(width * height));
  const valid = new Uint8Array(width * height);
  for (const window of source.slices()) {
    const part = await readValues(source, window, wanted);
    bands.forEach((band, index) => {
      band.set(part.bands[index]!, window.y * width);
    });
    valid.set(part.valid, window.y * width);
    await setImmediate();
    signal?.throwIfAborted();
  }
  return { width, height, bands, valid };
}

/** Opens the bands of a picture that is no TIFF, grey or RGB: decoded when they are read. */
async function openColours(image: FileReference): Promise<Opened> {
  const { channels, isPalette } = (await headerOf(image, 'image')).metadata;
  const grey = channels <= 2 && isPalette !== true;
  return {
    count: grey ? 1 : 3,
    names: grey ? ['grey'] : ['red', 'green', 'blue'],
    close: async () => {},
    read: async (numbers, { signal } = {}) => readAll(await Picture.decode(image, 'image', 'bands'), numbers, signal),
  };
}

/**
 * Refuses numbers of bands, from 1 on, that an image of `count` bands does not have.
 *
 * @throws SamError `SAM_BAD_DATA`: no such band.
 */
export function requireBands({ path }: FileReference, numbers: readonly number[], count: number): void {
  const missing = numbers.find((number) => !Number.isInteger(number) || number < 1 || number > count);
  if (missing === undefined) return;
  throw new SamError('SAM_BAD_DATA', `image ${path} has ${amount(count, 'band')}, no band ${missing}`, {
    fix: 'bands are numbered from 1: look at `bands`, `nir` and `swir`',
  });
}
