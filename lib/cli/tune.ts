/** `sam-native tune`: searches for settings that train best on the data in hand, or compares kinds of prompts (`--prompts`). */
import { z } from 'zod';
import { without } from '../core/without.js';
import type { PromptComparison } from '../tasks/prompt-comparison/compare-prompts.js';
import { searchOptionsSchema } from '../tasks/search/options.js';
import type { SearchProgress, SearchResult, TrialResult } from '../tasks/search/search.js';
import { command } from './command.js';
import { encodingProgress } from './encoding-progress.js';
import { formatDuration, type ProgressTask, type Reporter } from './progress.js';
import { comparisonPresenter, comparisonTables } from './tune-prompts.js';
import { searchTables } from './tune-tables.js';

export default command({
  options: {
    ...searchOptionsSchema.shape,
    out: searchOptionsSchema.shape.out.describe('folder for the results and the runs (tune-prompts with --prompts)'),
    prompts: z
      .boolean()
      .default(false)
      .describe(
        'instead of searching, compare points, boxes and both, from labels and from rough masks, and say which to take',
      ),
  },
  epilogue:
    'Examples:\n' +
    '  sam-native tune --data photos --epochs 20\n' +
    '  sam-native tune --data photos --prompt-kinds box --losses dice+bce,focal:20+dice --lrs 1e-5,1e-4 --out tuned\n' +
    '  sam-native train --config tuned/config.yaml --out runs/best\n' +
    '  sam-native tune --prompts --data photos --config river.yaml --epochs 20\n\n' +
    'Images are encoded once for all trials. The settings given (--lr, --loss, --prompt and all others) are the first trial and go\n' +
    'through to the end; the others replace these three. All trials train a little, the best of --eta go on for --eta times as long, the\n' +
    'last ones for all --epochs. A trial is scored by the mean IoU of the validation images, with its own kind of prompt.\n\n' +
    'With --prompts a model is trained for each kind of prompt, from labels and, where --rough-mask describes them, from rough masks, and asked\n' +
    'on the same images of the test split (else validation) with the kind that it was trained with.',
  async run({ options: { prompts }, given, reporter, hooks }): Promise<SearchResult | PromptComparison> {
    const options = without(given, 'prompts');
    if (prompts) {
      const { comparePrompts } = await import('../tasks/prompt-comparison/compare-prompts.js');
      return comparePrompts(options, { ...hooks, onProgress: comparisonPresenter(reporter) });
    }
    const { searchSettings } = await import('../tasks/search/search.js');
    return searchSettings(options, { ...hooks, onProgress: presenter(reporter) });
  },
  summary: (result) =>
    `${'arms' in result ? comparisonTables(result) : searchTables(result)}\ntook ${formatDuration(result.seconds)}`,
});

/** Shows a bar for the epochs of all trials, and a line for each trial that has reached the end of its rung. */
function presenter(reporter: Reporter): (progress: SearchProgress) => void {
  const encoding = encodingProgress(reporter);
  let bar: ProgressTask | undefined;
  let rate = '';
  let left = '';
  return (progress) => {
    switch (progress.stage) {
      case 'encode':
        return encoding(progress);
      case 'rung': {
        const { rung, rungs } = progress;
        const { epochs } = rungs[rung]!;
        return reporter.say(`rung ${rung + 1}/${rungs.length}: up to ${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}`);
      }
      case 'train':
        bar ??= reporter.task('epochs', progress.total);
        rate = `${progress.samplesPerSecond.toFixed(1)} images/s`;
        left = `${formatDuration(progress.secondsLeft)} left`;
        return bar.update(progress.epochs, `trial ${progress.trial}  ${rate}  ${left}`, progress.total);
      case 'trial':
        return reporter.say(`${progress.done}/${progress.of}  ${trialLine(progress.trial)}  ${rate}  ${left}`);
      case 'score':
        bar?.end();
        bar = undefined;
        if (progress.done === progress.total) reporter.say(`scored ${progress.total} ${progress.split} images`);
    }
  };
}

function trialLine({ number, lr, loss, prompt, iou, failure }: TrialResult): string {
  const score = iou === null ? `failed: ${failure}` : `IoU ${iou.toFixed(4)}`;
  return `trial ${number}  lr ${lr}  ${loss}  ${prompt}  ${score}`;
}
