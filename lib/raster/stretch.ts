/**
 * How 16 bits and real numbers become the 8 bits that SAM wants: for each band its 2nd percentile becomes 0, its 98th 255, and
 * what lies between is linear. 8-bit bands are taken as they are. Percentiles are those of the whole raster, so every tile
 * of it is stretched alike, in training as in prediction.
 */
import { setImmediate } from 'node:timers/promises';
import type { TypedArray } from 'geotiff';
import { SamError } from '../core/errors.js';
import { isValid, type Raster } from './raster.js';
import type { Window } from './windows.js';

/** Changes when the same raster would become other bytes: the embedding cache goes by it. */
export const STRETCH_VERSION = 'percentiles-2-98-1';

const PERCENTILES = { low: 2, high: 98 } as const;
/** Most values looked at in a band. A raster with more pixels is sampled: evenly spaced windows. */
const MOST_VALUES = 2 ** 20;
/** Windows across and down, and their side: 16 x 16 of 64 x 64 pixels are {@link MOST_VALUES}. */
const GRID = 16;
const SIDE = 64;
/** Side of the windows of a search through the whole raster. */
const BLOCK = 1024;

/** Values of one band that become 0 and 255; null: taken as they are. */
export type BandStretch = { readonly low: number; readonly high: number } | null;

/** @throws {SamError} `SAM_BAD_DATA`: one of the bands holds no data at all. */
export async function findStretch(raster: Raster, bands: readonly number[]): Promise<BandStretch[]> {
  const wanted = [...new Set(bands)];
  const found = new Map<number, BandStretch>();
  const values = await validValues(raster, wanted);
  for (const [index, band] of wanted.entries()) {
    if (values[index]!.length === 0) throw noData(raster, band);
    found.set(band, raster.isByte(band) ? null : percentilesOf(values[index]!));
    await setImmediate(); // sorting a million values is a tenth of a second
  }
  return bands.map((band) => found.get(band)!);
}

/** `round(255 (value - low) / (high - low))`, within 0 to 255; what holds no data is 0. */
export function toByte(value: number, { low, high }: { low: number; high: number }): number {
  if (!(value > low)) return 0;
  if (value >= high) return value === Number.POSITIVE_INFINITY ? 0 : 255;
  return Math.round((255 * (value - low)) / (high - low));
}

/** Percentiles between two values are interpolated, as NumPy does by default. Sorts `values`. */
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

/** For each band the values that the percentiles are of. */
async function validValues(raster: Raster, bands: readonly number[]): Promise<Float64Array[]> {
  const sampled = await collect(raster, bands, samplePieces(raster), 1);
  if (sampled.every((values) => values.length > 0)) return sampled;
  // Data only between the windows: all of it is gone through.
  const step = Math.max(1, Math.ceil((raster.width * raster.height) / MOST_VALUES));
  return collect(raster, bands, blocks(raster), step);
}

/** What is read at once, and which of its columns count: start and length of each stretch of them. */
interface Piece {
  readonly window: Window;
  readonly columns: readonly (readonly [start: number, length: number])[];
}

/** @param step Takes every so many-th valid pixel of a piece. */
async function collect(
  raster: Raster,
  bands: readonly number[],
  pieces: Iterable<Piece>,
  step: number,
): Promise<Float64Array[]> {
  const kept = bands.map(() => new Float64Array(MOST_VALUES));
  const counts = bands.map(() => 0);
  for (const piece of pieces) {
    const samples = await raster.read(piece.window, bands);
    samples.forEach((band, index) => {
      counts[index] = keep(band, piece, { nodata: raster.nodata, step }, kept[index]!, counts[index]!);
    });
  }
  return kept.map((values, index) => values.subarray(0, counts[index]));
}

/** Appends to `into`, which holds `count` values, and returns how many it holds then. */
function keep(
  band: TypedArray,
  { window, columns }: Piece,
  { nodata, step }: { nodata: number | undefined; step: number },
  into: Float64Array,
  count: number,
): number {
  let [to, seen] = [count, 0];
  for (let y = 0; y < window.height; y++) {
    for (const [start, length] of columns) {
      const from = y * window.width + start;
      for (let at = from; at < from + length && to < into.length; at++) {
        const value = band[at]!;
        if (isValid(value, nodata) && seen++ % step === 0) into[to++] = value;
      }
    }
  }
  return to;
}

/** Windows that stand for the whole raster: about a million pixels, evenly spaced. */
export function* sampleWindows(raster: Raster): Iterable<Window> {
  for (const { window, columns } of samplePieces(raster)) {
    for (const [start, length] of columns) yield { ...window, x: window.x + start, width: length };
  }
}

/**
 * All of a raster of up to a million pixels, else windows in the middle of the cells of a grid. Of a striped raster the windows
 * of one row are read together: a strip can only be read whole.
 */
function* samplePieces({ width, height, isTiled }: Raster): Iterable<Piece> {
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

/** Start and length of the windows along one side. */
function middles(length: number): (readonly [number, number])[] {
  const cells = Math.min(GRID, length);
  const size = Math.min(SIDE, Math.floor(length / cells));
  return Array.from({ length: cells }, (_, cell) => [Math.floor(((cell + 0.5) * length) / cells - size / 2), size]);
}

function* blocks({ width, height }: Raster): Iterable<Piece> {
  for (let y = 0; y < height; y += BLOCK) {
    for (let x = 0; x < width; x += BLOCK) {
      const wide = Math.min(BLOCK, width - x);
      yield { window: { x, y, width: wide, height: Math.min(BLOCK, height - y) }, columns: [[0, wide]] };
    }
  }
}

function noData(raster: Raster, band: number): SamError {
  const what = raster.nodata === undefined ? 'not a number' : `its nodata value ${raster.nodata}`;
  return new SamError(
    'SAM_BAD_DATA',
    `image ${raster.path} holds no data: every pixel of band ${band + 1} is ${what}`,
    {
      fix: 'take another band with --bands, or go on without it with --skip-bad',
    },
  );
}
