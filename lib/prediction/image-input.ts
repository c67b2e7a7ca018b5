/** The kinds of pictures that a program may give for an image, each made into the pixels that the encoder takes. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SamError } from '../core/errors.js';
import { amount } from '../core/words.js';
import { decodeImage, requirePicture } from '../data/decode.js';
import { OR_SKIP, parted, requireReadableSize } from '../data/picture.js';
import type { DecodedImage } from '../data/sample.js';
import { inSlices } from '../data/slices.js';

/** Pixels as they lie in memory: row by row, the channels of a pixel one after the other, 8 bits each. */
export interface RawPixels {
  /** Values: grey, grey and alpha, RGB or RGBA, which their number tells. Where alpha is 0 there is no picture. */
  readonly pixels: Uint8Array | Uint8ClampedArray;
  /** Width, pixels. */
  readonly width: number;
  /** Height, pixels. */
  readonly height: number;
  /** Values of each pixel; has to agree with their number. */
  readonly channels?: number | undefined;
  /** Where there is a picture, width*height: 0 where there is none; undefined: everywhere, or as alpha says. */
  readonly valid?: Uint8Array | undefined;
}

/** Pixels as browsers and canvas packages have them: `ImageData`, RGBA; other channels as {@link RawPixels}. */
export interface ImagePixels extends Omit<RawPixels, 'pixels'> {
  /** Values, as {@link RawPixels} has them. */
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** What of a `sharp` instance is used; it may be of another copy of sharp than this package's. */
export interface SharpImage {
  /** Copies the instance, whose output is its own. */
  clone(): SharpImage;
  /** Chooses the colour space of the output. */
  toColourspace(space: string): SharpImage;
  /** Chooses raw pixels as output. */
  raw(options: { depth: 'uchar' }): SharpImage;
  /** Makes the output. */
  toBuffer(options: { resolveWithObject: true }): Promise<{
    /** Pixels. */
    data: Uint8Array;
    /** Size and channels. */
    info: Pick<RawPixels, 'width' | 'height' | 'channels'>;
  }>;
}

/**
 * A picture: a path or `file:` URL; the bytes of an image file; pixels; or a `sharp` instance, whose output it is (an EXIF orientation
 * counts if it has `autoOrient()`; of a path and of bytes it always does).
 */
export type ImageInput = string | URL | Uint8Array | ArrayBuffer | Blob | RawPixels | ImagePixels | SharpImage;

/** What {@link ImageInput} is, in words for an error. */
export const IMAGE_INPUT =
  'expected a path or file: URL, the bytes of an image file (Buffer, Uint8Array, ArrayBuffer, Blob), ' +
  'pixels ({ pixels, width, height } or ImageData), or a sharp instance';

/** Tells whether a value is one of the kinds of {@link ImageInput}; whether it is a good one, {@link readImage} finds. */
export function isImageInput(value: unknown): value is ImageInput {
  if (typeof value === 'string') return value !== '';
  if (typeof value !== 'object' || value === null) return false;
  return value instanceof URL || bytesOf(value) !== undefined || isSharp(value) || pixelsOf(value) !== undefined;
}

/**
 * Makes the pixels of a picture.
 *
 * @throws SamError `SAM_BAD_OPTION`: a URL of the network, pixels that are not so many; else as {@link decodeImage}.
 */
export async function readImage(image: ImageInput): Promise<DecodedImage> {
  try {
    return await read(image);
  } catch (error) {
    // A picture that was given alone can't be skipped.
    if (!(error instanceof SamError) || !error.fix?.endsWith(OR_SKIP)) throw error;
    const { code, message, fix, detail } = error;
    throw new SamError(code, message, { fix: fix.slice(0, -OR_SKIP.length), detail, cause: error });
  }
}

async function read(image: ImageInput): Promise<DecodedImage> {
  const path = pathOf(image);
  if (path !== undefined) return decodeImage({ name: path, image: { path: resolve(path) } });
  const bytes = bytesOf(image);
  if (bytes !== undefined) return decodeImage({ name: 'image', image: { path: '(bytes)', bytes: await bytes() } });
  return ofPixels(isSharp(image) ? await outputOf(image) : pixelsOf(image)!);
}

/** Returns the path that a string or URL is; undefined for any other kind. */
function pathOf(image: ImageInput): string | undefined {
  if (typeof image !== 'string' && !(image instanceof URL)) return undefined;
  const text = String(image);
  // A single letter is a drive of Windows.
  const [, protocol] = /^([a-z][a-z0-9+.-]+):(?=\/\/)|^(data|blob):/i.exec(text)?.filter(Boolean) ?? [];
  if (protocol === undefined && typeof image === 'string') return image;
  if (protocol?.toLowerCase() === 'file') {
    try {
      return fileURLToPath(text);
    } catch (cause) {
      throw new SamError('SAM_BAD_OPTION', `image ${shortened(text)}: no file of this machine`, { cause });
    }
  }
  throw new SamError('SAM_BAD_OPTION', `image ${shortened(text)}: pictures are not fetched from URLs`, {
    fix: 'fetch it and give the bytes: embed(await (await fetch(url)).arrayBuffer())',
  });
}

/** Most characters of a URL that an error names: one of `data:` is a whole picture. */
const MOST_SHOWN = 100;
const shortened = (text: string) => (text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)} …` : text);

/** Returns what reads the bytes of an image file; undefined for any other kind. */
function bytesOf(image: object | string): (() => Uint8Array | Promise<Uint8Array>) | undefined {
  if (image instanceof Uint8Array) return () => image;
  if (image instanceof ArrayBuffer) return () => new Uint8Array(image);
  if (image instanceof Blob) return async () => new Uint8Array(await image.arrayBuffer());
  return undefined;
}

function isSharp(image: object | string): image is SharpImage {
  const { clone, toColourspace, raw, toBuffer } = image as Partial<SharpImage>;
  return [clone, toColourspace, raw, toBuffer].every((method) => typeof method === 'function');
}

/** Returns the raw pixels that an object holds; undefined for any other kind. */
function pixelsOf(image: object | string): RawPixels | undefined {
  const { pixels, data, ...rest } = image as Partial<RawPixels & ImagePixels>;
  const values = pixels ?? data;
  const { width = 0, height = 0, valid, channels } = rest;
  const isSize = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  const isBytes = values instanceof Uint8Array || values instanceof Uint8ClampedArray;
  if (!isSize || !isBytes || (valid !== undefined && !(valid instanceof Uint8Array))) return undefined;
  return { pixels: values, width, height, channels, valid };
}

async function outputOf(image: SharpImage): Promise<RawPixels> {
  try {
    const output = image.clone().toColourspace('srgb').raw({ depth: 'uchar' });
    const { data, info } = await output.toBuffer({ resolveWithObject: true });
    return { pixels: data, ...info };
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message.replaceAll('\n', ' ') : String(cause);
    throw new SamError('SAM_BAD_DATA', `the sharp instance gives no picture: ${detail}`, { cause });
  }
}

/** Makes red, green and blue of raw pixels; alpha is dropped, not blended, and says where there is no picture. */
async function ofPixels({ pixels, width, height, channels: said, valid }: RawPixels): Promise<DecodedImage> {
  const place = { path: '(pixels)' };
  requireReadableSize({ width, height }, place, 'image');
  const count = width * height;
  const channels = pixels.length / count;
  if (![1, 2, 3, 4].includes(channels) || (said !== undefined && said !== channels)) {
    const wanted = said === undefined ? '1 to 4 channels' : amount(said, 'channel');
    const text = `the image holds ${pixels.length} values, which are not ${width} x ${height} pixels of ${wanted}`;
    throw new SamError('SAM_BAD_OPTION', text, { fix: 'give 8-bit grey, RGB or RGBA, one row after the other' });
  }
  if (valid !== undefined && valid.length !== count) {
    throw new SamError('SAM_BAD_OPTION', `the image's valid holds ${valid.length} values for ${count} pixels`);
  }
  const values = new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.length);
  const { colours, shown } =
    channels % 2 === 1 ? { colours: values, shown: undefined } : await parted(values, channels, channels === 2 ? 1 : 3);
  const picture = { pixels: channels < 3 ? await tripled(colours) : colours, width, height, valid: valid ?? shown };
  requirePicture(picture, place);
  return picture;
}

async function tripled(greys: Uint8Array): Promise<Uint8Array> {
  const pixels = new Uint8Array(greys.length * 3);
  await inSlices(greys.length, (start, end) => {
    for (let pixel = start; pixel < end; pixel++) pixels.fill(greys[pixel]!, pixel * 3, pixel * 3 + 3);
  });
  return pixels;
}
