/** Prompts for each tile of a raster. A source of prompts is one function: tile -> prompt. */

import { validationRandom } from '../core/random.js';
import { maskArea, toLowRes } from '../data/low-res.js';
import type { Mask } from '../data/sample.js';
import { type ResolvedPromptOptions, toPromptSettings } from '../models/prompt-options.js';
import { drawPrompt } from '../prompts/draw.js';
import { croppedPrompt } from '../prompts/geometry.js';
import { isEmptyPrompt, type Prompt } from '../prompts/prompt.js';
import type { Tile } from '../raster/tiles.js';
import type { Window } from '../raster/windows.js';

/**
 * Prompt in pixels of the tile. `inside`: all of the tile is the object; `outside`: none of it is; the model is not asked about either.
 * `find`: the model's own guess at what stands out, for a raster that is one tile.
 */
export type TilePrompt = Prompt | 'inside' | 'outside' | 'find';

export type PromptForTile = (tile: Tile) => Promise<TilePrompt>;

/**
 * Makes the source of prompts from the caller's, in pixels of the raster: each tile gets the points that lie in it, and its part of
 * the box.
 */
export function givenForTile(prompt: Prompt): PromptForTile {
  return async (tile) => {
    const part = croppedPrompt(prompt, tile);
    // Points outside the object say where it is not: without any other prompt the tile is background.
    return part.box === null && !part.labels.includes(1) ? 'outside' : part;
  };
}

/**
 * Makes the source of prompts drawn from a rough mask of the raster, as from the labels in training.
 *
 * @param read reads the mask within a tile.
 * @param name name of the sample; with the seed and the tile it decides what is drawn.
 */
export function roughForTile(
  read: (window: Window) => Promise<Mask>,
  name: string,
  prompts: ResolvedPromptOptions,
): PromptForTile {
  const settings = toPromptSettings(prompts);
  return async (tile) => {
    const mask = await read(tile);
    if (mask.values.every((value) => value !== 0)) return 'inside';
    const rough = toLowRes(mask, prompts.maskSize, prompts.imageSize);
    if (maskArea(rough) === 0) return 'outside';
    // The first tile draws what the whole picture would, so that a raster of one tile gets the prompt of `evaluate`.
    const stream = tile.index === 0 ? name : `${name}#${tile.index}`;
    const prompt = drawPrompt(rough, settings, validationRandom(prompts.seed, stream));
    return isEmptyPrompt(prompt) ? 'outside' : prompt;
  };
}
