/** Decodes image and label files to pixels. What is decided here, and why: docs/data.md. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import sharp, { type Metadata, type OutputInfo, type Sharp } from 'sharp';
import { SamError, systemCode } from '../core/errors.js';
import { digestFile } from '../core/hash.js';
import { chooseBands } from '../raster/band-choice.js';
import { RasterPixels, readingOf } from '../raster/pixels.js';
import { isTiff, Raster } from '../raster/raster.js';
import { insideOf } from './inside.js';
import type { LabelDoubt } from './label-values.js';
import type { DecodedImage, FileReference, Mask, Sample } from './sample.js';
import { inSlices } from './slices.js';
import { viewedPixels, viewedSize } from './views.js';

const FORMATS: readonly (string | undefined)[] = ['jpeg', 'png', 'webp', 'tiff'];
/** Most pixels of an image: 268 million, 0.8 GB as RGB. */
export const MOST_PIXELS = 2 ** 28;
const FIX_FILE = 'replace the file, or go on without it with `skipBad`';

export interface ImageSize {
  readonly width: number;
  readonly height: number;
  /** Whether the picture is turned or mirrored without changing its size, so that a label's size doesn't tell which one it fits. */
  readonly turnsUnseen?: boolean;
}

type Kind = 'image' | 'mask';

interface Opened {
  readonly picture: Sharp;
  readonly metadata: Metadata;
  /** Size with the EXIF orientation applied. */
  readonly size: ImageSize;
}

/**
 * Decodes an image as the encoder takes it. 16-bit samples become `round(value / 257)`; alpha is dropped, not blended; grey, palette
 * and CMYK become RGB; profiles are ignored (but CMYK's), as in the Python recipes; of several pages the first counts. A TIFF
 * of measurements, or with bands chosen, is read and stretched as in `lib/raster/stretch.ts`.
 *
 * @throws SamError `SAM_BAD_DATA`: truncated, broken, not an image of these formats or depths, or too large. `SAM_NOT_FOUND`: there is
 * no such file.
 */
export async function decodeImage(given: Sample): Promise<DecodedImage> {
  const sample = await held(given);
  const raster = await openRaster(sample.image, sample.bands !== undefined);
  if (raster === undefined) return withColours(await decodePicture(sample), sample);
  try {
    requireReadableSize(raster, sample.image, 'image');
    return await (await RasterPixels.of(raster, sample.bands)).readAll();
  } finally {
    await raster.close();
  }
}

/** Returns what an image's embedding is known by: the content's hash and, of a raster, what else decides about its pixels. */
export async function imageIdentity(given: Sample): Promise<string> {
  const sample = await held(given);
  const hash = await contentHash(sample);
  const raster = await openRaster(sample.image, sample.bands !== undefined);
  if (raster === undefined) return sample.bands === undefined ? hash : `${hash} bands ${sample.bands}`;
  try {
    return `${hash} ${readingOf(raster, sample.bands)}`;
  } finally {
    await raster.close();
  }
}

/** Returns the sample with its image's content, so that it is read once; a plain file is left where it is. */
async function held(sample: Sample): Promise<Sample> {
  return { ...sample, image: await heldImage(sample.image) };
}

export async function heldImage(image: FileReference): Promise<FileReference> {
  return isPlainFile(image) ? image : { path: image.path, bytes: await contentOf(image, 'image') };
}

/**
 * Opens an image as a raster where it can be read right only as one; undefined for any other.
 *
 * @param byBand whether bands are asked for: then any TIFF is opened, but for those that have yet to be turned.
 */
export async function openRaster(image: FileReference, byBand: boolean): Promise<Raster | undefined> {
  if (!(await isTiff(image.bytes ?? image.path))) return undefined;
  const raster = await Raster.open(image.path, image.bytes);
  if (raster.isMeasured || (byBand && raster.isUpright)) return raster;
  await raster.close();
  return undefined;
}

/** Puts red, green and blue of a JPEG, PNG or WebP into the order of `--bands`. */
function withColours(decoded: DecodedImage, { image, bands }: Sample): DecodedImage {
  if (bands === undefined) return decoded;
  const chosen = chooseBands({ path: image.path, bandCount: 3, bandNames: ['red', 'green', 'blue'] }, bands);
  if (chosen.every((band, index) => band === index)) return decoded;
  const { pixels } = decoded;
  return { ...decoded, pixels: pixels.map((_, at) => pixels[at - (at % 3) + chosen[at % 3]!]!) };
}

async function decodePicture(sample: Sample): Promise<DecodedImage> {
  const opened = await openPicture(sample.image, 'image');
  const { depth } = opened.metadata;
  if (depth !== 'uchar' && depth !== 'ushort') {
    throw new SamError(
      'SAM_BAD_DATA',
      `image ${sample.image.path} has samples of type ${depth}; 8 and 16 bits are read`,
      {
        fix: 'save it with 8 or 16 bits a channel',
      },
    );
  }
  const wide = depth === 'ushort';
  const picture = opened.picture.removeAlpha().toColourspace(wide ? 'rgb16' : 'srgb');
  const { data, info } = await pixelsOf(picture, wide ? 'ushort' : 'uchar', sample.image, 'image');
  if (info.channels !== 3) {
    throw new SamError(
      'SAM_BAD_DATA',
      `image ${sample.image.path} has ${info.channels} channels; grey and RGB are read`,
      {
        fix: 'save it as RGB',
      },
    );
  }
  const upright = wide ? await toBytes(wordsOf(data)) : bytesOf(data);
  const view = sample.view ?? 0;
  return { pixels: await viewedPixels(upright, info, info.channels, view), ...viewedSize(info, view) };
}

/**
 * Decodes the label of a sample: 1 where its colour is any but black and its pixel not wholly transparent. For a palette the colour
 * counts, not the index; nothing is scaled, so a 16-bit 1 is inside.
 *
 * @param image size of the image, as {@link imageSize} returns it: the label has to have the same.
 * @throws SamError `SAM_BAD_DATA`: there is no label, it is of another size than the image, or as for images. `SAM_NOT_FOUND`: there is
 * no such file.
 */
export async function decodeMask(sample: Sample, image: ImageSize): Promise<Mask> {
  const { view = 0, ...upright } = sample;
  const mask = await decodeUpright(upright, { ...image, ...viewedSize(image, view) });
  const viewed = (values: Uint8Array) => viewedPixels(values, mask, 1, view);
  const labelled = mask.labelled === undefined ? {} : { labelled: await viewed(mask.labelled) };
  return { ...mask, values: await viewed(mask.values), ...labelled, ...viewedSize(mask, view) };
}

/** Decodes the label of the picture as it is, not of a view. */
async function decodeUpright(sample: Sample, image: ImageSize): Promise<Mask> {
  if (sample.mask === undefined) {
    throw new SamError('SAM_BAD_DATA', `image ${sample.image.path} has no mask`, { fix: FIX_FILE });
  }
  if (sample.mask.draw !== undefined) {
    const drawn = await sample.mask.draw(image);
    if (drawn.width !== image.width || drawn.height !== image.height) throw await otherSize(sample, drawn, image);
    return doubted(drawn, image.turnsUnseen && 'orientation');
  }
  const { picture, metadata, size } = await openPicture(sample.mask, 'mask');
  if (size.width !== image.width || size.height !== image.height) throw await otherSize(sample, size, image);
  const { depth, hasAlpha, channels } = metadata;
  if (depth === 'uchar' || depth === 'ushort') {
    const wide = depth === 'ushort';
    // One grey channel stays one; everything else (palettes, colours, alpha) is looked at as RGB or RGBA.
    const grey = channels === 1 && !hasAlpha;
    const space = wide ? (grey ? 'grey16' : 'rgb16') : grey ? 'b-w' : 'srgb';
    const { data, info } = await pixelsOf(picture.toColourspace(space), depth, sample.mask, 'mask');
    const samples = wide ? wordsOf(data) : bytesOf(data);
    const inside = await insideOf(samples, info.channels, { hasAlpha, width: size.width });
    const turned = (metadata.orientation ?? 1) > 1;
    const inks = metadata.space === 'cmyk';
    return doubted({ ...size, ...inside }, inks && 'cmyk', image.turnsUnseen && !turned && 'orientation');
  }
  // Labels of 32 bits, whole or real: one channel.
  const { data, info } = await pixelsOf(picture.toColourspace('b-w'), 'float', sample.mask, 'mask');
  const floats = new Float32Array(data.buffer, data.byteOffset, data.byteLength / 4);
  return { ...size, ...(await insideOf(floats, info.channels, { hasAlpha: false })) };
}

/** Returns a label with these doubts besides its own. */
function doubted(mask: Mask, ...more: (LabelDoubt | false | undefined)[]): Mask {
  const doubts = [...(mask.doubts ?? []), ...more.filter((doubt) => doubt !== undefined && doubt !== false)];
  return doubts.length === 0 ? mask : { ...mask, doubts };
}

/** Values of a label's pixels; 0 is outside. */
export interface MaskValues extends ImageSize {
  /** Values themselves or, with `colours`, red, green and blue in one number. */
  readonly codes: Uint8Array | Uint16Array | Uint32Array | Float32Array;
  readonly colours: boolean;
  /** Value a pixel, as a mask's: 0 where there is no label, whose code is 0 too; undefined: labels everywhere. */
  readonly labelled?: Uint8Array;
}

/**
 * Decodes the values of a label of several objects or classes. Palettes give their colours, wholly transparent pixels 0.
 *
 * @throws SamError `SAM_BAD_DATA`: colours of 16 bits, or as for images. `SAM_NOT_FOUND`: there is no such file.
 */
export async function decodeValues(file: FileReference): Promise<MaskValues> {
  const { picture, metadata, size } = await openPicture(file, 'mask');
  const { depth, hasAlpha, channels } = metadata;
  const colours = channels > 1 || hasAlpha;
  if (depth === 'uchar' && colours) {
    const { data, info } = await pixelsOf(picture.toColourspace('srgb'), depth, file, 'mask');
    return { ...size, codes: await toColours(data, info.channels), colours: true };
  }
  if (colours) {
    throw new SamError('SAM_BAD_DATA', `mask ${file.path} has ${channels} channels of type ${depth}`, {
      fix: 'save masks of several values as grey, or as colours of 8 bits',
    });
  }
  if (depth === 'uchar' || depth === 'ushort') {
    const space = depth === 'ushort' ? 'grey16' : 'b-w';
    const { data } = await pixelsOf(picture.toColourspace(space), depth, file, 'mask');
    return { ...size, codes: depth === 'ushort' ? wordsOf(data) : bytesOf(data), colours: false };
  }
  const { data } = await pixelsOf(picture.toColourspace('b-w'), 'float', file, 'mask');
  const codes = new Float32Array(data.buffer, data.byteOffset, data.byteLength / 4);
  return { ...size, codes: codes.map((code) => (Number.isNaN(code) ? 0 : code)), colours: false };
}

async function toColours(data: Uint8Array, channels: number): Promise<Uint32Array> {
  const codes = new Uint32Array(data.length / channels);
  await inSlices(codes.length, (start, end) => {
    for (let pixel = start; pixel < end; pixel++) {
      const at = pixel * channels;
      const code = (data[at]! << 16) | (data[at + 1]! << 8) | data[at + 2]!;
      codes[pixel] = channels > 3 && data[at + 3] === 0 ? 0 : code;
    }
  });
  return codes;
}

/** Reads the size of an image (of the sample's view of it), with its EXIF orientation applied, from the header alone. */
export async function imageSize(given: Sample): Promise<ImageSize> {
  const sample = await held(given);
  const raster = await openRaster(sample.image, sample.bands !== undefined);
  if (raster !== undefined) {
    await raster.close();
    requireReadableSize(raster, sample.image, 'image');
    return viewedSize(raster, sample.view ?? 0);
  }
  const picture = sharp(await headerOf(sample.image, 'image'), { limitInputPixels: false });
  const metadata = await metadataOf(picture, sample.image, 'image');
  const upright = sizeOf(metadata, sample.image, 'image');
  const { orientation = 1, width, height } = metadata;
  const turnsUnseen = orientation > 1 && upright.width === width && upright.height === height;
  return { ...viewedSize(upright, sample.view ?? 0), ...(turnsUnseen && { turnsUnseen }) };
}

/** Returns the SHA-256 of the image file's bytes, as lower-case hex. */
export async function contentHash(sample: Sample): Promise<string> {
  const hash = createHash('sha256');
  if (!isPlainFile(sample.image)) return hash.update(await contentOf(sample.image, 'image')).digest('hex');
  try {
    return await digestFile(hash, sample.image.path);
  } catch (error) {
    throw unreadable(error, sample.image, 'image');
  }
}

export function isPlainFile(file: FileReference): boolean {
  return file.bytes === undefined && file.read === undefined;
}

/** Reads the whole encoded picture, wherever it lies. */
async function contentOf(file: FileReference, kind: Kind): Promise<Uint8Array> {
  const read = file.read?.bind(file) ?? (() => readFile(file.path));
  const bytes =
    file.bytes ??
    (await read().catch((error: unknown) => {
      throw unreadable(error, file, kind);
    }));
  if (bytes.length > 0) return bytes;
  throw new SamError('SAM_BAD_DATA', `${kind} ${file.path} is an empty file`, { fix: FIX_FILE });
}

/** Returns what a header can be read from: of a plain file its path, so that no more of it is read. */
async function headerOf(file: FileReference, kind: Kind): Promise<Uint8Array | string> {
  return isPlainFile(file) ? file.path : contentOf(file, kind);
}

export async function openPicture(file: FileReference, kind: Kind): Promise<Opened> {
  const bytes = await contentOf(file, kind);
  const header = sharp(bytes, { limitInputPixels: false });
  const metadata = await metadataOf(header, file, kind);
  const picture = sharp(bytes, {
    autoOrient: true,
    failOn: 'error',
    // The fallback profile of CMYK alone knows what its inks look like; other profiles the Python recipes don't apply.
    ignoreIcc: metadata.space !== 'cmyk',
    limitInputPixels: MOST_PIXELS,
    sequentialRead: true,
  });
  return { picture, metadata, size: sizeOf(metadata, file, kind) };
}

async function metadataOf(picture: Sharp, file: FileReference, kind: Kind): Promise<Metadata> {
  try {
    return await picture.metadata();
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('Input file is missing')) throw missing(file, kind);
    throw broken(error, file, kind, ', or not a JPEG, PNG, WebP or TIFF image');
  }
}

function sizeOf(metadata: Metadata, file: FileReference, kind: Kind): ImageSize {
  if (!FORMATS.includes(metadata.format)) {
    throw new SamError('SAM_BAD_DATA', `${kind} ${file.path} is of the format ${metadata.format}`, {
      fix: 'save it as JPEG, PNG, WebP or TIFF',
    });
  }
  const { width, height } = metadata.autoOrient;
  requireReadableSize({ width, height }, file, kind);
  return { width, height };
}

/**
 * Refuses pictures with more than {@link MOST_PIXELS}, and images of a single pixel, in which nothing can be outlined.
 *
 * @throws SamError `SAM_BAD_DATA`: too large, or too small.
 */
export function requireReadableSize({ width, height }: ImageSize, file: FileReference, kind: Kind): void {
  if (kind === 'image' && width * height === 1) {
    throw new SamError('SAM_BAD_DATA', `${kind} ${file.path} is ${width} x ${height} pixels: too small to segment`, {
      fix: FIX_FILE,
    });
  }
  if (width * height > MOST_PIXELS) {
    throw new SamError(
      'SAM_BAD_DATA',
      `${kind} ${file.path} has ${width} x ${height} pixels, more than ${MOST_PIXELS}`,
      {
        fix: 'cut it into tiles',
      },
    );
  }
}

export async function pixelsOf(
  picture: Sharp,
  depth: 'uchar' | 'ushort' | 'float',
  file: FileReference,
  kind: Kind,
): Promise<{ data: Buffer; info: OutputInfo }> {
  try {
    return await picture.raw({ depth }).toBuffer({ resolveWithObject: true });
  } catch (error) {
    throw broken(error, file, kind);
  }
}

function bytesOf(data: Buffer): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

export function wordsOf(data: Buffer): Uint16Array {
  return new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
}

/** Makes 16-bit values 8-bit, as `round(value / 257)`: 65535 becomes 255, and what was 8 bits before comes back as it was. */
async function toBytes(words: Uint16Array): Promise<Uint8Array> {
  const bytes = new Uint8Array(words.length);
  await inSlices(words.length, (start, end) => {
    for (let index = start; index < end; index++) bytes[index] = (words[index]! + 128) / 257;
  });
  return bytes;
}

async function otherSize(sample: Sample, mask: ImageSize, image: ImageSize): Promise<SamError> {
  const header = sharp(await headerOf(sample.image, 'image'), { limitInputPixels: false });
  const stored = await header.metadata().catch(() => undefined); // a raster may be nothing for sharp
  if (stored?.width !== mask.width || stored.height !== mask.height) {
    return sizesDiffer(sample, mask, image, { fix: FIX_FILE });
  }
  return sizesDiffer(sample, mask, image, {
    because: ' once turned as its EXIF orientation says',
    fix: 'turn the mask as the image is seen, or remove the orientation from the image',
  });
}

/** Makes the error of a mask that has another size than its image. */
export function sizesDiffer(
  sample: Sample,
  mask: ImageSize,
  image: ImageSize,
  { because = '', fix }: { because?: string; fix: string },
): SamError {
  const message =
    `mask ${sample.mask?.path} is ${mask.width} x ${mask.height} pixels, ` +
    `its image ${sample.image.path} ${image.width} x ${image.height}${because}`;
  return new SamError('SAM_BAD_DATA', message, { fix });
}

function unreadable(error: unknown, file: FileReference, kind: Kind): SamError {
  if (error instanceof SamError) return error;
  if (systemCode(error) === 'ENOENT') return missing(file, kind);
  const detail = error instanceof Error ? error.message : String(error);
  return new SamError('SAM_IO', `${kind} ${file.path} cannot be read`, { detail, cause: error });
}

function missing(file: FileReference, kind: Kind): SamError {
  return new SamError('SAM_NOT_FOUND', `there is no ${kind} ${file.path}`);
}

function broken(error: unknown, file: FileReference, kind: Kind, or = ''): SamError {
  const detail = error instanceof Error ? error.message.replaceAll('\n', ' ') : String(error);
  return new SamError('SAM_BAD_DATA', `${kind} ${file.path} is truncated or broken${or}`, {
    fix: FIX_FILE,
    detail,
    cause: error,
  });
}
