/** `sam-native evaluate`: compares models on labelled images. */
import type { EvaluateProgress, EvaluateResult } from '../tasks/evaluate/evaluate.js';
import { evaluateOptionsSchema } from '../tasks/evaluate/options.js';
import { command } from './command.js';
import { encodingProgress } from './encoding-progress.js';
import { evaluationTables } from './evaluate-tables.js';
import type { ProgressTask, Reporter } from './progress.js';

export default command({
  options: evaluateOptionsSchema.shape,
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
  async run({ given, reporter, hooks }): Promise<EvaluateResult> {
    const { evaluate } = await import('../tasks/evaluate/evaluate.js');
    const onProgress = presenter(reporter);
    return evaluate(given, { ...hooks, onProgress });
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
