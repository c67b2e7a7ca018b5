/** Tables that `tune` prints: the trials, best first, and whether the winner is better than the settings given. */

import { amount } from '../core/words.js';
import type { SearchResult, TrialResult } from '../tasks/search/search.js';
import type { SearchComparison } from '../tasks/workbench/compare.js';
import { modelTable } from './evaluate-tables.js';
import { aligned, fixed, interval, pValue, signed } from './tables.js';

export function searchTables(result: SearchResult): string {
  const { trials, validationImages, config, runDir } = result;
  const parts = [
    trialTable(result),
    `IoU: mean over the ${amount(validationImages, 'validation image')}, each trial with its own kind of prompt.${kindsNote(trials)}`,
    ...result.comparisons.map((one) => comparisonText(one, trials.length)),
    verdict(result),
    `model:      ${runDir}\nsettings:   ${config}   (sam-native train --config ${config} --out RUNDIR)`,
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

export function trialTable({ trials, winner, given }: SearchResult): string {
  const head = ['rank', 'trial', 'loss', 'prompts', 'lr', 'epochs', 'IoU', 'seconds'];
  const rows = trials.map((trial) => [
    String(trial.rank),
    [
      trial.number,
      ...(trial.number === given ? ['settings given'] : []),
      ...(trial.number === winner ? ['winner'] : []),
    ].join(', '),
    trial.loss,
    trial.prompt,
    String(trial.lr),
    String(trial.epochs),
    trial.iou === null ? 'failed' : fixed(trial.iou),
    trial.seconds.toFixed(1),
  ]);
  return aligned([head, ...rows], 4);
}

/** Notes that trials with different kinds of prompts, which are asked different questions, cannot be compared by their scores. */
function kindsNote(trials: readonly TrialResult[]): string {
  if (new Set(trials.map(({ prompt }) => prompt)).size < 2) return '';
  return '\nKinds of prompts tell the model more or less of the answer: a box says where the mask ends. Search one that you can give in use (--prompt-kinds).';
}

function comparisonText({ split, models, difference }: SearchComparison, trials: number): string {
  const { mean, meanInterval, greater, lesser, wilcoxon } = difference;
  const chosen =
    split === 'validation'
      ? `These images chose the winner of ${trials}, which flatters it.`
      : 'Nothing was chosen by these images.';
  const p = wilcoxon === null ? '' : `, Wilcoxon p ${pValue(wilcoxon.pValue)}`;
  return (
    `On the ${split} split, at the labels' size:\n${modelTable(models)}\n` +
    `winner minus settings given: mean IoU ${signed(mean)} (95 %: ${interval(meanInterval, signed)}), better on ${greater}, worse on ${lesser}${p}.\n` +
    chosen
  );
}

/** Says whether the winner is better than the settings given, by the test split where there is one. */
export function verdict({ comparisons, winner, given, trials }: SearchResult): string {
  if (winner === given) return 'Nothing that was tried is better than the settings given.';
  const last = comparisons.at(-1);
  if (last === undefined) return 'The settings given failed, so there is nothing to compare the winner with.';
  const {
    meanInterval: [low, high],
    count,
  } = last.difference;
  const images = amount(count, `${last.split} image`);
  const kinds = new Set([winner, given].map((number) => trials.find((trial) => trial.number === number)?.prompt));
  const own = kinds.size > 1 ? ', each with its own kind of prompt' : '';
  if (high < 0) return `On the ${images} the winner is worse than the settings given${own}: keep those.`;
  if (low <= 0)
    return `Whether the winner is better than the settings given, the ${images} do not say: the difference may be chance.`;
  const doubt =
    last.split === 'test' ? '' : ' With more images, keep some for a test split: it would not be flattered.';
  return `The winner is better than the settings given by more than chance on the ${images}${own}.${doubt}`;
}
