/**
 * Rough masks of rasters, window by window, for rasters that are predicted in tiles. The threshold of `otsu` is found once, in a
 * sample of the whole raster, so that all its tiles have the same. Pieces are told from specks within a window and some pixels
 * around it.
 */
import { namesOf, requireBands } from '../data/bands.js';
import { openBandSource, openPixels } from '../data/decode.js';
import type { RoughPixels } from '../prompts/rough/compute.js';
import { otsuThreshold } from '../prompts/rough/otsu.js';
import { bandNumbers, type RoughMaskSettings } from '../prompts/rough/settings.js';
import { normalisedDifference } from '../prompts/rough/spectral.js';
import { RoughThread } from '../prompts/rough/thread.js';
import { type BandSource, readValues } from '../raster/band-source.js';
import { sampleWindows } from '../raster/stretch.js';
import { cropped, type Window } from '../raster/windows.js';
import type { MaskWindows } from './mask-windows.js';
import type { RasterJob } from './predict-raster.js';

/**
 * Width of the margin around a window that is looked at too, pixels: a piece that reaches into it is not cut to a speck at its
 * edge.
 */
const MARGIN = 64;

interface PixelWindows {
  read(window: Window): Promise<RoughPixels>;
  close(): Promise<void>;
}

/**
 * Opens the rough mask of a raster, of any kind but masks of a folder.
 *
 * @throws SamError `SAM_BAD_DATA`, `SAM_BAD_OPTION`: a band that the raster does not have.
 */
export async function openRoughWindows(job: RasterJob, settings: RoughMaskSettings): Promise<MaskWindows> {
  const pixels = await openWindows(job, settings);
  const thread = new RoughThread();
  return {
    async read(window) {
      const around = withMargin(window, job);
      const source = await pixels.read(around);
      const { width, height } = around;
      const within = { ...window, x: window.x - around.x, y: window.y - around.y };
      const request = { source, width, height, cleaning: settings.cleaning, distances: false };
      const { values } = await thread.make(request);
      return { values: cropped(values, around.width, within), width: window.width, height: window.height };
    },
    async close() {
      await Promise.all([pixels.close(), thread.dispose()]);
    },
  };
}

async function openWindows(job: RasterJob, { method }: RoughMaskSettings): Promise<PixelWindows> {
  if (method.kind === 'file') throw new Error('masks of a folder are read where they lie');
  if (method.kind === 'hsv') {
    const rgb = await openPixels(job.sample, job.stretch);
    return {
      async read(window) {
        const { pixels, valid } = await rgb.read(window);
        return { kind: 'hsv', pixels, valid, bands: method.bands };
      },
      close: () => rgb.close(),
    };
  }
  const raster = await openBandSource(job.sample.image, 'image', 'bands');
  try {
    const numbers = bandNumbers(method, namesOf(raster), raster.path);
    requireBands(job.sample.image, numbers, raster.bandCount);
    const bands = numbers.map((number) => number - 1);
    const read = async (window: Window) => indexPixels(raster, window, bands);
    const threshold = method.threshold === 'otsu' ? await sampledOtsu(raster, read) : method.threshold;
    return {
      read: async (window) => ({ kind: 'index', name: method.kind, ...(await read(window)), threshold }),
      close: () => raster.close(),
    };
  } catch (error) {
    await raster.close();
    throw error;
  }
}

async function indexPixels(raster: BandSource, window: Window, numbers: readonly number[]) {
  const { bands, valid } = await readValues(raster, window, numbers);
  return { a: bands[0]!, b: bands[1]!, valid };
}

async function sampledOtsu(
  raster: BandSource,
  read: (window: Window) => ReturnType<typeof indexPixels>,
): Promise<number> {
  const parts: Float32Array[] = [];
  for (const window of sampleWindows(raster)) {
    const { a, b, valid } = await read(window);
    parts.push(normalisedDifference(a, b, valid));
  }
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return otsuThreshold(all);
}

function withMargin({ x, y, width, height }: Window, raster: { width: number; height: number }): Window {
  const [left, top] = [Math.max(0, x - MARGIN), Math.max(0, y - MARGIN)];
  const right = Math.min(raster.width, x + width + MARGIN);
  return { x: left, y: top, width: right - left, height: Math.min(raster.height, y + height + MARGIN) - top };
}
