/** `sam-native prompts`: shows what prompts are drawn from, and tunes the thresholds of rough masks. */
import { z } from 'zod';
import { SamError } from '../core/errors.js';
import type { Counted, Hooks } from '../core/hooks.js';
import { without } from '../core/without.js';
import { type PreviewOptions, previewOptionsSchema } from '../tasks/preview/options.js';
import type { PreviewResult, PromptItem } from '../tasks/preview/preview.js';
import type { FitRoughMaskResult } from '../tasks/rough-thresholds/fit-rough-mask.js';
import { command } from './command.js';
import type { ProgressTask, Reporter } from './progress.js';

export default command({
  options: {
    tune: z
      .boolean()
      .default(false)
      .describe('find the thresholds that fit the labels of --data best, and write them as a config'),
    ...previewOptionsSchema.omit({ inputs: true }).shape,
    out: z
      .string()
      .optional()
      .describe(
        'folder for the pictures, <name>.png each (prompts if not given); with --tune the config (rough-mask.yaml)',
      ),
  },
  positionals: { input: { describe: 'images, or folders of images', type: 'string', array: true } },
  epilogue:
    'Examples:\n' +
    '  sam-native prompts photos --rough-mask hsv --hue 190-250\n' +
    '  sam-native prompts --tune --data photos --out river.yaml\n' +
    '  sam-native train --data photos --config river.yaml --prompt-source mixed\n\n' +
    'Each picture shows the mask that the prompt is drawn from (cyan), points inside (green) and outside (red) and the box\n' +
    '(yellow). Without a rough mask prompts are drawn from the labels of --data. --tune looks at the labels of one split, by default the\n' +
    'training split, and changes what the rough mask is, for the highest mean IoU.',
  async run({ given: { tune, ...given }, positionals, reporter, hooks }): Promise<PreviewResult | FitRoughMaskResult> {
    const inputs = (positionals.input ?? []) as string[];
    if (tune) return fitThresholds({ ...given, inputs }, hooks);
    const { previewPrompts } = await import('../tasks/preview/preview.js');
    return previewPrompts({ ...given, inputs }, { ...hooks, onProgress: presenter(reporter) });
  },
  summary: (result) =>
    'items' in result ? table(result.items) : `${result.config}  mean IoU ${result.meanIou.toFixed(3)}`,
});

async function fitThresholds(
  { inputs = [], data, ...given }: PreviewOptions,
  hooks: Hooks,
): Promise<FitRoughMaskResult> {
  if (data === undefined) {
    throw new SamError('SAM_BAD_OPTION', '--tune needs labelled images: --data is missing', {
      fix: 'name a data set: --data SRC',
    });
  }
  if (inputs.length > 0) {
    throw new SamError('SAM_BAD_OPTION', 'both images and --data are given', {
      fix: 'name images or folders, or a data set with --data',
    });
  }
  const { fitRoughMask } = await import('../tasks/rough-thresholds/fit-rough-mask.js');
  return fitRoughMask({ ...without(given, 'onEmpty'), data }, hooks);
}

function presenter(reporter: Reporter): (progress: Counted) => void {
  let bar: ProgressTask | undefined;
  return ({ done, total }) => {
    bar ??= reporter.task('prompts', total);
    bar.update(done, 'images');
  };
}

function table(items: readonly PromptItem[]): string {
  return items
    .map(({ overlay, maskArea, width, height, iou }) => {
      const share = `${((100 * maskArea) / (width * height)).toFixed(1)} % of the image`;
      return `${overlay}  ${share}${iou === undefined ? '' : `  IoU ${iou.toFixed(3)}`}`;
    })
    .join('\n');
}
