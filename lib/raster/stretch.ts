/**
 * How 16 bits and real numbers become the 8 bits that SAM wants: for each band its 2nd percentile becomes 0, its 98th 255, and
 * what lies between is linear. Photographs (8 bits and less) are taken as they are. Percentiles are those of the whole raster, so every tile
 * of it is stretched alike, in training as in prediction.
 */
import { setImmediate } from 'node:timers/promises';
import { SamError } from '../core/errors.js';
import { type BandSource, type BandStretch, type BandWindow, isValid } from './band-source.js';
import { type Undeclared, undeclaredNoData } from './undeclared.js';
import type { Window } from './windows.js';

/** Version of the stretch, by which the embedding cache goes: it changes when the same raster would become other bytes. */
export const STRETCH_VERSION = 'percentiles-2-98-2';

const PERCENTILES = { low: 2, high: 98 } as const;
/** Most values looked at in a band. A raster with more pixels is sampled, by evenly spaced windows. */
const MOST_VALUES = 2 ** 20;
/** Number of windows across, and down; 16 x 16 of 64 x 64 pixels are {@link MOST_VALUES}. */
const GRID = 16;
/** Side of a window, pixels. */
const SIDE = 64;
/** Side of the windows of a search through the whole raster, pixels. */
const BLOCK = 1024;

/** How bands become bytes, and what of them gives doubt. */
export interface FoundStretch {
  /** Stretch of each band that was asked for, in that order. */
  readonly stretch: readonly BandStretch[];
  /** A value that seems to mean no data though the file doesn't say so, in words. */
  readonly doubt: string | undefined;
}

/**
 * Finds how each band is stretched, by its percentiles over the whole raster. A photograph's are known without.
 *
 * @param bands indices of the bands, from 0.
 * @throws SamError `SAM_BAD_DATA`: one of the bands holds no data at all.
 */
export async function findStretch(raster: BandSource, bands: readonly number[]): Promise<FoundStretch> {
  const { asPhotograph } = raster;
  if (asPhotograph !== undefined && raster.nodata === undefined)
    return { stretch: bands.map(() => asPhotograph), doubt: undefined };
  const wanted = [...new Set(bands)];
  const found = new Map<number, BandStretch>();
  let doubt: string | undefined;
  const values = await validValues(raster, wanted);
  for (const [index, band] of wanted.entries()) {
    if (values[index]!.length === 0) throw noData(raster, band);
    found.set(band, asPhotograph === undefined ? percentilesOf(values[index]!) : asPhotograph);
    if (asPhotograph === undefined) doubt ??= doubtOf(raster, band, undeclaredNoData(values[index]!));
    await setImmediate(); // sorting a million values is a tenth of a second
  }
  return { stretch: bands.map((band) => found.get(band)!), doubt };
}

function doubtOf({ path }: BandSource, band: number, found: Undeclared | undefined): string | undefined {
  if (found === undefined) return undefined;
  const share = `${Number((100 * found.share).toPrecision(2))} %`;
  return (
    `${path}: ${share} of band ${band + 1} are ${found.value}, which looks like no data but isn't declared so and counts as picture; ` +
    `declare it (gdal_edit.py -a_nodata ${found.value})`
  );
}

/** Says that images are stretched, and how. */
export function stretchNote(stretched: number, images: number): string {
  return (
    `${stretched} of ${images} images hold measurements (more than 8 bits, or signed or real numbers): each band is stretched by ` +
    `itself, its ${PERCENTILES.low}nd percentile to 0 and its ${PERCENTILES.high}th to 255`
  );
}

/** Returns `round(255 (value - low) / (high - low))`, within 0 to 255; 0 for what holds no data. */
export function toByte(value: number, { low, high }: { low: number; high: number }): number {
  if (!(value > low)) return 0;
  if (value >= high) return value === Number.POSITIVE_INFINITY ? 0 : 255;
  return Math.round((255 * (value - low)) / (high - low));
}

/** Returns the 2nd and the 98th percentile, between two values in proportion, as NumPy does by default. Sorts `values`. */
export function percentilesOf(values: Float64Array): { low: number; high: number } {
  values.sort();
  const at = (percent: number) => {
    const place = ((values.length - 1) * percent) / 100;
    const below = Math.floor(place);
    const next = Math.min(below + 1, values.length - 1);
    return values[below]! + (values[next]! - values[below]!) * (place - below);
  };
  return { low: at(PERCENTILES.low), high: at(PERCENTILES.high) };
}

/** Reads the values of each band that its percentiles are taken from. */
async function validValues(raster: BandSource, bands: readonly number[]): Promise<Float64Array[]> {
  const sampled = await collect(raster, bands, samplePieces(raster), 1);
  if (sampled.every((values) => values.length > 0)) return sampled;
  // Data only between the windows: all of it is gone through.
  const step = Math.max(1, Math.ceil((raster.width * raster.height) / MOST_VALUES));
  return collect(raster, bands, blocks(raster), step);
}

/** A part of the raster that is read at once. */
interface Piece {
  readonly window: Window;
  /** Columns of the window that count. */
  readonly columns: readonly (readonly [start: number, length: number])[];
}

/**
 * Collects the valid values of the pieces, for each band.
 *
 * @param step takes one valid pixel of a piece in so many.
 */
async function collect(
  raster: BandSource,
  bands: readonly number[],
  pieces: Iterable<Piece>,
  step: number,
): Promise<Float64Array[]> {
  const kept = bands.map(() => new Float64Array(MOST_VALUES));
  const counts = bands.map(() => 0);
  for (const piece of pieces) {
    const found = await raster.read(piece.window, bands);
    found.bands.forEach((_, index) => {
      counts[index] = keep(found, index, {
        piece,
        nodata: raster.nodata,
        step,
        into: kept[index]!,
        count: counts[index]!,
      });
    });
  }
  return kept.map((values, index) => values.subarray(0, counts[index]));
}

/** What {@link keep} appends to, and what of a piece counts. */
interface Keeping {
  readonly piece: Piece;
  readonly nodata: number | undefined;
  readonly step: number;
  readonly into: Float64Array;
  /** Values in `into` so far. */
  readonly count: number;
}

/** Appends a piece's valid values of one band, and returns how many there are then. */
function keep({ bands, shown }: BandWindow, index: number, { piece, nodata, step, into, count }: Keeping): number {
  const band = bands[index]!;
  const { window, columns } = piece;
  let [to, seen] = [count, 0];
  for (let y = 0; y < window.height; y++) {
    for (const [start, length] of columns) {
      const from = y * window.width + start;
      for (let at = from; at < from + length && to < into.length; at++) {
        const value = band[at]!;
        if (shown?.[at] !== 0 && isValid(value, nodata) && seen++ % step === 0) into[to++] = value;
      }
    }
  }
  return to;
}

/** Cuts out windows that stand for the whole raster: about a million pixels, evenly spaced. */
export function* sampleWindows(raster: BandSource): Iterable<Window> {
  for (const { window, columns } of samplePieces(raster)) {
    for (const [start, length] of columns) yield { ...window, x: window.x + start, width: length };
  }
}

/**
 * Cuts out the whole of a raster of up to a million pixels, else windows in the middle of the cells of a grid. The windows in one row
 * of a striped raster are one piece: a strip can only be read whole.
 */
function* samplePieces({ width, height, isTiled }: BandSource): Iterable<Piece> {
  if (width * height <= MOST_VALUES) {
    yield { window: { x: 0, y: 0, width, height }, columns: [[0, width]] };
    return;
  }
  const across = middles(width);
  for (const [y, high] of middles(height)) {
    if (!isTiled) yield { window: { x: 0, y, width, height: high }, columns: across };
    else for (const [x, wide] of across) yield { window: { x, y, width: wide, height: high }, columns: [[0, wide]] };
  }
}

/** Returns start and length of the windows along one side. */
function middles(length: number): (readonly [number, number])[] {
  const cells = Math.min(GRID, length);
  const size = Math.min(SIDE, Math.floor(length / cells));
  return Array.from({ length: cells }, (_, cell) => [Math.floor(((cell + 0.5) * length) / cells - size / 2), size]);
}

function* blocks({ width, height }: BandSource): Iterable<Piece> {
  for (let y = 0; y < height; y += BLOCK) {
    for (let x = 0; x < width; x += BLOCK) {
      const wide = Math.min(BLOCK, width - x);
      yield { window: { x, y, width: wide, height: Math.min(BLOCK, height - y) }, columns: [[0, wide]] };
    }
  }
}

function noData(raster: BandSource, band: number): SamError {
  const what =
    raster.nodata !== undefined ? `its nodata value ${raster.nodata}` : raster.isReal ? 'not a number' : 'transparent';
  return new SamError(
    'SAM_BAD_DATA',
    `image ${raster.path} holds no data: every pixel of band ${band + 1} is ${what}`,
    {
      fix: 'take another band with `bands`, or go on without it with `skipBad`',
    },
  );
}
