/**
 * The one door to the pixels of image and label files: whoever wants any, whole or in windows, as a picture, as bands or as a label,
 * comes through here. TIFFs are read from their own tags, everything else by sharp. What is decided, and why: docs/data.md.
 */
import { createHash } from 'node:crypto';
import { SamError } from '../core/errors.js';
import { beginningOf } from '../core/files.js';
import { digestFile } from '../core/hash.js';
import { type BandSource, type BandStretch, mayLack } from '../raster/band-source.js';
import { RgbSource, readingOf } from '../raster/pixels.js';
import { isTiff, Raster } from '../raster/raster.js';
import { STRETCH_VERSION } from '../raster/stretch.js';
import { Label, type MaskValues } from './label.js';
import {
  contentOf,
  FIX_FILE,
  headerOf,
  type ImageSize,
  isPlainFile,
  type Kind,
  OR_SKIP,
  Picture,
  requireReadableSize,
  unreadable,
} from './picture.js';
import type { DecodedImage, FileReference, Mask, Sample } from './sample.js';
import { viewedPixels, viewedSize } from './views.js';

export { type ImageSize, MOST_PIXELS, requireReadableSize } from './picture.js';

/**
 * Decodes an image as the encoder takes it: upright, red, green and blue of 8 bits. Photographs are taken as they are, measurements are
 * stretched as in `lib/raster/stretch.ts`; alpha is dropped, not blended, and says where there is no picture; profiles are ignored (but
 * CMYK's, of JPEG), as in the Python recipes.
 *
 * @throws SamError `SAM_BAD_DATA`: truncated, broken, not an image of these formats or depths, or too large. `SAM_NOT_FOUND`: there is
 * no such file.
 */
export async function decodeImage(given: Sample): Promise<DecodedImage> {
  const sample = await held(given);
  const source = await openBandSource(sample.image, 'image', 'rgb');
  try {
    requireReadableSize(source, sample.image, 'image');
    const upright = plain(source, sample.bands) ?? (await (await RgbSource.of(source, sample.bands)).readAll());
    requirePicture(upright, sample.image);
    return await viewed(upright, sample.view ?? 0);
  } finally {
    await source.close();
  }
}

/** Refuses an image without a picture. */
export function requirePicture({ valid }: DecodedImage, { path }: FileReference): void {
  if (valid === undefined || valid.includes(1)) return;
  throw new SamError('SAM_BAD_DATA', `image ${path} holds no picture: every pixel is transparent, or no data`, {
    fix: `take its alpha channel away if it means nothing${OR_SKIP}`,
  });
}

/** Returns a picture that is what the encoder takes already: nothing of it is copied. */
function plain(source: BandSource, bands: string | undefined): DecodedImage | undefined {
  if (!(source instanceof Picture) || bands !== undefined || source.mayHide) return undefined;
  const { colours, bandCount, width, height } = source;
  return bandCount === 3 && colours instanceof Uint8Array ? { pixels: colours, width, height } : undefined;
}

async function viewed(image: DecodedImage, view: number): Promise<DecodedImage> {
  if (view === 0) return image;
  const { pixels, valid } = image;
  return {
    ...image,
    pixels: await viewedPixels(pixels, image, 3, view),
    ...(valid === undefined ? {} : { valid: await viewedPixels(valid, image, 1, view) }),
    ...viewedSize(image, view),
  };
}

/**
 * Opens an image to be read window by window, as {@link decodeImage} decodes it whole. It has to be closed.
 *
 * @param stretch stretch of each colour, where it is known from an earlier opening.
 */
export async function openPixels({ image, bands }: Sample, stretch?: readonly BandStretch[]): Promise<RgbSource> {
  const source = await openBandSource(await heldImage(image), 'image', 'rgb');
  try {
    return await RgbSource.of(source, bands, stretch);
  } catch (error) {
    await source.close();
    throw error;
  }
}

/**
 * Opens a file as bands: of a TIFF nothing but the header is read, anything else is decoded whole.
 *
 * @param wanted whether greys are wanted as red, green and blue too, of what is no TIFF.
 */
export async function openBandSource(file: FileReference, kind: Kind, wanted: 'rgb' | 'bands'): Promise<BandSource> {
  return (await openTiff(file, kind)) ?? Picture.decode(file, kind, wanted);
}

/** Opens a TIFF; undefined for any other file. */
export async function openTiff(file: FileReference, kind: Kind): Promise<Raster | undefined> {
  const bytes = isPlainFile(file) ? undefined : await contentOf(file, kind);
  return (await isTiff(bytes ?? file.path)) ? Raster.open(file.path, bytes, kind) : undefined;
}

/**
 * Reads where an image's pixels are a picture: 1 there, 0 where it is transparent or holds no data. Undefined where all are.
 *
 * @param size what {@link imageSize} says of the image: where its header says that all are, nothing is decoded.
 */
export async function decodeValid(sample: Sample, size: ImageSize): Promise<Uint8Array | undefined> {
  return size.mayHide ? (await decodeImage(sample)).valid : undefined;
}

/** What an image's embedding is known by. */
export interface ImageIdentity {
  /** Hash of the content, and what else decides about its pixels. */
  readonly identity: string;
  /** Whether it holds measurements, which are stretched to 8 bits, rather than a photograph. */
  readonly stretched: boolean;
}

/** Identifies an image by its content and how that is read; nothing is decoded. */
export async function imageIdentity(given: Sample): Promise<ImageIdentity> {
  const sample = await held(given);
  const hash = await contentHash(sample);
  const raster = await openTiff(sample.image, 'image');
  if (raster === undefined) {
    const stretched = await isPngOf16Bits(sample.image);
    const bands = sample.bands === undefined ? hash : `${hash} bands ${sample.bands}`;
    return { identity: stretched ? `${bands} ${STRETCH_VERSION}` : bands, stretched };
  }
  try {
    return { identity: `${hash} ${readingOf(raster, sample.bands)}`, stretched: raster.asPhotograph === undefined };
  } finally {
    await raster.close();
  }
}

/** Bytes of a PNG up to its depth: the signature, and the beginning of the header. */
const PNG_HEAD = 25;

async function isPngOf16Bits(file: FileReference): Promise<boolean> {
  const head = isPlainFile(file)
    ? await beginningOf(file.path, PNG_HEAD)
    : (await contentOf(file, 'image')).subarray(0, PNG_HEAD);
  return head.length === PNG_HEAD && head[0] === 0x89 && head[1] === 0x50 && head[24] === 16;
}

/** Returns the sample with its image's content, so that it is read once; a plain file is left where it is. */
async function held(sample: Sample): Promise<Sample> {
  return { ...sample, image: await heldImage(sample.image) };
}

export async function heldImage(image: FileReference): Promise<FileReference> {
  return isPlainFile(image) ? image : { path: image.path, bytes: await contentOf(image, 'image') };
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
  const size = { ...image, ...viewedSize(image, view) };
  const mask = await withinPicture(await decodeUpright(upright, size), upright, image);
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
    return doubted(drawn, image.turnsUnseen);
  }
  const label = await openLabel(sample.mask);
  try {
    if (label.width !== image.width || label.height !== image.height) throw await otherSize(sample, label, image);
    const mask = await label.readAll();
    return label.isTurned ? mask : doubted(mask, image.turnsUnseen);
  } finally {
    await label.close();
  }
}

/** Returns a label, doubted where nothing tells whether it was drawn on the turned picture or on the stored one. */
function doubted(mask: Mask, turnsUnseen = false): Mask {
  return turnsUnseen ? { ...mask, doubts: [...(mask.doubts ?? []), 'orientation'] } : mask;
}

/** Takes the label away where its image holds no picture: nothing is to be learnt or scored there. */
async function withinPicture(mask: Mask, sample: Sample, image: ImageSize): Promise<Mask> {
  const valid = await decodeValid(sample, image);
  if (valid === undefined) return mask;
  const labelled = mask.labelled?.map((value, at) => value & valid[at]!) ?? valid;
  return { ...mask, values: mask.values.map((value, at) => value & valid[at]!), labelled };
}

/** Opens a label, to be read whole or by window. It has to be closed. Throws as {@link decodeImage}. */
export async function openLabel(file: FileReference): Promise<Label> {
  const source = await openBandSource(file, 'mask', 'bands');
  try {
    requireReadableSize(source, file, 'mask');
    return new Label(source);
  } catch (error) {
    await source.close();
    throw error;
  }
}

/**
 * Decodes the values of a label of several objects or classes. Palettes give their colours, wholly transparent pixels 0.
 *
 * @throws SamError `SAM_BAD_DATA`: colours of 16 bits, or as for images. `SAM_NOT_FOUND`: there is no such file.
 */
export async function decodeValues(file: FileReference): Promise<MaskValues> {
  const label = await openLabel(file);
  try {
    return await label.readValues();
  } finally {
    await label.close();
  }
}

/** Reads the size of an image (of the sample's view of it), with its EXIF orientation applied, from the header alone. */
export async function imageSize(given: Sample): Promise<ImageSize> {
  const sample = await held(given);
  const raster = await openTiff(sample.image, 'image');
  await raster?.close();
  if (raster !== undefined) requireReadableSize(raster, sample.image, 'image');
  const header = raster === undefined ? await headerOf(sample.image, 'image') : undefined;
  const size = raster ?? header!.size;
  const { width, height } = viewedSize(size, sample.view ?? 0);
  return {
    width,
    height,
    ...((raster === undefined ? header!.metadata.hasAlpha : mayLack(raster)) && { mayHide: true }),
    ...(size.turnsUnseen && { turnsUnseen: true }),
  };
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

async function otherSize(sample: Sample, mask: ImageSize, image: ImageSize): Promise<SamError> {
  const stored = await storedFrame(sample.image);
  if (stored.width !== mask.width || stored.height !== mask.height) {
    return sizesDiffer(sample, mask, image, { fix: FIX_FILE });
  }
  return sizesDiffer(sample, mask, image, {
    because: ' once turned as its EXIF orientation says',
    fix: 'turn the mask as the image is seen, or remove the orientation from the image',
  });
}

/** How an image is stored: its size without its orientation, and that orientation, 1 to 8. */
export interface StoredFrame extends ImageSize {
  readonly orientation: number;
}

/** Reads from the header how an image is stored. */
export async function storedFrame(image: FileReference): Promise<StoredFrame> {
  const raster = await openTiff(image, 'image');
  await raster?.close();
  if (raster !== undefined) {
    const { width, height } = raster.stored;
    return { width, height, orientation: raster.orientation };
  }
  const { width, height, orientation = 1 } = (await headerOf(image, 'image')).metadata;
  return { width, height, orientation };
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
