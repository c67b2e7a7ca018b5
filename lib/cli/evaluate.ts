/** `sam-native evaluate`: compares models on labelled images. */
import { z } from 'zod';
import type { EvaluateProgress, EvaluateResult, ModelScores } from '../evaluation/evaluate.js';
import { dataOptions, modelOptions, promptOptions, sourceOptions } from '../options.js';
import { command } from './command.js';
import { encodingProgress } from './encoding-progress.js';
import type { ProgressTask, Reporter } from './progress.js';

const { limit, skipBad, onEmpty } = dataOptions;
const { model: _, ...computeOptions } = modelOptions;

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
    ownSettings: z
      .boolean()
      .default(false)
      .describe('each model gets the prompts it was trained with, instead of all the same'),
    out: z
      .string()
      .optional()
      .describe('file (.csv) or folder for the scores of each image (beside the run if not given)'),
    report: z
      .string()
      .optional()
      .describe('file (.html) or folder for the report with plots and pictures (beside the scores if not given)'),
  },
  epilogue:
    'Examples:\n' +
    '  sam-native evaluate --models runs/first,untuned --data photos\n' +
    '  sam-native evaluate --models runs/first,runs/second --data photos --split test --prompt box\n\n' +
    'All models see the same images and the same prompts: those of the flags, else of the first run, else the defaults.\n' +
    'Where a rough mask is described (--rough-mask, or by the run), each model is scored with prompts from the labels and with\n' +
    'prompts from the rough masks, and "rough-mask" is the rough mask itself.\n' +
    '"untuned" is the model that the first run started from. IoU and F1 are computed at the size of the labels.',
  async run({ options, given, signal, reporter }): Promise<EvaluateResult> {
    const [{ evaluate }, { openSplit }, { defaultCacheDir }] = await Promise.all([
      import('../evaluation/evaluate.js'),
      import('../data/source.js'),
      import('../setup/cache-dir.js'),
    ]);
    const cacheDir = options.cacheDir ?? defaultCacheDir();
    const hooks = { onWarning: reporter.warn, onNotice: reporter.say, signal };
    const samples = await openSplit({ ...options, cacheDir }, hooks);
    return evaluate({
      ...options,
      models: options.models
        .split(',')
        .map((spec) => spec.trim())
        .filter((spec) => spec !== ''),
      samples,
      prompts: given,
      cacheDir,
      signal,
      onStep: reporter.say,
      onWarning: reporter.warn,
      onProgress: presenter(reporter),
    });
  },
  summary: ({ models, perImage, report }) => `${table(models)}\n\n${perImage}\n${report}`,
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

/** Columns aligned, names to the left and numbers to the right. What prompts come from is said where it differs. */
export function table(models: readonly ModelScores[]): string {
  const sources = models.some(({ promptSource }) => promptSource === 'rough');
  const source = (text: string) => (sources ? [text] : []);
  const names = sources ? 2 : 1;
  const head = ['model', ...source('prompts from'), 'images'];
  const rows = models.map((scores) => [
    scores.name,
    ...source(scores.promptSource === 'rough' ? 'rough masks' : 'labels'),
    String(scores.count),
    ...[scores.medianIou, scores.meanIou, scores.minIou, scores.medianF1, scores.meanF1].map((value) =>
      value.toFixed(3),
    ),
  ]);
  const all = [[...head, 'median IoU', 'mean IoU', 'least IoU', 'median F1', 'mean F1'], ...rows];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (column < names ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ');
  return all.map(line).join('\n');
}
