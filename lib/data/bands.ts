/**
 * Single bands of a raster, as numbers: what spectral indices are made of. Nothing is scaled.
 *
 * GeoTIFFs (and other TIFFs of grey or RGB samples) are read as they are stored, any number of bands of any type; other
 * pictures through sharp, with their EXIF orientation applied.
 */
import { fromArrayBuffer, fromFile, type GeoTIFFImage } from 'geotiff';
import sharp from 'sharp';
import { SamError } from '../errors.js';
import { contentOf, MOST_PIXELS } from './decode.js';
import type { FileReference } from './sample.js';
import { inSlices } from './slices.js';

export interface Bands {
  readonly width: number;
  readonly height: number;
  /** One for each band asked for, width*height. */
  readonly bands: Float32Array[];
  /** width*height; 0 where a band has no data (nodata, NaN) or the pixel is wholly transparent. */
  readonly valid: Uint8Array;
}

/** An image's bands, found but not read. */
export interface BandReader {
  readonly count: number;
  /** In lower case, as GDAL's DESCRIPTION names them; null for a band without a name. */
  readonly names: readonly (string | null)[];
  /** @param numbers from 1 on. @throws SamError `SAM_BAD_DATA`: no such band, or the file is broken. */
  read(numbers: readonly number[], options?: { signal?: AbortSignal | undefined }): Promise<Bands>;
}

/** Little endian, big endian, and the two of BigTIFF. */
const TIFF_MAGICS = ['49492a00', '4d4d002a', '49492b00', '4d4d002b'];
/** PhotometricInterpretation: white is zero, black is zero, RGB. */
const PLAIN_COLOURS = [0, 1, 2];
/** ExtraSamples: associated and unassociated alpha. */
const ALPHA = [1, 2];

/** Reads bands by number, from 1 on. @throws SamError as {@link BandReader.read}; `SAM_NOT_FOUND`. */
export async function readBands(
  reference: FileReference,
  numbers: readonly number[],
  options: { signal?: AbortSignal | undefined } = {},
): Promise<Bands> {
  return (await openBands(reference)).read(numbers, options);
}

/** @throws SamError `SAM_NOT_FOUND`; `SAM_BAD_DATA`: not a picture. */
export async function openBands(reference: FileReference): Promise<BandReader> {
  const bytes = await contentOf(reference, 'image');
  if (TIFF_MAGICS.includes(Buffer.from(bytes.subarray(0, 4)).toString('hex'))) {
    const tiff = await openTiff(reference, bytes);
    if (tiff !== undefined) return tiff;
  }
  return openPicture(reference, bytes);
}

/** Undefined where samples are not plain numbers: palettes, YCbCr and the like are sharp's. */
async function openTiff(reference: FileReference, bytes: Uint8Array): Promise<BandReader | undefined> {
  const image = await guarded(reference, async () => (await sourceOf(reference, bytes)).getImage());
  const directory = image.fileDirectory;
  if (!PLAIN_COLOURS.includes(Number(directory.getValue('PhotometricInterpretation') ?? 1))) return undefined;
  if (directory.hasTag('Orientation') && (await directory.loadValue('Orientation')) !== 1) return undefined;
  const count = image.getSamplesPerPixel();
  const [width, height] = [image.getWidth(), image.getHeight()];
  requireFits(reference, width, height);
  const names: (string | null)[] = [];
  // One after the other: a second look at a tag that is still being loaded finds nothing (geotiff 3.0.5).
  for (let sample = 0; sample < count; sample++) names.push(await nameOf(image, sample));
  const alpha = alphaOf(image, names);
  return {
    count,
    names,
    async read(numbers, { signal } = {}) {
      requireBands(reference, numbers, count);
      const wanted = numbers.map((number) => number - 1);
      const samples = alpha === undefined || wanted.includes(alpha) ? wanted : [...wanted, alpha];
      const rasters = await guarded(reference, () =>
        image.readRasters({ samples: [...samples], ...(signal !== undefined && { signal }) }),
      );
      signal?.throwIfAborted();
      const floats = [];
      for (const raster of rasters) floats.push(await everyNth(raster, 0, 1));
      const bands = floats.slice(0, wanted.length);
      return { width, height, bands, valid: await validOf(bands, image.getGDALNoData(), floats[wanted.length]) };
    },
  };
}

/** From the file itself where there is one, so that only what is asked for is read. */
function sourceOf({ path, bytes, read }: FileReference, content: Uint8Array) {
  if (bytes === undefined && read === undefined) return fromFile(path);
  return fromArrayBuffer(content.slice().buffer as ArrayBuffer);
}

async function nameOf(image: GeoTIFFImage, sample: number): Promise<string | null> {
  const description = (await image.getGDALMetadata(sample))?.DESCRIPTION;
  return typeof description === 'string' && description.trim() !== '' ? description.trim().toLowerCase() : null;
}

/** The last band, where the file calls it alpha and it has no other name. */
function alphaOf(image: GeoTIFFImage, names: readonly (string | null)[]): number | undefined {
  const extra = image.fileDirectory.getValue('ExtraSamples') as ArrayLike<number> | undefined;
  const last = names.length - 1;
  const isAlpha = extra !== undefined && extra.length > 0 && ALPHA.includes(extra[extra.length - 1]!);
  return isAlpha && (names[last] === null || names[last] === 'alpha') ? last : undefined;
}

/** A PNG, JPEG, WebP, or a TIFF of another kind: grey or RGB. */
async function openPicture(reference: FileReference, bytes: Uint8Array): Promise<BandReader> {
  const open = () => sharp(bytes, { autoOrient: true, failOn: 'error', limitInputPixels: MOST_PIXELS });
  const { depth, channels, hasAlpha, isPalette } = await guarded(reference, () => open().metadata());
  const grey = channels <= 2 && isPalette !== true;
  const colours = grey ? 1 : 3;
  return {
    count: colours,
    names: grey ? ['grey'] : ['red', 'green', 'blue'],
    async read(numbers, { signal } = {}) {
      requireBands(reference, numbers, colours);
      const wide = depth === 'ushort';
      const picture = open().toColourspace(wide ? (grey ? 'grey16' : 'rgb16') : grey ? 'b-w' : 'srgb');
      const { data, info } = await guarded(reference, () =>
        picture.raw({ depth: wide ? 'ushort' : 'uchar' }).toBuffer({ resolveWithObject: true }),
      );
      signal?.throwIfAborted();
      const samples = wide ? new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2) : data;
      const bands: Float32Array[] = [];
      for (const number of numbers) bands.push(await everyNth(samples, number - 1, info.channels));
      const transparency = hasAlpha ? await everyNth(samples, info.channels - 1, info.channels) : undefined;
      return { width: info.width, height: info.height, bands, valid: await validOf(bands, null, transparency) };
    },
  };
}

/** Every `step`th value from `first` on. */
async function everyNth(values: ArrayLike<number>, first: number, step: number): Promise<Float32Array> {
  const band = new Float32Array(values.length / step);
  await inSlices(band.length, (start, end) => {
    for (let index = start; index < end; index++) band[index] = values[index * step + first]!;
  });
  return band;
}

async function validOf(
  bands: readonly Float32Array[],
  noData: number | null,
  alpha: Float32Array | undefined,
): Promise<Uint8Array> {
  const valid = new Uint8Array(bands[0]?.length ?? 0).fill(1);
  // As the bands hold it: -3.4e38 in a file of doubles is no 32-bit float.
  const missing = noData === null ? Number.NaN : Math.fround(noData);
  await inSlices(valid.length, (start, end) => {
    for (const band of bands) {
      for (let index = start; index < end; index++) {
        const value = band[index]!;
        if (value === missing || Number.isNaN(value)) valid[index] = 0;
      }
    }
    if (alpha !== undefined) for (let index = start; index < end; index++) if (alpha[index] === 0) valid[index] = 0;
  });
  return valid;
}

/** @throws SamError `SAM_BAD_DATA`: no such band. `numbers`: from 1 on. */
export function requireBands({ path }: FileReference, numbers: readonly number[], count: number): void {
  const missing = numbers.find((number) => !Number.isInteger(number) || number < 1 || number > count);
  if (missing === undefined) return;
  throw new SamError('SAM_BAD_DATA', `image ${path} has ${count} band${count === 1 ? '' : 's'}, no band ${missing}`, {
    fix: 'bands are numbered from 1: look at --bands, --nir and --swir',
  });
}

function requireFits({ path }: FileReference, width: number, height: number): void {
  if (width * height <= MOST_PIXELS) return;
  throw new SamError('SAM_BAD_DATA', `image ${path} has ${width} x ${height} pixels, more than ${MOST_PIXELS}`, {
    fix: 'Cut it into tiles.',
  });
}

async function guarded<T>({ path }: FileReference, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SamError || (error instanceof Error && error.name === 'AbortError')) throw error;
    const detail = error instanceof Error ? error.message.replaceAll('\n', ' ') : String(error);
    throw new SamError('SAM_BAD_DATA', `image ${path} is truncated or broken, or not a picture`, {
      fix: 'Replace the file, or go on without it with --skip-bad.',
      detail,
      cause: error,
    });
  }
}
