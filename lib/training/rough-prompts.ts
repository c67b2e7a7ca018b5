/** Training on the prompts that inference will see: drawn from rough masks, always (`rough`) or half of the time (`mixed`). */

import type { EmptyMask } from '../core/problems.js';
import { type Epoch, type Random, randomFor } from '../core/random.js';
import type { Sample } from '../data/sample.js';
import type { ResolvedTrainOptions } from '../options.js';
import type { Prompt, PromptSettings } from '../prompts/prompt.js';
import { drawRoughPrompt, emptyRoughMask, RoughMasks } from '../prompts/rough/rough-masks.js';
import { promptOrigin, toRoughMaskSettings } from '../prompts/rough/settings.js';

/** Number of the random stream that chooses between label and rough mask; the prompt's own is 0. */
const SOURCE_STREAM = 1;

export class RoughPrompts {
  /** Images whose rough mask was found empty, by name. */
  readonly empty = new Set<string>();

  private constructor(
    readonly masks: RoughMasks,
    /** Whether half of the prompts come from the label, and all those of images whose rough mask is empty. */
    readonly mixed: boolean,
  ) {}

  /**
   * Returns the rough masks that the options describe; undefined where prompts are drawn from labels only.
   *
   * @throws SamError `SAM_BAD_OPTION`: rough masks are asked for and not, or not wholly, described.
   */
  static open(options: ResolvedTrainOptions): RoughPrompts | undefined {
    const settings = toRoughMaskSettings(options);
    const origin = promptOrigin(options);
    if (settings === undefined || origin === 'ground-truth') return undefined;
    const { maskSize, imageSize } = options;
    return new RoughPrompts(new RoughMasks(settings, { maskSize, imageSize }), origin === 'mixed');
  }

  /** Tells what is wrong with the image's rough mask, if anything. With `mixed` an empty one does no harm. */
  async problem(sample: Sample, signal?: AbortSignal): Promise<EmptyMask | undefined> {
    const { emptiness } = await this.masks.get(sample, signal);
    if (emptiness === null) return undefined;
    this.empty.add(sample.name);
    return this.mixed ? undefined : emptyRoughMask(sample, emptiness, this.masks.settings);
  }

  /**
   * Draws a prompt from the rough mask; undefined where it is the label's turn. Validation takes rough masks whenever there are
   * any, since they are what inference has.
   */
  async draw(
    sample: Sample,
    settings: PromptSettings,
    { seed, epoch, random }: { seed: number; epoch: Epoch; random: Random },
  ): Promise<Prompt | undefined> {
    const chance = this.mixed && epoch !== 'validation';
    if (chance && randomFor(seed, epoch, sample.name, SOURCE_STREAM).next() < 0.5) return undefined;
    const grid = await this.masks.get(sample);
    if (grid.emptiness !== null) return undefined;
    return drawRoughPrompt(grid, settings, random, this.masks.settings.erosion);
  }

  dispose(): Promise<void> {
    return this.masks.dispose();
  }
}
