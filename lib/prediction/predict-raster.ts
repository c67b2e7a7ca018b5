/**
 * Prediction of masks for rasters of any size: tile by tile through the model, blended, and written as they come, so that memory
 * depends on the raster's width and not on its area.
 */

import { SamError } from '../core/errors.js';
import { makeFileWhole } from '../core/files.js';
import { MOST_PIXELS, openPixels } from '../data/decode.js';
import type { Sample } from '../data/sample.js';
import { MODEL_SIDE } from '../frame.js';
import { type ResolvedPromptOptions, toPromptSettings } from '../models/prompt-options.js';
import { type Prompt, shapesOf } from '../prompts/prompt.js';
import type { BandStretch } from '../raster/band-source.js';
import { Blender } from '../raster/blend.js';
import type { Georeference } from '../raster/georeference.js';
import { GeoTiffWriter } from '../raster/geotiff-writer.js';
import type { RgbPicture, RgbSource } from '../raster/pixels.js';
import { toProbabilities } from '../raster/probabilities.js';
import { isTiff, Raster } from '../raster/raster.js';
import { ownPart, planTiles, type Tile, type TilePlan, tilesOfRow } from '../raster/tiles.js';
import type { TileCoverage } from './coverage.js';
import type { ImageEmbedding } from './image-embedding.js';
import type { Prediction } from './prediction.js';
import type { SamModel } from './sam-model.js';
import type { PromptForTile } from './tile-prompts.js';

/** Side of a tile, pixels: as many as the encoder sees of a picture at most. */
const TILE_SIDE = MODEL_SIDE;
/** Long side, in pixels, above which a TIFF is predicted in tiles even without a georeference. */
const WHOLE_SIDE = 2048;

/** Raster to predict in tiles: found to be readable, and closed again. */
export interface RasterJob {
  readonly sample: Sample;
  readonly width: number;
  readonly height: number;
  readonly plan: TilePlan;
  readonly georeference: Georeference | undefined;
  /** Stretch of each colour, found once for every opening. */
  readonly stretch: readonly BandStretch[];
  /** Whether it holds measurements, which are stretched to 8 bits. */
  readonly stretched: boolean;
  /** What of the picture gives doubt, in words. */
  readonly doubt: string | undefined;
}

/** Counts of tiles, by what became of them. */
export interface TileCounts {
  /** Number of tiles. */
  total: number;
  /** Tiles that the model was asked about. */
  asked: number;
  /** Tiles that are wholly object, which the model was not asked about; `outside`: those that are wholly background. */
  inside: number;
  /** Tiles that have no prompt. */
  outside: number;
}

export interface RasterPrediction {
  /** Mean of the predicted IoU of the tiles that the model was asked about; 0 without any. */
  score: number;
  tiles: TileCounts;
  /** Prompt of a raster of one tile, in its pixels, as is `prediction`; undefined for several tiles. */
  prompt: Prompt | undefined;
  prediction: Prediction | undefined;
}

/**
 * Plans the tiles of an image that is predicted in such: a TIFF with a georeference or longer than 2048 pixels; with a side given,
 * any image.
 *
 * @param side Of the tiles; 0: one tile for all.
 * @returns Undefined: the image goes through the model as one picture.
 * @throws SamError `SAM_BAD_DATA`: broken, without data, without the bands asked for.
 */
export async function planRaster(sample: Sample, side: number | undefined): Promise<RasterJob | undefined> {
  if ((side ?? 0) === 0 && !(await isLarge(sample))) return undefined;
  const pixels = await openPixels(sample);
  try {
    const { width, height, source, stretch, doubt } = pixels;
    const plan = planTiles(width, height, side === 0 ? Math.max(width, height) : (side ?? TILE_SIDE));
    requireSmallTiles(sample, plan);
    const georeference = source instanceof Raster ? source.georeference : undefined;
    return { sample, width, height, plan, georeference, stretch, stretched: source.asPhotograph === undefined, doubt };
  } finally {
    await pixels.close();
  }
}

/** Tells whether an image is predicted in tiles of itself: a TIFF on a map, or a large one. */
async function isLarge({ image }: Sample): Promise<boolean> {
  if (!(await isTiff(image.path))) return false;
  const raster = await Raster.open(image.path);
  await raster.close();
  return raster.georeference !== undefined || Math.max(raster.width, raster.height) > WHOLE_SIDE;
}

function requireSmallTiles({ image }: Sample, { columns, rows }: TilePlan): void {
  const [width, height] = [columns[0]!.size, rows[0]!.size];
  if (width * height <= MOST_PIXELS) return;
  throw new SamError('SAM_BAD_DATA', `${image.path}: a tile of ${width} x ${height} pixels is too large`, {
    fix: 'take smaller tiles, for instance `tile` 1024',
  });
}

export interface RasterContext {
  readonly model: SamModel;
  readonly prompts: ResolvedPromptOptions;
  readonly promptForTile: PromptForTile;
  /** Whether the prompt is the user's own: its points are all that there are. */
  readonly given: boolean;
  /** Finds a prompt for a tile without any: the model's own guess. */
  find(embedding: ImageEmbedding): Promise<Prompt | undefined>;
  /** Measures the mask as it comes. */
  readonly coverage: TileCoverage;
  /** Takes the rows of the mask, 0 and 255, as they come. */
  onRows?: ((rows: Uint8Array) => Promise<void>) | undefined;
  onTile?: ((done: number, total: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** Predicts the mask of a raster and writes it as a GeoTIFF with the raster's georeference, under a temporary name first. */
export async function predictRaster(job: RasterJob, out: string, context: RasterContext): Promise<RasterPrediction> {
  const pixels = await openPixels(job.sample, job.stretch);
  const { width, height } = job;
  const work = new RasterWork(job, pixels, context);
  try {
    await makeFileWhole(out, async (temporary) => {
      const writer = await GeoTiffWriter.create(temporary, { width, height, tags: job.georeference?.tags });
      try {
        for await (const rows of work.maskRows()) {
          await writer.write(rows);
          await context.coverage.rows(rows);
          await context.onRows?.(rows);
        }
        await writer.finish();
      } finally {
        await writer.close();
      }
    });
  } finally {
    await pixels.close();
  }
  return work.result();
}

/** Result of a tile: a probability for each pixel, or one for all. */
interface TileResult {
  probabilities: Float32Array | number;
  valid?: Uint8Array | undefined;
}

/** Work on one raster: goes through its tiles and counts them. */
class RasterWork {
  readonly #counts: TileCounts;
  readonly #scores: number[] = [];
  #prompt: Prompt | undefined;
  #prediction: Prediction | undefined;

  constructor(
    private readonly job: RasterJob,
    private readonly pixels: RgbSource,
    private readonly context: RasterContext,
  ) {
    const { columns, rows } = job.plan;
    this.#counts = { total: columns.length * rows.length, asked: 0, inside: 0, outside: 0 };
  }

  async *maskRows(): AsyncGenerator<Uint8Array> {
    const { plan } = this.job;
    const { signal, onTile } = this.context;
    const blender = new Blender(plan);
    for (let row = 0; row < plan.rows.length; row++) {
      for (const tile of tilesOfRow(plan, row)) {
        signal?.throwIfAborted();
        const found = await this.#tile(tile);
        if (found !== undefined) blender.add(tile, found.probabilities, found.valid);
        onTile?.(tile.index + 1, this.#counts.total);
      }
      yield blender.finishRow(row);
    }
  }

  result(): RasterPrediction {
    const scores = this.#scores;
    const score = scores.length === 0 ? 0 : scores.reduce((sum, value) => sum + value, 0) / scores.length;
    return { score, tiles: this.#counts, prompt: this.#prompt, prediction: this.#prediction };
  }

  /** Predicts a tile; undefined: nothing of the object lies in it. */
  async #tile(tile: Tile): Promise<TileResult | undefined> {
    const { coverage, promptForTile } = this.context;
    const prompt = await promptForTile(tile);
    if (prompt === 'outside') {
      const own = ownPart(this.job.plan, tile);
      coverage.valid(own, await this.pixels.readValid(own));
      return this.#outside();
    }
    const window = await this.pixels.read(tile);
    const { valid } = window;
    coverage.valid(tile, valid);
    if (valid !== undefined && !valid.includes(1)) return this.#outside();
    if (prompt === 'inside') {
      this.#counts.inside++;
      return { probabilities: 1, valid };
    }
    const probabilities = await this.#ask(window, prompt);
    return probabilities === undefined ? this.#outside() : { probabilities, valid };
  }

  #outside(): undefined {
    this.#counts.outside++;
  }

  async #ask(window: RgbPicture, asked: Prompt | 'find'): Promise<Float32Array | undefined> {
    const { model, prompts, given, find, signal } = this.context;
    const { imageSize, maskOutput, multiMask, pointSets } = prompts;
    const embedding = await model.embed(window, {
      ...(imageSize === undefined ? {} : { imageSize }),
      ...(signal === undefined ? {} : { signal }),
    });
    try {
      const prompt = asked === 'find' ? await find(embedding) : asked;
      if (prompt === undefined) return undefined;
      const padTo = given ? 0 : toPromptSettings(prompts).padTo;
      const prediction = await model.predict(embedding, {
        ...shapesOf(prompt),
        maskOutput,
        multiMask,
        pointSets,
        padTo,
      });
      this.#counts.asked++;
      this.#scores.push(prediction.score);
      return this.#probabilities(prompt, prediction, imageSize !== undefined);
    } finally {
      embedding.dispose();
    }
  }

  #probabilities(prompt: Prompt, prediction: Prediction, squashed: boolean): Float32Array {
    if (this.#counts.total > 1) return toProbabilities(prediction.lowResLogits, { ...prediction, squashed });
    // Nothing to blend: the model's own mask, to the pixel.
    this.#prompt = prompt;
    this.#prediction = prediction;
    return Float32Array.from(prediction.mask, (value) => value / 255);
  }
}
