/** How well rough masks meet the labels. */
import { decodeMask } from '../../data/decode.js';
import type { Sample } from '../../data/sample.js';
import type { ResolvedPromptOptions } from '../../models/prompt-options.js';
import { RoughMasks } from '../../prompts/rough/rough-masks.js';
import { toRoughMaskSettings } from '../../prompts/rough/settings.js';
import { confusion, scores } from '../../scoring/metrics.js';
import { mean } from '../../scoring/statistics.js';

/** Measures the mean IoU of the rough masks as `train` and `predict` will make them. */
export async function meanRoughIou(
  prompts: ResolvedPromptOptions,
  samples: readonly Sample[],
  signal?: AbortSignal,
): Promise<number> {
  const { maskSize, imageSize: side } = prompts;
  const masks = new RoughMasks(toRoughMaskSettings(prompts)!, { maskSize, imageSize: side });
  try {
    const ious: number[] = [];
    for (const sample of samples) {
      const { mask } = await masks.make(sample, signal);
      const { values, labelled } = await decodeMask(sample, mask);
      ious.push(scores(await confusion(mask.values, values, labelled)).iou);
    }
    return mean(ious);
  } finally {
    await masks.dispose();
  }
}
