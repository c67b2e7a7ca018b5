/** A TIFF read by window, whatever its bands: 8, 16 and 32 bits, whole and real numbers, nodata, georeference. */
import { open as openFile, stat } from 'node:fs/promises';
import type { GeoTIFF, GeoTIFFImage, TypedArray } from 'geotiff';
import { SamError } from '../core/errors.js';
import { mendByteOrder } from './big-endian.js';
import { type Georeference, readGeoreference } from './georeference.js';
import { geotiff } from './geotiff.js';
import type { Window } from './windows.js';

/** Values of PhotometricInterpretation (TIFF 6.0) that are brought to RGB as they are read. */
const PALETTE_AND_PRINT: readonly number[] = [0, 3, 5, 6, 8];
const RGB = 2;
/** Values of ExtraSamples that mean alpha: associated and unassociated. */
const ALPHA: readonly number[] = [1, 2];
/** SampleFormat of whole numbers without a sign. */
const UNSIGNED = 1;
/** SampleFormat of real numbers. */
const REAL = 3;

/** Pixels read at a time where a raster is read whole. */
const SLICE = 2 ** 20;

/** Some bands of a window as numbers of one type, and which of them count. */
export interface BandValues {
  /** Values of each band, width*height. */
  readonly bands: Float32Array[];
  /** width*height values, 0 where one of the bands has no data (nodata, NaN, infinity) or the pixel is wholly transparent. */
  readonly valid: Uint8Array;
}

/** Tells whether a file, or its content, begins like a TIFF or a BigTIFF. False for a file that cannot be read. */
export async function isTiff(source: string | Uint8Array): Promise<boolean> {
  const [a, b, c, d] = typeof source === 'string' ? await firstBytes(source) : source;
  if (a === 0x49 && b === 0x49) return (c === 42 || c === 43) && d === 0;
  return a === 0x4d && b === 0x4d && c === 0 && (d === 42 || d === 43);
}

async function firstBytes(path: string): Promise<Uint8Array> {
  try {
    const file = await openFile(path);
    try {
      const { buffer, bytesRead } = await file.read(new Uint8Array(4), 0, 4, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    return new Uint8Array(0);
  }
}

/** An open TIFF, read window by window. */
export class Raster {
  readonly width: number;
  readonly height: number;
  /** Value that the file says means no data; NaN and infinity mean it in any case. */
  readonly nodata: number | undefined;
  /** Number of bands that can be chosen; 3 for palettes, YCbCr and CMYK, which are read as RGB. */
  readonly bandCount: number;
  readonly #tiff: GeoTIFF;
  readonly #image: GeoTIFFImage;

  private constructor(
    /** File, for errors. */
    readonly path: string,
    tiff: GeoTIFF,
    image: GeoTIFFImage,
    /** GDAL's descriptions of the bands, '' where there is none. */
    readonly bandNames: readonly string[],
    /** Where the raster lies; undefined where the file does not say. */
    readonly georeference: Georeference | undefined,
    /** Whether the first row is the top one and the first column the left one. */
    readonly isUpright: boolean,
  ) {
    this.#tiff = tiff;
    this.#image = image;
    this.width = image.getWidth();
    this.height = image.getHeight();
    this.nodata = nodataOf(image);
    this.bandCount = this.readAsRgb ? 3 : image.getSamplesPerPixel();
  }

  /**
   * Opens a TIFF and reads its header.
   *
   * @param path the file; where `bytes` are given, the name for errors only.
   * @param bytes the file's content.
   * @throws SamError `SAM_BAD_DATA`: it is broken, or shorter than its own directory says.
   */
  static async open(path: string, bytes?: Uint8Array): Promise<Raster> {
    const { fromFile, fromArrayBuffer } = geotiff();
    let tiff: GeoTIFF | undefined;
    try {
      tiff = await (bytes === undefined ? fromFile(path) : fromArrayBuffer(arrayBufferOf(bytes)));
      const image = await tiff.getImage();
      await mendByteOrder(image);
      // One strip is all of it: decoded anew for each window it would take as many times as long.
      if (!image.isTiled && image.getTileHeight() >= image.getHeight()) image.tiles = [];
      await requireWhole(image, bytes?.length ?? (await stat(path)).size);
      const [names, georeference] = [await bandNamesOf(image), await readGeoreference(image)];
      return new Raster(path, tiff, image, names, georeference, await isUpright(image));
    } catch (error) {
      await tiff?.close();
      throw broken(path, error);
    }
  }

  /** Tells whether a band has 8 bits without a sign: such bands are taken as they are. */
  isByte(band: number): boolean {
    return (
      this.readAsRgb || (this.#image.getBitsPerSample(band) <= 8 && this.#image.getSampleFormat(band) === UNSIGNED)
    );
  }

  /** Tells whether a band holds real numbers, among which NaN and infinity mean no data. */
  isReal(band: number): boolean {
    return !this.readAsRgb && this.#image.getSampleFormat(band) === REAL;
  }

  /** Whether pixels are stored in tiles; else they are in strips, each of which has to be read whole. */
  get isTiled(): boolean {
    return this.#image.isTiled;
  }

  /** Whether pixels are brought to RGB as they are read: palettes, YCbCr, CMYK, CIELab and inverted greys. */
  get readAsRgb(): boolean {
    return PALETTE_AND_PRINT.includes(this.#photometric);
  }

  /**
   * Whether the raster holds measurements rather than a picture: more bands than colours and alpha, real or signed numbers, or, where
   * it has a place on earth, 16 bits or a value for no data.
   */
  get isMeasured(): boolean {
    const image = this.#image;
    const bands = image.getSamplesPerPixel();
    if (this.readAsRgb) return false;
    if (image.getSampleFormat(0) !== UNSIGNED || image.getBitsPerSample(0) > 16) return true;
    const lies = this.georeference !== undefined;
    if (lies && (image.getBitsPerSample(0) > 8 || this.nodata !== undefined)) return true;
    const isRgba = bands === 4 && this.#photometric === RGB && ALPHA.includes(this.#extraSamples[0] ?? -1);
    return bands > 3 && !isRgba;
  }

  get #photometric(): number {
    return Number(this.#image.fileDirectory.getValue('PhotometricInterpretation') ?? 1);
  }

  get #extraSamples(): ArrayLike<number> {
    return (this.#image.fileDirectory.getValue('ExtraSamples') as ArrayLike<number> | undefined) ?? [];
  }

  /** Index of the alpha band: the last one, where the file calls it alpha and it has no other name. */
  get #alpha(): number | undefined {
    const last = this.bandCount - 1;
    const kind = this.#extraSamples[this.#extraSamples.length - 1] ?? -1;
    const name = this.bandNames[last]!.toLowerCase();
    return !this.readAsRgb && ALPHA.includes(kind) && (name === '' || name === 'alpha') ? last : undefined;
  }

  /** Cuts the whole into windows, from top to bottom: about a million pixels each, and no strip or tile in two of them. */
  *slices(): Iterable<Window> {
    const { width, height } = this;
    const block = this.#image.getTileHeight();
    const rows = Math.max(1, Math.floor(SLICE / width / block)) * block;
    for (let y = 0; y < height; y += rows) yield { x: 0, y, width, height: Math.min(rows, height - y) };
  }

  /**
   * Reads a window of some bands.
   *
   * @param bands indices of the bands, from 0.
   * @returns the samples, an array for each band, row by row.
   * @throws SamError `SAM_BAD_DATA`: the file is broken, or compressed in a way that is not read.
   */
  async read({ x, y, width, height }: Window, bands: readonly number[]): Promise<TypedArray[]> {
    const window = [x, y, x + width, y + height];
    try {
      if (!this.readAsRgb)
        return [...(await this.#image.readRasters({ window, samples: [...bands], interleave: false }))];
      const rgb = await this.#image.readRGB({ window, interleave: false });
      return bands.map((band) => rgb[band]!);
    } catch (error) {
      throw broken(this.path, error);
    }
  }

  /** Reads a window of some bands as {@link read} does, but in numbers of one type, and says which of them count. */
  async readValues(window: Window, bands: readonly number[]): Promise<BandValues> {
    const alpha = this.#alpha;
    const hidden = alpha === undefined || bands.includes(alpha) ? undefined : alpha;
    const samples = await this.read(window, hidden === undefined ? bands : [...bands, hidden]);
    const valid = new Uint8Array(window.width * window.height).fill(1);
    samples.forEach((values, index) => {
      const missing = index < bands.length ? this.nodata : 0;
      for (let at = 0; at < valid.length; at++) if (!isValid(values[at]!, missing)) valid[at] = 0;
    });
    return { bands: bands.map((_, index) => Float32Array.from(samples[index]!)), valid };
  }

  async close(): Promise<void> {
    await this.#tiff.close();
  }
}

/** Tells whether a sample is a measurement: a finite number, and not the raster's value for no data. */
export function isValid(value: number, nodata: number | undefined): boolean {
  return Number.isFinite(value) && value !== nodata;
}

/** Reads the value for no data. GDAL writes it as text, with more digits than 32-bit real numbers have. */
function nodataOf(image: GeoTIFFImage): number | undefined {
  const nodata = image.getGDALNoData();
  if (nodata === null) return undefined;
  return image.getSampleFormat(0) === REAL && image.getBitsPerSample(0) === 32 ? Math.fround(nodata) : nodata;
}

function arrayBufferOf(bytes: Uint8Array): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = bytes;
  const whole = byteOffset === 0 && byteLength === buffer.byteLength && buffer instanceof ArrayBuffer;
  return whole ? buffer : new Uint8Array(bytes).buffer;
}

/** Refuses a file that ends before its last pixels, which geotiff would read as zeros. */
async function requireWhole(image: GeoTIFFImage, size: number): Promise<void> {
  const [offsets, counts] = image.isTiled
    ? (['TileOffsets', 'TileByteCounts'] as const)
    : (['StripOffsets', 'StripByteCounts'] as const);
  const starts = (await image.fileDirectory.loadValue(offsets)) as ArrayLike<number | bigint> | undefined;
  const lengths = (await image.fileDirectory.loadValue(counts)) as ArrayLike<number | bigint> | undefined;
  if (starts === undefined || lengths === undefined) throw new Error('it says not where its pixels are');
  for (let index = 0; index < starts.length; index++) {
    if (Number(starts[index]) + Number(lengths[index]) > size) throw new Error('it ends before its last pixels');
  }
}

async function isUpright({ fileDirectory }: GeoTIFFImage): Promise<boolean> {
  return !fileDirectory.hasTag('Orientation') || (await fileDirectory.loadValue('Orientation')) === 1;
}

async function bandNamesOf(image: GeoTIFFImage): Promise<string[]> {
  const names: string[] = [];
  for (let band = 0; band < image.getSamplesPerPixel(); band++) {
    const metadata = await image.getGDALMetadata(band);
    names.push(typeof metadata?.DESCRIPTION === 'string' ? metadata.DESCRIPTION : '');
  }
  return names;
}

function broken(path: string, error: unknown): SamError {
  if (error instanceof SamError) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new SamError('SAM_BAD_DATA', `image ${path} is truncated or broken, or a TIFF of a kind that is not read`, {
    fix: 'replace the file, or save it anew (gdal_translate -co COMPRESS=DEFLATE), or go on without it with `skipBad`',
    detail,
    cause: error,
  });
}
