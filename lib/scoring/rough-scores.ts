/** Rough masks in an evaluation: what automatic prompts are drawn from, and how good they are by themselves. */
import type { EmptyMask } from '../core/problems.js';
import type { Mask, Sample } from '../data/sample.js';
import type { ResolvedPromptOptions } from '../models/prompt-options.js';
import { emptyRoughMask, RoughMasks } from '../prompts/rough/rough-masks.js';
import { toRoughMaskSettings } from '../prompts/rough/settings.js';
import type { Entrant } from './entrants.js';
import { Ruler } from './measure.js';
import type { ImageScores } from './results.js';

/** Name of the rough mask among the models. */
export const ROUGH_MASK = 'rough-mask';

/** The rough masks of all entrants. Entrants whose rough masks are described alike share them. */
export class RoughMaskSources {
  readonly #masks = new Map<string, RoughMasks>();

  /** Returns the rough masks of an entrant; undefined if its prompts do not come from such. */
  of({ prompts, promptSource }: Pick<Entrant, 'prompts' | 'promptSource'>): RoughMasks | undefined {
    const settings = promptSource === 'rough' ? toRoughMaskSettings(prompts) : undefined;
    if (settings === undefined) return undefined;
    const { maskSize, imageSize } = prompts;
    const key = JSON.stringify({ settings, maskSize, imageSize });
    const masks = this.#masks.get(key) ?? new RoughMasks(settings, { maskSize, imageSize });
    this.#masks.set(key, masks);
    return masks;
  }

  /** Tells why no prompt can be drawn for one of the entrants; undefined if there is one for each. */
  async problem(sample: Sample, entrants: readonly Entrant[], signal?: AbortSignal): Promise<EmptyMask | undefined> {
    for (const entrant of entrants) {
      const masks = this.of(entrant);
      const grid = await masks?.get(sample, signal);
      if (grid !== undefined && grid.emptiness !== null) return emptyRoughMask(sample, grid.emptiness, masks!.settings);
    }
    return undefined;
  }

  async dispose(): Promise<void> {
    for (const masks of this.#masks.values()) await masks.dispose();
  }
}

/** Scores the rough mask of a sample against its label. */
export async function scoreRoughMask(
  masks: RoughMasks,
  sample: Sample,
  label: Mask,
  signal: AbortSignal | undefined,
): Promise<ImageScores> {
  const { mask } = await masks.make(sample, signal);
  const measured = await new Ruler(label, masks.grid.imageSize).measure(mask.values);
  const of = { model: ROUGH_MASK, image: sample.name, promptSource: 'rough', promptKind: null } as const;
  return { ...of, ...measured, predictedIou: null };
}

/** Returns the settings whose rough mask is scored: those of the first entrant that has one. */
export function roughPrompts(entrants: readonly Entrant[]): ResolvedPromptOptions | undefined {
  return entrants.find(({ promptSource }) => promptSource === 'rough')?.prompts;
}
