/** `sam-native prompts`: shows what prompts are drawn from, and tunes the thresholds of rough masks. */
import { resolve } from 'node:path';
import { z } from 'zod';
import type { MaskNeed } from '../data/sample.js';
import { dataOptions, modelOptions, promptOptions, sourceOptions } from '../options.js';
import type { PreviewResult, PromptItem } from '../tasks/preview/preview.js';
import type { TuneResult } from '../tasks/rough-thresholds/fit-rough-mask.js';
import { type CommandContext, command } from './command.js';

const { limit, skipBad, onEmpty } = dataOptions;

const options = {
  ...sourceOptions,
  data: sourceOptions.data.optional().describe('a data set instead of images, as for train'),
  split: z.string().default('train').describe('the split of --data'),
  limit,
  skipBad,
  onEmpty,
  tune: z
    .boolean()
    .default(false)
    .describe('find the thresholds that fit the labels of --data best, and write them as a config'),
  out: z
    .string()
    .optional()
    .describe(
      'folder for the pictures, <name>.png each (prompts if not given); with --tune the config (rough-mask.yaml)',
    ),
  cacheDir: modelOptions.cacheDir,
  ...promptOptions,
};

export default command({
  options,
  positionals: { input: { describe: 'images, or folders of images', type: 'string', array: true } },
  epilogue:
    'Examples:\n' +
    '  sam-native prompts photos --rough-mask hsv --hue 190-250\n' +
    '  sam-native prompts --tune --data photos --out river.yaml\n' +
    '  sam-native train --data photos --config river.yaml --prompt-source mixed\n\n' +
    'Each picture shows the mask that the prompt is drawn from (cyan), points inside (green) and outside (red) and the box\n' +
    '(yellow). Without a rough mask prompts are drawn from the labels of --data. --tune looks at the labels of one split, by default the\n' +
    'training split, and changes what the rough mask is, for the highest mean IoU.',
  run: async (context): Promise<PreviewResult | TuneResult> => (context.options.tune ? tune(context) : show(context)),
  summary: (result) =>
    'items' in result ? table(result.items) : `${result.config}  mean IoU ${result.meanIou.toFixed(3)}`,
});

type Context = CommandContext<typeof options>;

async function show({ options, given, positionals, signal, reporter }: Context): Promise<PreviewResult> {
  const [{ previewPrompts }, { promptOptionsFor }, { promptOrigin }] = await Promise.all([
    import('../tasks/preview/preview.js'),
    import('../models/prompt-options.js'),
    import('../prompts/rough/settings.js'),
  ]);
  const prompts = promptOptionsFor(given, undefined);
  // Where labels are what prompts are drawn from, as for training; beside rough masks they only say how good those are.
  const masks = promptOrigin(prompts) === 'ground-truth' ? 'required' : 'optional';
  const samples = await samplesOf({ options, positionals, reporter }, masks);
  const bar = reporter.task('prompts', samples.length);
  const { skipBad, onEmpty, out = 'prompts' } = options;
  return previewPrompts({
    samples,
    prompts,
    out,
    skipBad,
    onEmpty,
    signal,
    onWarning: reporter.warn,
    onProgress: ({ done }) => bar.update(done, 'images'),
  });
}

async function tune({ options, given, positionals, signal, reporter }: Context): Promise<TuneResult> {
  const [{ tuneRoughMask }, { promptOptionsFor }, { SamError }] = await Promise.all([
    import('../tasks/rough-thresholds/fit-rough-mask.js'),
    import('../models/prompt-options.js'),
    import('../core/errors.js'),
  ]);
  if (options.data === undefined) {
    throw new SamError('SAM_BAD_OPTION', '--tune needs labelled images: --data is missing', {
      fix: 'name a data set: --data SRC',
    });
  }
  const samples = await samplesOf({ options, positionals, reporter }, 'required');
  return tuneRoughMask({
    samples,
    prompts: promptOptionsFor(given, undefined),
    out: resolve(options.out ?? 'rough-mask.yaml'),
    source: `${options.data}, split ${options.split}`,
    skipBad: options.skipBad,
    signal,
    onWarning: reporter.warn,
    onNote: reporter.say,
  });
}

async function samplesOf(
  { options, positionals, reporter }: Pick<Context, 'options' | 'positionals' | 'reporter'>,
  masks: MaskNeed,
) {
  const [{ openImages, openSplit }, { SamError }] = await Promise.all([
    import('../data/open-data.js'),
    import('../core/errors.js'),
  ]);
  const inputs = (positionals.input ?? []) as string[];
  if (inputs.length > 0 === (options.data !== undefined)) {
    throw new SamError(
      'SAM_BAD_OPTION',
      inputs.length > 0 ? 'both images and --data are given' : 'no images are given',
      {
        fix: 'name images or folders, or a data set with --data',
      },
    );
  }
  if (options.data === undefined) return (await openImages(inputs)).slice(0, options.limit);
  return openSplit({ ...options, data: options.data, masks }, { onWarning: reporter.warn, onNote: reporter.say });
}

function table(items: readonly PromptItem[]): string {
  return items
    .map(({ overlay, maskArea, width, height, iou }) => {
      const share = `${((100 * maskArea) / (width * height)).toFixed(1)} % of the image`;
      return `${overlay}  ${share}${iou === undefined ? '' : `  IoU ${iou.toFixed(3)}`}`;
    })
    .join('\n');
}
