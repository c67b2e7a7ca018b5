/** Rough masks of images, at the image's size or on the decoder's grid, made when they are asked for. */
import { Lru } from '../../core/lru.js';
import type { EmptyMask } from '../../core/problems.js';
import type { Random } from '../../core/random.js';
import { openBands } from '../../data/bands.js';
import { decodeImage, decodeMask, imageSize } from '../../data/decode.js';
import { gridFrame, type LowResMask, maskArea, sampleGrid, toLowRes } from '../../data/low-res.js';
import { MaskFolder } from '../../data/mask-folder.js';
import type { Mask, Sample } from '../../data/sample.js';
import { LOW_RES_SIDE } from '../../frame.js';
import { drawPrompt } from '../draw.js';
import type { Margin, Prompt, PromptSettings } from '../prompt.js';
import type { RoughPixels, RoughResult } from './compute.js';
import { bandNumbers, type IndexMethod, type RoughMaskSettings } from './settings.js';
import { RoughThread } from './thread.js';

/** Memory for masks that are kept on the grid. */
const MEMORY_BYTES = 128 * 2 ** 20;
/** Bytes of one pixel of the grid: the mask, and two distances where they are needed. */
const BYTES_A_PIXEL = { plain: 1, withDistances: 5 };

/** A rough mask at the image's size. */
export interface RoughMask extends RoughResult {
  /** Mask at the image's size. */
  readonly mask: Mask;
}

/** A rough mask on the decoder's grid. */
export interface RoughGrid {
  /** Mask on the grid. */
  readonly mask: LowResMask;
  /** Number of pixels of the image that are inside. */
  readonly area: number;
  /** Threshold of an index that was taken; null for other masks. */
  readonly threshold: number | null;
  /** Reason why there is no pixel to draw from; null where there is one. */
  readonly emptiness: string | null;
  /** Distances of every pixel of the grid to the edge, in pixels of the image; null where no point keeps away by them. */
  readonly distances: Omit<Margin, 'rounds'> | null;
}

/** Takes a mask that is on the grid already, as the model finds one, for a rough mask: nothing is known of it but its pixels. */
export function roughGridOf(mask: LowResMask): RoughGrid {
  return { mask, area: maskArea(mask), threshold: null, emptiness: null, distances: null };
}

/** The grid of the decoder, as {@link RoughMasks} takes it. */
export interface RoughGridOptions {
  /** Side of the decoder's grid. */
  readonly maskSize: number;
  /** Side of the square that pictures are first squashed to, where they are. */
  readonly imageSize?: number | undefined;
  /** Whether distances to the edge are wanted though the settings name no erosion. */
  readonly distances?: boolean;
}

/** Makes rough masks, in a thread of its own, and keeps those on the grid. */
export class RoughMasks {
  readonly #thread = new RoughThread();
  readonly #grids: Lru<string, RoughGrid>;
  readonly #distances: boolean;
  #files: Promise<MaskFolder> | undefined;

  constructor(
    /** Settings that the masks are made by. */
    readonly settings: RoughMaskSettings,
    /** Grid of the decoder. */
    readonly grid: RoughGridOptions,
  ) {
    this.#distances = grid.distances === true || settings.erosion !== undefined;
    const bytes = this.#distances ? BYTES_A_PIXEL.withDistances : BYTES_A_PIXEL.plain;
    this.#grids = new Lru(MEMORY_BYTES, () => bytes * grid.maskSize ** 2);
  }

  /**
   * Makes the rough mask of a sample, at the image's size.
   *
   * @throws SamError `SAM_BAD_DATA`: the image or its mask can't be used. `SAM_NOT_FOUND`: there is no such file or folder.
   * `SAM_BAD_OPTION`: nothing names a band.
   */
  async make(sample: Sample, signal?: AbortSignal): Promise<RoughMask> {
    const { source, width, height } = await this.#pixels(sample, signal);
    signal?.throwIfAborted();
    const { cleaning } = this.settings;
    const result = await this.#thread.make({ source, width, height, cleaning, distances: this.#distances });
    return { ...result, mask: { values: result.values, width, height } };
  }

  /** Returns the rough mask of a sample on the grid, and keeps it for the next time. Throws what {@link make} throws. */
  async get(sample: Sample, signal?: AbortSignal): Promise<RoughGrid> {
    const key = sample.image.path;
    const kept = this.#grids.get(key);
    if (kept !== undefined) return kept;
    const grid = this.toGrid(await this.make(sample, signal));
    this.#grids.set(key, grid);
    return grid;
  }

  /** Puts a rough mask on the grid of the decoder. */
  toGrid({ mask, area, threshold, emptiness, distances }: RoughMask): RoughGrid {
    const { maskSize, imageSize: side } = this.grid;
    const lowRes = toLowRes(mask, maskSize, side);
    const lost = area > 0 && maskArea(lowRes) === 0 ? `its ${area} pixels meet none of the decoder's grid` : null;
    const frame = gridFrame(mask, maskSize, side);
    const onGrid = (values: Uint16Array) => sampleGrid(values, frame, new Uint16Array(maskSize ** 2));
    const sampled = distances && { inside: onGrid(distances.inside), outside: onGrid(distances.outside) };
    return { mask: lowRes, area, threshold, emptiness: emptiness ?? lost, distances: sampled };
  }

  /** Ends the thread. */
  dispose(): Promise<void> {
    return this.#thread.dispose();
  }

  async #pixels(
    sample: Sample,
    signal: AbortSignal | undefined,
  ): Promise<{ source: RoughPixels; width: number; height: number }> {
    const { method } = this.settings;
    if (method.kind === 'hsv') {
      const { pixels, valid, width, height } = await decodeImage(sample);
      return { source: { kind: 'hsv', pixels, valid, bands: method.bands }, width, height };
    }
    if (method.kind === 'file') {
      this.#files ??= MaskFolder.open(method.folder, method.option);
      const path = (await this.#files).maskOf(sample.name);
      const { values, width, height } = await decodeMask({ ...sample, mask: { path } }, await imageSize(sample));
      return { source: { kind: 'mask', values }, width, height };
    }
    const { width, height, ...pair } = await readIndexBands(sample, method, signal);
    return { source: { kind: 'index', name: method.kind, ...pair, threshold: method.threshold }, width, height };
  }
}

/**
 * Reads the two bands that a spectral index is made of, and where both hold data.
 *
 * @throws SamError `SAM_BAD_DATA`: the image can't be read, or has no such band. `SAM_NOT_FOUND`: there is no image. `SAM_BAD_OPTION`:
 * nothing names a band.
 */
export async function readIndexBands({ image }: Sample, method: IndexMethod, signal?: AbortSignal) {
  const reader = await openBands(image);
  try {
    const numbers = bandNumbers(method, reader.names, image.path);
    const { bands, ...rest } = await reader.read(numbers, { signal });
    return { a: bands[0]!, b: bands[1]!, ...rest };
  } finally {
    await reader.close();
  }
}

/**
 * Draws a prompt from a rough mask, as from a label.
 *
 * @param erosion pixels of the image that points keep away from the edge by; undefined: by the mask's area.
 * @throws SamError `SAM_BAD_DATA`: the mask is empty.
 */
export function drawRoughPrompt(
  grid: RoughGrid,
  settings: PromptSettings,
  random: Random,
  erosion: number | undefined,
): Prompt {
  const margin = erosion === undefined || grid.distances === null ? undefined : { ...grid.distances, rounds: erosion };
  const prompt = drawPrompt(grid.mask, settings, random, margin);
  return settings.maskPrompt ? { ...prompt, mask: maskLogits(grid.mask) } : prompt;
}

/** Logit inside a mask prompt, and its negative outside: SAM's own masks are as sure, away from their edges. */
const LOGIT = 10;

/** Makes a mask 256*256 logits, by the nearest pixel of the grid. */
function maskLogits({ values, size }: LowResMask): Float32Array {
  const logits = new Float32Array(LOW_RES_SIDE * LOW_RES_SIDE);
  for (let index = 0; index < logits.length; index++) {
    const row = Math.floor(((Math.floor(index / LOW_RES_SIDE) + 0.5) * size) / LOW_RES_SIDE);
    const column = Math.floor((((index % LOW_RES_SIDE) + 0.5) * size) / LOW_RES_SIDE);
    logits[index] = values[row * size + column] === 0 ? -LOGIT : LOGIT;
  }
  return logits;
}

/** Tells that the rough mask of an image has no pixel, and what helps: thresholds, where it is made with such. */
export function emptyRoughMask(sample: Sample, emptiness: string, { method }: RoughMaskSettings): EmptyMask {
  const message = `${sample.image.path}: the rough mask is empty: ${emptiness}`;
  return { message, empty: true, ...(method.kind !== 'file' && { remedy: 'a rough mask: change its thresholds' }) };
}
