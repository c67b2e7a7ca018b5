/** A TIFF read by window, whatever its bands: 8, 16 and 32 bits, whole and real numbers, nodata, georeference. */
import { open as openFile, stat } from 'node:fs/promises';
import { fromArrayBuffer, fromFile, type GeoTIFF, type GeoTIFFImage, type TypedArray } from 'geotiff';
import { SamError } from '../errors.js';
import { mendByteOrder } from './big-endian.js';
import { type Georeference, readGeoreference } from './georeference.js';

/** Pixels of the raster: x and y of the top left one, and how many. */
export interface Window {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** TIFF 6.0, PhotometricInterpretation: what is brought to RGB as it is read. */
const PALETTE_AND_PRINT: readonly number[] = [0, 3, 5, 6, 8];
const RGB = 2;
/** ExtraSamples: associated and unassociated alpha. */
const ALPHA: readonly number[] = [1, 2];
/** SampleFormat 1: whole numbers without a sign. */
const UNSIGNED = 1;
/** SampleFormat 3: real numbers. */
const REAL = 3;

/** Whether a file, or its content, begins like a TIFF or a BigTIFF. False for a file that cannot be read. */
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

export class Raster {
  readonly width: number;
  readonly height: number;
  /** What the file says that "no data" looks like; NaN and infinity mean it in any case. */
  readonly nodata: number | undefined;
  /** Bands that can be chosen; 3 for palettes, YCbCr and CMYK, which are read as RGB. */
  readonly bandCount: number;
  readonly #tiff: GeoTIFF;
  readonly #image: GeoTIFFImage;

  private constructor(
    /** What errors name. */
    readonly path: string,
    tiff: GeoTIFF,
    image: GeoTIFFImage,
    /** GDAL's descriptions of the bands, '' where there is none. */
    readonly bandNames: readonly string[],
    readonly georeference: Georeference | undefined,
  ) {
    this.#tiff = tiff;
    this.#image = image;
    this.width = image.getWidth();
    this.height = image.getHeight();
    this.nodata = nodataOf(image);
    this.bandCount = this.readAsRgb ? 3 : image.getSamplesPerPixel();
  }

  /**
   * Reads the header only.
   *
   * @param path What errors name, and the file where no `bytes` are given.
   * @throws {SamError} `SAM_BAD_DATA`: broken, or shorter than its own directory says.
   */
  static async open(path: string, bytes?: Uint8Array): Promise<Raster> {
    let tiff: GeoTIFF | undefined;
    try {
      tiff = await (bytes === undefined ? fromFile(path) : fromArrayBuffer(arrayBufferOf(bytes)));
      const image = await tiff.getImage();
      await mendByteOrder(image);
      await requireWhole(image, bytes?.length ?? (await stat(path)).size);
      return new Raster(path, tiff, image, await bandNamesOf(image), await readGeoreference(image));
    } catch (error) {
      await tiff?.close();
      throw broken(path, error);
    }
  }

  /** 8 bits without a sign: such bands are taken as they are. */
  isByte(band: number): boolean {
    return (
      this.readAsRgb || (this.#image.getBitsPerSample(band) <= 8 && this.#image.getSampleFormat(band) === UNSIGNED)
    );
  }

  /** Stored in tiles; else in strips, each of which has to be read whole. */
  get isTiled(): boolean {
    return this.#image.isTiled;
  }

  /** Palettes, YCbCr, CMYK, CIELab and inverted greys. */
  get readAsRgb(): boolean {
    return PALETTE_AND_PRINT.includes(this.#photometric);
  }

  /**
   * Measurements rather than a picture: more bands than colours and alpha are, real or signed numbers, or, where it has a place
   * on earth, 16 bits or a value for no data.
   */
  get isMeasured(): boolean {
    const image = this.#image;
    const bands = image.getSamplesPerPixel();
    if (this.readAsRgb) return false;
    if (image.getSampleFormat(0) !== UNSIGNED || image.getBitsPerSample(0) > 16) return true;
    const lies = this.georeference !== undefined;
    if (lies && (image.getBitsPerSample(0) > 8 || this.nodata !== undefined)) return true;
    const extra = image.fileDirectory.getValue('ExtraSamples') as ArrayLike<number> | undefined;
    const isRgba = bands === 4 && this.#photometric === RGB && ALPHA.includes(extra?.[0] ?? -1);
    return bands > 3 && !isRgba;
  }

  get #photometric(): number {
    return Number(this.#image.fileDirectory.getValue('PhotometricInterpretation') ?? 1);
  }

  /**
   * Samples of some bands, one array a band, row by row.
   *
   * @param bands From 0.
   * @throws {SamError} `SAM_BAD_DATA`: broken, or compressed in a way that is not read.
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

  async close(): Promise<void> {
    await this.#tiff.close();
  }
}

/** GDAL writes it as text: of 32-bit real numbers, with more digits than they have. */
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

/** A file that ends early would be read as zeros. */
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
    fix: 'Replace the file, or save it anew (gdal_translate -co COMPRESS=DEFLATE), or go on without it with --skip-bad.',
    detail,
    cause: error,
  });
}
