/** Pictures and rasters as everything above reads them: bands of numbers, window by window, upright. */
import type { Banded } from './band-choice.js';
import type { Samples } from './tiff/samples.js';
import type { Window } from './windows.js';

/** Values of one band that become 0 and 255; null for a band that is taken as it is. */
export type BandStretch = { readonly low: number; readonly high: number } | null;

/** Bands of a window. */
export interface BandWindow {
  /** width*height values of each band. */
  readonly bands: readonly Samples[];
  /** width*height values, 0 where there is no picture (alpha 0, or an internal mask); undefined: there is one everywhere. */
  readonly shown: Uint8Array | undefined;
}

/** A picture or raster, read window by window. It has to be closed. */
export interface BandSource extends Banded {
  readonly width: number;
  readonly height: number;
  /** Value that the file says means no data; NaN and infinity mean it in any case. */
  readonly nodata: number | undefined;
  /** Bands that are no alpha, from 0. */
  readonly colourBands: readonly number[];
  /** Whether pixels are stored in tiles; else they are in strips, each of which has to be read whole. */
  readonly isTiled: boolean;
  /** Whether there may be pixels without a picture: alpha, or an internal mask. */
  readonly mayHide: boolean;
  /** Whether bands hold real numbers, among which NaN and infinity mean no data. */
  readonly isReal: boolean;
  /** Whether the colours were inks (CMYK), which no label is made of. */
  readonly isInk: boolean;
  /** Whether the file's own orientation turns or mirrors what is stored. */
  readonly isTurned: boolean;
  /** How bands become 8 bits: as a photograph's, whatever they hold; undefined: measurements, stretched by what they hold. */
  readonly asPhotograph: BandStretch | undefined;
  /** Cuts the whole into windows, from top to bottom: about a million pixels each. */
  slices(): Iterable<Window>;
  /**
   * Reads a window of some bands.
   *
   * @param bands indices of the bands, from 0.
   * @throws SamError `SAM_BAD_DATA`: the file is broken.
   */
  read(window: Window, bands: readonly number[]): Promise<BandWindow>;
  close(): Promise<void>;
}

/** Some bands of a window as numbers of one type, and which of them count. */
export interface BandValues {
  /** Values of each band, width*height. */
  readonly bands: Float32Array[];
  /** width*height values, 0 where one of the bands has no data (nodata, NaN, infinity) or there is no picture. */
  readonly valid: Uint8Array;
}

/** Reads a window of some bands in numbers of one type, and says which of them count. */
export async function readValues(source: BandSource, window: Window, bands: readonly number[]): Promise<BandValues> {
  const { bands: samples, shown } = await source.read(window, bands);
  const valid = shown?.slice() ?? new Uint8Array(window.width * window.height).fill(1);
  for (const values of samples) {
    for (let at = 0; at < valid.length; at++) if (!isValid(values[at]!, source.nodata)) valid[at] = 0;
  }
  return { bands: samples.map((values) => Float32Array.from(values)), valid };
}

/** Tells whether a sample is a measurement: a finite number, and not the raster's value for no data. */
export function isValid(value: number, nodata: number | undefined): boolean {
  return Number.isFinite(value) && value !== nodata;
}

/** Tells whether some pixels may be no picture: transparent, or without data. */
export function mayLack({ nodata, isReal, mayHide }: BandSource): boolean {
  return nodata !== undefined || isReal || mayHide;
}

/** Pixels read at a time where a picture is read whole. */
const SLICE = 2 ** 20;

/** Cuts a size into windows over its whole width, of about a million pixels each and a multiple of `block` rows. */
export function* slicesOf({ width, height }: { width: number; height: number }, block = 1): Iterable<Window> {
  const rows = Math.max(1, Math.floor(SLICE / width / block)) * block;
  for (let y = 0; y < height; y += rows) yield { x: 0, y, width, height: Math.min(rows, height - y) };
}
