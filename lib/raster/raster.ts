/**
 * A TIFF, read by window, upright: whatever its bands, types, codes and colours, from its own tags. Every TIFF of a picture or a label
 * is read here and nowhere else, whole or in tiles. What is read, and how: docs/data.md, "TIFF".
 */
import { stat } from 'node:fs/promises';
import type { GeoTIFF, GeoTIFFImage } from 'geotiff';
import { SamError } from '../core/errors.js';
import { beginningOf } from '../core/files.js';
import type { BandSource, BandStretch, BandWindow } from './band-source.js';
import { slicesOf } from './band-source.js';
import { type Georeference, type Orientation, readGeoreference, turned } from './georeference.js';
import { geotiff } from './geotiff.js';
import { type Fetch, PageReader } from './tiff/blocks.js';
import { unpacksToRgb } from './tiff/codecs.js';
import { type ColourSpace, colourSpace, invert, isInverted } from './tiff/colours.js';
import { storedWindow, turnOf, upright } from './tiff/orientation.js';
import { type Pages, sortPages } from './tiff/pages.js';
import type { Samples } from './tiff/samples.js';
import { alphaOf, FORMAT, NotRead, nodataOf, type Page, PHOTOMETRIC } from './tiff/tags.js';
import type { Window } from './windows.js';

/** Tells whether a file, or its content, begins like a TIFF or a BigTIFF. False for a file that cannot be read. */
export async function isTiff(source: string | Uint8Array): Promise<boolean> {
  const beginning = typeof source === 'string' ? await beginningOf(source, 4).catch(() => []) : source;
  const [a, b, c, d] = beginning;
  if (a === 0x49 && b === 0x49) return (c === 42 || c === 43) && d === 0;
  return a === 0x4d && b === 0x4d && c === 0 && (d === 42 || d === 43);
}

/** An open TIFF, read window by window. */
export class Raster implements BandSource {
  /** Size of the upright picture. */
  readonly width: number;
  readonly height: number;
  readonly nodata: number | undefined;
  readonly bandCount: number;
  readonly isTiled: boolean;
  readonly #page: Page;
  /** How samples become colours; undefined where they are taken as they are. */
  readonly #space: ColourSpace | undefined;
  readonly #readers: readonly PageReader[];
  readonly #mask: PageReader | undefined;
  readonly #alpha: number | undefined;
  /** Value for no data as samples are stored. */
  readonly #stored: number | undefined;

  private constructor(
    private readonly called: string,
    readonly path: string,
    private readonly tiff: GeoTIFF,
    { colours, mask }: Pages,
    fetch: Fetch,
    /** GDAL's descriptions of the bands, '' where there is none. */
    readonly bandNames: readonly string[],
    /** Where the upright raster lies; undefined where the file does not say. */
    readonly georeference: Georeference | undefined,
  ) {
    const [page] = colours;
    this.#page = page!;
    this.#readers = colours.map((one) => new PageReader(one, fetch));
    this.#mask = mask && new PageReader(mask, fetch);
    this.#space = unpacksToRgb(this.#page) ? undefined : colourSpace(this.#page);
    this.#alpha = alphaIn(this.#page, bandNames);
    const { width, height, samples, tiled } = this.#page;
    const { swaps } = this.#turn;
    [this.width, this.height] = swaps ? [height, width] : [width, height];
    this.#stored = nodataOf(this.#page);
    this.nodata = this.madeRgb ? undefined : asRead(this.#stored, this.#page);
    this.isTiled = tiled;
    this.bandCount = this.madeRgb ? 3 : colours.length === 3 ? 3 : samples;
  }

  /**
   * Opens a TIFF and reads its header.
   *
   * @param path the file; where `bytes` are given, the name for errors only.
   * @param bytes the file's content.
   * @param kind what it is to the user, for errors.
   * @throws SamError `SAM_BAD_DATA`: it is broken, shorter than its own directory says, or of a kind that is not read, which it names.
   */
  static async open(path: string, bytes?: Uint8Array, kind: 'image' | 'mask' = 'image'): Promise<Raster> {
    const { fromFile, fromArrayBuffer } = geotiff();
    let tiff: GeoTIFF | undefined;
    try {
      tiff = await (bytes === undefined ? fromFile(path) : fromArrayBuffer(arrayBufferOf(bytes)));
      const pages = await sortPages(tiff);
      const image = await tiff.getImage();
      const size = bytes?.length ?? (await stat(path)).size;
      const [page] = pages.colours;
      const georeference = await readGeoreference(image);
      const lies = georeference && turned(georeference, orientationOf(page!), page!);
      const raster = new Raster(`${kind} ${path}`, path, tiff, pages, fetchOf(image), await bandNamesOf(image), lies);
      for (const reader of raster.#readers) reader.requireWithin(size);
      raster.#mask?.requireWithin(size);
      return raster;
    } catch (error) {
      await tiff?.close();
      throw broken(`${kind} ${path}`, error);
    }
  }

  /** Whether bands are red, green and blue made of other colours: palettes, inks, CIELab, YCbCr. */
  get madeRgb(): boolean {
    return this.#space !== undefined;
  }

  /** Whether its colours are inks, which no label is made of. */
  get isInk(): boolean {
    return this.madeRgb && this.#page.photometric === PHOTOMETRIC.cmyk;
  }

  get isReal(): boolean {
    return !this.madeRgb && this.#page.format === FORMAT.real;
  }

  get mayHide(): boolean {
    return this.#alpha !== undefined || this.#mask !== undefined || (this.madeRgb && this.#stored !== undefined);
  }

  /** Whether what is not shown has no label: by a mask, or as no data among colours, but for a 0, which is the background. */
  get hidesLabels(): boolean {
    return this.#mask !== undefined || (this.madeRgb && (this.#stored ?? 0) !== 0);
  }

  /** Size of the picture as it is stored, not turned. */
  get stored(): { readonly width: number; readonly height: number } {
    return this.#page;
  }

  /** Bands that are no alpha, from 0. */
  get colourBands(): number[] {
    const bands = Array.from({ length: this.bandCount }, (_, band) => band);
    return this.madeRgb ? bands : bands.filter((band) => band !== this.#alpha);
  }

  /** Number of bands that are no alpha. */
  get colourCount(): number {
    return this.colourBands.length;
  }

  get asPhotograph(): BandStretch | undefined {
    const { bits, format } = this.#page;
    if (this.madeRgb) return null;
    if (bits > 8 || format !== FORMAT.unsigned) return undefined;
    return bits === 8 ? null : { low: 0, high: 2 ** bits - 1 };
  }

  /** Cuts the whole into windows, from top to bottom: about a million pixels each, and, unless it is turned, no strip or tile in two. */
  slices(): Iterable<Window> {
    return slicesOf(this, this.#readers[0]!.blockRows);
  }

  async read(window: Window, bands: readonly number[]): Promise<BandWindow> {
    const turn = this.#turn;
    const stored = storedWindow(window, turn, this.#page);
    try {
      const [found, shown] = await Promise.all([this.#bands(stored, bands), this.#shown(stored, bands)]);
      return {
        bands: found.map((values) => upright(values, stored, turn)),
        shown: shown && upright(shown, stored, turn),
      };
    } catch (error) {
      throw broken(this.called, error);
    }
  }

  async close(): Promise<void> {
    await this.tiff.close();
  }

  /** Orientation of the stored picture, 1 to 8. */
  get orientation(): Orientation {
    return orientationOf(this.#page);
  }

  get isTurned(): boolean {
    return this.orientation > 1;
  }

  /** Whether the picture is turned or mirrored without another size. */
  get turnsUnseen(): boolean {
    return this.isTurned && this.width === this.stored.width && this.height === this.stored.height;
  }

  get #turn() {
    return turnOf(this.orientation);
  }

  async #bands(stored: Window, bands: readonly number[]): Promise<Samples[]> {
    const page = this.#page;
    if (this.#readers.length > 1) {
      return (await Promise.all(bands.map((band) => this.#readers[band]!.read(stored, [0])))).flat();
    }
    const [reader] = this.#readers;
    if (this.#space !== undefined) {
      const rgb = this.#space.toRgb(await this.#colourSamples(stored), page);
      return bands.map((band) => rgb[band]!);
    }
    const found = await reader!.read(stored, bands);
    if (isInverted(page)) for (const [index, band] of bands.entries()) if (band === 0) invert(found[index]!, page.bits);
    return found;
  }

  /** Reads where there is a picture. Alpha that is asked for as a band is a band. */
  async #shown(stored: Window, asked: readonly number[]): Promise<Uint8Array | undefined> {
    const isAsked = !this.madeRgb && this.#alpha !== undefined && asked.includes(this.#alpha);
    const alpha = isAsked ? undefined : this.#alpha;
    const [opacity] = alpha === undefined ? [] : await this.#readers[0]!.read(stored, [alpha]);
    const [mask] = this.#mask === undefined ? [] : await this.#mask.read(stored, [0]);
    const missing = await this.#missingColours(stored);
    if (opacity === undefined && mask === undefined && missing === undefined) return undefined;
    const hides = [opacity, mask].filter((values) => values !== undefined);
    return Uint8Array.from({ length: stored.width * stored.height }, (_, at) =>
      missing?.[at] === 1 || hides.some((values) => values[at] === 0) ? 0 : 1,
    );
  }

  /** Reads the samples that colours are made of. */
  async #colourSamples(stored: Window): Promise<Samples[]> {
    return this.#readers[0]!.read(stored, [...Array(this.#space!.channels).keys()]);
  }

  /** Tells, with 1, where the samples that colours are made of mean no data; undefined where none can. */
  async #missingColours(stored: Window): Promise<Uint8Array | undefined> {
    const nodata = this.#stored;
    if (!this.madeRgb || nodata === undefined) return undefined;
    const samples = await this.#colourSamples(stored);
    return Uint8Array.from(samples[0]!, (_, at) => (samples.every((values) => values[at] === nodata) ? 1 : 0));
  }
}

/** Returns the value for no data as bands are read: greys of which 0 is white are inverted. */
function asRead(nodata: number | undefined, page: Page): number | undefined {
  return nodata !== undefined && isInverted(page) ? 2 ** page.bits - 1 - nodata : nodata;
}

function orientationOf({ orientation }: Page): Orientation {
  return orientation >= 1 && orientation <= 8 ? (orientation as Orientation) : 1;
}

/** Returns the sample that is alpha, unless the file gives that band another name. */
function alphaIn(page: Page, names: readonly string[]): number | undefined {
  const alpha = alphaOf(page);
  const name = alpha === undefined ? '' : (names[alpha] ?? '').toLowerCase();
  return name === '' || name === 'alpha' ? alpha : undefined;
}

/** Returns a reader of the file's bytes. */
function fetchOf({ source }: GeoTIFFImage): Fetch {
  return async (slices) => (await source.fetch([...slices])).map((slice) => new Uint8Array(slice));
}

function arrayBufferOf(bytes: Uint8Array): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = bytes;
  const whole = byteOffset === 0 && byteLength === buffer.byteLength && buffer instanceof ArrayBuffer;
  return whole ? buffer : new Uint8Array(bytes).buffer;
}

async function bandNamesOf(image: GeoTIFFImage): Promise<string[]> {
  const names: string[] = [];
  for (let band = 0; band < image.getSamplesPerPixel(); band++) {
    const metadata = await image.getGDALMetadata(band);
    names.push(typeof metadata?.DESCRIPTION === 'string' ? metadata.DESCRIPTION : '');
  }
  return names;
}

function broken(called: string, error: unknown): SamError {
  if (error instanceof SamError) return error;
  const detail = error instanceof Error ? error.message.replaceAll('\n', ' ') : String(error);
  if (error instanceof NotRead) {
    return new SamError('SAM_BAD_DATA', `${called} can't be read: ${detail}`, {
      fix: `${error.fix}, or go on without it with \`skipBad\``,
      cause: error,
    });
  }
  return new SamError('SAM_BAD_DATA', `${called} is truncated or broken, or a TIFF of a kind that is not read`, {
    fix: 'replace the file, or save it anew (gdal_translate -co COMPRESS=DEFLATE), or go on without it with `skipBad`',
    detail,
    cause: error,
  });
}
