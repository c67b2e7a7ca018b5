/** `sam-native evaluate`: compares models on labelled images. */
import { z } from 'zod';
import { words } from '../core/words.js';
import { dataOptions, modelOptions, PROMPT_KINDS, promptOptions, sourceOptions } from '../options.js';
import type { EvaluatedPrompt, EvaluateProgress, EvaluateResult } from '../tasks/evaluate/evaluate.js';
import { command } from './command.js';
import { encodingProgress } from './encoding-progress.js';
import { evaluationTables } from './evaluate-tables.js';
import type { ProgressTask, Reporter } from './progress.js';

const { limit, skipBad, onEmpty } = dataOptions;
const { model: _, ...computeOptions } = modelOptions;

const KINDS = [...PROMPT_KINDS, 'automatic'] as const satisfies readonly EvaluatedPrompt[];

const isKind = (word: string): word is EvaluatedPrompt => (KINDS as readonly string[]).includes(word);

export default command({
  options: {
    models: z
      .string()
      .default('mobile-sam')
      .describe('the models, with commas: names as for --model of train, run folders, checkpoints, untuned'),
    ...sourceOptions,
    split: z.string().default('validation').describe('the labelled split'),
    limit,
    skipBad,
    onEmpty,
    ...computeOptions,
    ...promptOptions,
    promptKinds: z
      .string()
      .refine((text) => named(text).every(isKind), `expected some of ${KINDS.join(', ')}, with commas`)
      .optional()
      .describe(
        `kinds of prompts side by side, with commas: ${PROMPT_KINDS.join(', ')}, and automatic, where nothing is given (that of --prompt if not given)`,
      ),
    robustness: z
      .boolean()
      .default(false)
      .describe('also score prompts that get worse: boxes that are off, points outside the label, fewer points'),
    ownSettings: z
      .boolean()
      .default(false)
      .describe('each model gets the prompts it was trained with, instead of all the same'),
    out: z
      .string()
      .optional()
      .describe('file (.csv, .parquet) or folder for the scores of each image (beside the run if not given)'),
    report: z
      .string()
      .optional()
      .describe('file (.html) or folder for the report with plots and pictures (beside the scores if not given)'),
  },
  epilogue:
    'Examples:\n' +
    '  sam-native evaluate --models runs/first,untuned --data photos\n' +
    '  sam-native evaluate --models runs/first,runs/second --data photos --split test --prompt box\n' +
    '  sam-native evaluate --models untuned,runs/first --data photos --prompt-kinds points,box,automatic --robustness\n\n' +
    'All models see the same images and the same prompts: those of the flags, else of the first run, else the defaults.\n' +
    'Where a rough mask is described (--rough-mask, or by the run), each model is scored with prompts from the labels and with\n' +
    'prompts from the rough masks, and "rough-mask" is the rough mask itself.\n' +
    '"untuned" is the model that the first run started from. Scores are computed at the size of the labels, and at 256 in the JSON and\n' +
    'in the file of each image. Intervals are bootstrapped over images; differences are those of the same images.',
  async run({ options, given, signal, reporter }): Promise<EvaluateResult> {
    const [{ evaluate }, { openSplit }, { defaultCacheDir }] = await Promise.all([
      import('../tasks/evaluate/evaluate.js'),
      import('../data/open-data.js'),
      import('../core/cache-dir.js'),
    ]);
    const cacheDir = options.cacheDir ?? defaultCacheDir();
    const hooks = { onWarning: reporter.warn, onNote: reporter.say, signal };
    const samples = await openSplit({ ...options, cacheDir }, hooks);
    return evaluate({
      ...options,
      models: named(options.models),
      promptKinds: options.promptKinds === undefined ? undefined : named(options.promptKinds).filter(isKind),
      samples,
      prompts: given,
      cacheDir,
      signal,
      onNote: reporter.say,
      onWarning: reporter.warn,
      onProgress: presenter(reporter),
    });
  },
  summary: (result) => `${evaluationTables(result)}\n\n${result.perImage}\n${result.report}`,
});

function presenter(reporter: Reporter): (progress: EvaluateProgress) => void {
  const encoding = encodingProgress(reporter);
  let bar: ProgressTask | undefined;
  return (progress) => {
    if (progress.stage === 'encode') return encoding(progress);
    bar ??= reporter.task(progress.model, progress.total);
    bar.update(progress.done, 'images', progress.total);
    if (progress.done < progress.total) return;
    bar.end();
    bar = undefined;
  };
}

/** The words between commas. */
function named(text: string): string[] {
  return words(text).filter((word) => word !== '');
}
