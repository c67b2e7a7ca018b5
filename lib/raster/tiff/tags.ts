/** Tags of a TIFF's page that say how its pixels lie and what they mean (TIFF 6.0, and libtiff's own). */
import type { GeoTIFFImage } from 'geotiff';

/** A kind of TIFF that is not read: its message says which, as a sentence about the file that begins with 'it'. */
export class NotRead extends Error {
  constructor(
    message: string,
    /** What to do about it. */
    readonly fix = 'save it anew, for instance with gdal_translate -co COMPRESS=DEFLATE',
  ) {
    super(message);
  }
}

/** Values of Compression that are spoken of by name. */
export const COMPRESSION = {
  none: 1,
  lzw: 5,
  oldJpeg: 6,
  jpeg: 7,
  deflate: 8,
  oldDeflate: 32946,
  packBits: 32773,
  lerc: 34887,
  png: 34933,
  zstd: 50000,
  webp: 50001,
} as const;

/** Values of PhotometricInterpretation. */
export const PHOTOMETRIC = { minIsWhite: 0, minIsBlack: 1, rgb: 2, palette: 3, cmyk: 5, yCbCr: 6, cieLab: 8 } as const;

/** Values of SampleFormat. */
export const FORMAT = { unsigned: 1, signed: 2, real: 3 } as const;

/** Values of ExtraSamples that mean alpha: associated and unassociated. */
const ALPHA: readonly number[] = [1, 2];

/** A page of a TIFF: how its pixels lie, and what they mean. */
export interface Page {
  /** Size as stored, pixels. */
  readonly width: number;
  readonly height: number;
  readonly samples: number;
  /** Bits of a sample, the same for all. */
  readonly bits: number;
  /** One of {@link FORMAT}. */
  readonly format: number;
  readonly photometric: number;
  readonly extraSamples: readonly number[];
  readonly compression: number;
  readonly predictor: number;
  /** Whether the bits of each byte stand the other way round. */
  readonly bitsReversed: boolean;
  readonly littleEndian: boolean;
  /** Whether each sample has blocks of its own. */
  readonly planar: boolean;
  readonly tiled: boolean;
  /** Size of a tile or strip, pixels. */
  readonly blockWidth: number;
  readonly blockHeight: number;
  readonly offsets: ArrayLike<number | bigint>;
  readonly counts: ArrayLike<number | bigint>;
  /** Orientation, 1 to 8. */
  readonly orientation: number;
  /** GDAL's text of the value for no data. */
  readonly nodata: string | undefined;
  /** Red, then green, then blue of a palette, 16 bits each. */
  readonly colourMap: readonly number[];
  readonly subsampling: readonly number[];
  readonly jpegTables: Uint8Array | undefined;
  readonly lercParameters: readonly number[];
  /** Options of the fax codes, T4 and T6. */
  readonly faxOptions: readonly [number, number];
  /** NewSubfileType: 1 a smaller copy, 4 a mask. */
  readonly kind: number;
}

/** Reads the tags of a page. Throws where they contradict each other, or are of a kind that is not read. */
export async function readPage(image: GeoTIFFImage): Promise<Page> {
  const { fileDirectory: tags } = image;
  const list = async (name: string | number): Promise<number[]> => {
    const value: unknown = await tags.loadValue(name as 'ImageWidth');
    if (typeof value === 'number') return [value];
    return value === undefined || value === null ? [] : Array.from(value as ArrayLike<number>, Number);
  };
  const one = async (name: string, otherwise: number) => (await list(name))[0] ?? otherwise;
  const table = async (name: string) => {
    const value: unknown = await tags.loadValue(name as 'ImageWidth');
    return (typeof value === 'number' ? [value] : (value ?? [])) as ArrayLike<number | bigint>;
  };
  const tiled = image.isTiled;
  const [width, height] = [image.getWidth(), image.getHeight()];
  const samples = await one('SamplesPerPixel', 1);
  const nodata: unknown = await tags.loadValue('GDAL_NODATA');
  const jpegTables: unknown = await tags.loadValue('JPEGTables');
  const page: Page = {
    width,
    height,
    samples,
    bits: alike(await list('BitsPerSample'), 1, 'bits'),
    format: formatOf(alike(await list('SampleFormat'), FORMAT.unsigned, 'types')),
    photometric: await one('PhotometricInterpretation', PHOTOMETRIC.minIsBlack),
    extraSamples: await list('ExtraSamples'),
    compression: await one('Compression', COMPRESSION.none),
    predictor: await one('Predictor', 1),
    bitsReversed: (await one('FillOrder', 1)) === 2,
    littleEndian: image.littleEndian,
    planar: image.planarConfiguration === 2 && samples > 1,
    tiled,
    blockWidth: image.getTileWidth(),
    blockHeight: image.getTileHeight(),
    offsets: await table(tiled ? 'TileOffsets' : 'StripOffsets'),
    counts: await table(tiled ? 'TileByteCounts' : 'StripByteCounts'),
    orientation: await one('Orientation', 1),
    nodata: typeof nodata === 'string' ? nodata.replace(/\0.*$/s, '').trim() : undefined,
    colourMap: await list('ColorMap'),
    subsampling: await list('YCbCrSubSampling'),
    jpegTables: jpegTables === undefined ? undefined : Uint8Array.from(jpegTables as ArrayLike<number>),
    lercParameters: await list('LercParameters'),
    faxOptions: [(await list(292))[0] ?? 0, (await list(293))[0] ?? 0],
    kind: await one('NewSubfileType', 0),
  };
  if (width === 0 || height === 0 || page.blockWidth === 0 || page.blockHeight === 0) throw new Error('it has no size');
  if (page.offsets.length === 0) throw new Error("it doesn't say where its pixels are");
  return page;
}

function alike(values: readonly number[], otherwise: number, what: string): number {
  const [first = otherwise] = values;
  if (values.some((value) => value !== first))
    throw new NotRead(`its bands are of different ${what}: ${values.join(', ')}`);
  return first;
}

/** Takes samples of no known type for whole numbers without a sign, as libtiff does. */
function formatOf(format: number): number {
  if (format === 5 || format === 6) throw new NotRead('its samples are complex numbers');
  return format === 4 ? FORMAT.unsigned : format;
}

/** Returns the index of the sample that is alpha; undefined where there is none. */
export function alphaOf({ extraSamples, samples }: Page): number | undefined {
  const at = extraSamples.findIndex((kind) => ALPHA.includes(kind));
  return at < 0 ? undefined : samples - extraSamples.length + at;
}

/** Returns the value for no data as a sample holds it: GDAL writes it with more digits than 32-bit real numbers have. */
export function nodataOf({ nodata, format, bits }: Page): number | undefined {
  if (nodata === undefined || nodata === '') return undefined;
  const value = Number(/^[+-]?nan$/i.test(nodata) ? Number.NaN : nodata.replace(/inf$/i, 'Infinity'));
  return format === FORMAT.real && bits <= 32 ? Math.fround(value) : value;
}
