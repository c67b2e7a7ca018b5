/** Pictures that sharp reads whole: JPEG, PNG, WebP and GIF. TIFFs are read by `lib/raster/raster.ts`. */
import { readFile } from 'node:fs/promises';
import sharp, { type Metadata, type OutputInfo, type Sharp } from 'sharp';
import { SamError, systemCode } from '../core/errors.js';
import { type BandSource, type BandStretch, type BandWindow, slicesOf } from '../raster/band-source.js';
import { cropped, type Window } from '../raster/windows.js';
import type { FileReference } from './sample.js';
import { inSlices } from './slices.js';
import { unreadKind } from './unread-files.js';

const FORMATS: readonly (string | undefined)[] = ['jpeg', 'png', 'webp', 'gif', 'tiff'];
/** Most pixels of an image: 268 million, 0.8 GB as RGB. */
export const MOST_PIXELS = 2 ** 28;
const FIX_FORMAT = 'save it as JPEG, PNG, WebP, GIF or TIFF';
/** Way out of an error about one picture of many. */
export const OR_SKIP = ', or go on without it with `skipBad`';
export const FIX_FILE = `replace the file${OR_SKIP}`;

export interface ImageSize {
  readonly width: number;
  readonly height: number;
  /** Whether the picture is turned or mirrored without another size, so that a label's size doesn't tell which of the two it fits. */
  readonly turnsUnseen?: boolean | undefined;
  /** Whether there may be pixels without a picture, by the header: alpha, a mask, or no data. */
  readonly mayHide?: boolean;
}

export type Kind = 'image' | 'mask';

/** What of a picture is wanted: `rgb` in any case, or a grey one as one band. */
type Wanted = 'rgb' | 'bands';

/** A picture decoded whole, upright. */
export class Picture implements BandSource {
  readonly nodata = undefined;
  readonly isTiled = true;
  readonly isReal = false;
  readonly bandNames: readonly string[];

  private constructor(
    readonly path: string,
    readonly width: number,
    readonly height: number,
    /** Colours, interleaved: red, green and blue, or one grey. */
    readonly colours: Uint8Array | Uint16Array,
    readonly bandCount: 1 | 3,
    /** width*height values; undefined for a picture without alpha, or without a transparent pixel. */
    private readonly shown: Uint8Array | undefined,
    readonly isInk: boolean,
    readonly isTurned: boolean,
  ) {
    this.bandNames = bandCount === 1 ? ['grey'] : ['red', 'green', 'blue'];
  }

  /** @throws SamError `SAM_BAD_DATA`: truncated, broken, of another format or too large. `SAM_NOT_FOUND`: there is no such file. */
  static async decode(file: FileReference, kind: Kind, wanted: Wanted): Promise<Picture> {
    const { picture, metadata } = await openPicture(file, kind);
    const wide = metadata.depth === 'ushort';
    const grey = wanted === 'bands' && metadata.channels <= 2 && metadata.isPalette !== true;
    // As 'b-w', sharp leaves the alpha of 8 bits out.
    const single = grey && (wide || !metadata.hasAlpha);
    const coloured = picture.toColourspace(wide ? (single ? 'grey16' : 'rgb16') : single ? 'b-w' : 'srgb');
    const { data, info } = await pixelsOf(coloured, wide ? 'ushort' : 'uchar', file, kind);
    const values = wide
      ? new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2)
      : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const { width, height, channels } = info;
    const bands = grey || channels < 3 ? 1 : 3;
    const { colours, shown } =
      channels === bands ? { colours: values, shown: undefined } : await parted(values, channels, bands);
    const isInk = metadata.space === 'cmyk';
    return new Picture(file.path, width, height, colours, bands, shown, isInk, isTurned(metadata));
  }

  get colourCount(): number {
    return this.bandCount;
  }

  get colourBands(): number[] {
    return this.bandCount === 1 ? [0] : [0, 1, 2];
  }

  get mayHide(): boolean {
    return this.shown !== undefined;
  }

  get asPhotograph(): BandStretch | undefined {
    return this.colours instanceof Uint8Array ? null : undefined;
  }

  slices(): Iterable<Window> {
    return slicesOf(this);
  }

  async read(window: Window, bands: readonly number[]): Promise<BandWindow> {
    const { colours, bandCount, shown, width } = this;
    const found = bands.map(() => new (colours.constructor as Uint8ArrayConstructor)(window.width * window.height));
    for (let y = 0, to = 0; y < window.height; y++) {
      let from = ((window.y + y) * width + window.x) * bandCount;
      for (let x = 0; x < window.width; x++, to++, from += bandCount) {
        for (let index = 0; index < bands.length; index++) found[index]![to] = colours[from + bands[index]!]!;
      }
    }
    return { bands: found, shown: shown && cropped(shown, width, window) };
  }

  async close(): Promise<void> {}
}

/** Parts the first so many bands from the alpha, which is the last channel. */
export async function parted<Values extends Uint8Array | Uint16Array>(
  values: Values,
  channels: number,
  bands: number,
): Promise<{ colours: Values; shown: Uint8Array | undefined }> {
  const count = values.length / channels;
  const colours = new (values.constructor as new (length: number) => Values)(count * bands);
  const shown = new Uint8Array(count);
  let hides = false;
  await inSlices(count, (start, end) => {
    for (let pixel = start; pixel < end; pixel++) {
      const from = pixel * channels;
      for (let band = 0; band < bands; band++) colours[pixel * bands + band] = values[from + band]!;
      shown[pixel] = values[from + channels - 1] === 0 ? 0 : 1;
      if (shown[pixel] === 0) hides = true;
    }
  });
  return { colours, shown: hides ? shown : undefined };
}

interface Opened {
  readonly picture: Sharp;
  readonly metadata: Metadata;
  /** Size with the EXIF orientation applied. */
  readonly size: ImageSize;
}

/** Opens a picture, of which nothing but the header is read. Throws as {@link Picture.decode}. */
async function openPicture(file: FileReference, kind: Kind): Promise<Opened> {
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

/** Reads the header of a picture: of a plain file no more than that is read. */
export async function headerOf(file: FileReference, kind: Kind): Promise<{ metadata: Metadata; size: ImageSize }> {
  const source = isPlainFile(file) ? file.path : await contentOf(file, kind);
  const metadata = await metadataOf(sharp(source, { limitInputPixels: false }), file, kind);
  return { metadata, size: sizeOf(metadata, file, kind) };
}

export function isPlainFile(file: FileReference): boolean {
  return file.bytes === undefined && file.read === undefined;
}

/** Reads the whole encoded picture, wherever it lies. */
export async function contentOf(file: FileReference, kind: Kind): Promise<Uint8Array> {
  const read = file.read?.bind(file) ?? (() => readFile(file.path));
  const bytes =
    file.bytes ??
    (await read().catch((error: unknown) => {
      throw unreadable(error, file, kind);
    }));
  if (bytes.length > 0) return bytes;
  throw new SamError('SAM_BAD_DATA', `${kind} ${file.path} is an empty file`, { fix: FIX_FILE });
}

async function metadataOf(picture: Sharp, file: FileReference, kind: Kind): Promise<Metadata> {
  try {
    return await picture.metadata();
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('Input file is missing')) throw missing(file, kind);
    const other = unreadKind(file.path);
    if (other !== undefined) {
      throw new SamError('SAM_BAD_DATA', `${kind} ${file.path} is of the kind ${other}, which is not read`, {
        fix: FIX_FORMAT,
      });
    }
    throw broken(error, file, kind, ', or not a JPEG, PNG, WebP, GIF or TIFF image');
  }
}

function isTurned({ orientation = 1 }: Metadata): boolean {
  return orientation > 1;
}

function sizeOf(metadata: Metadata, file: FileReference, kind: Kind): ImageSize {
  if (!FORMATS.includes(metadata.format)) {
    throw new SamError('SAM_BAD_DATA', `${kind} ${file.path} is of the format ${metadata.format}`, {
      fix: FIX_FORMAT,
    });
  }
  if (metadata.format !== 'tiff' && (metadata.pages ?? 1) > 1) {
    throw new SamError('SAM_BAD_DATA', `${kind} ${file.path} is an animation of ${metadata.pages} pictures`, {
      fix: 'save the one that is meant as PNG',
    });
  }
  const { width, height } = metadata.autoOrient;
  requireReadableSize({ width, height }, file, kind);
  const turnsUnseen = isTurned(metadata) && width === metadata.width && height === metadata.height;
  return { width, height, ...(turnsUnseen && { turnsUnseen }) };
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

async function pixelsOf(
  picture: Sharp,
  depth: 'uchar' | 'ushort',
  file: FileReference,
  kind: Kind,
): Promise<{ data: Buffer; info: OutputInfo }> {
  try {
    return await picture.raw({ depth }).toBuffer({ resolveWithObject: true });
  } catch (error) {
    throw broken(error, file, kind);
  }
}

/** Makes the error of a file that can't be read, by what went wrong. */
export function unreadable(error: unknown, file: FileReference, kind: Kind): SamError {
  if (error instanceof SamError) return error;
  if (systemCode(error) === 'ENOENT') return missing(file, kind);
  const words = error instanceof Error ? error.message : String(error);
  const detail = systemCode(error) === 'EISDIR' ? 'it is a folder' : words;
  return new SamError('SAM_IO', `${kind} ${file.path} cannot be read: ${detail}`, { cause: error });
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
