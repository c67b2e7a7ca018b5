/** Tables that `evaluate` prints: how good each model is, whether differences are more than chance, and what worse prompts do. */
import { sortedOut } from '../scoring/baseline.js';
import type {
  Disturbance,
  EntrantName,
  EvaluateResult,
  ModelScores,
  PairedDifference,
  RobustnessCurve,
} from '../scoring/results.js';
import { aligned, fixed, interval, pValue, signed } from './tables.js';

/** Tells an evaluation in short; everything else is in the JSON and in the file with the scores of each image. */
export function evaluationTables({
  models,
  differences,
  robustness,
}: Pick<EvaluateResult, 'models' | 'differences' | 'robustness'>): string {
  const tables = [modelTable(models), guessTable(models), differenceTable(models, differences)];
  const parts = [...tables, ...robustnessTables(robustness ?? [])];
  return parts.filter((part) => part !== '').join('\n\n');
}

/** Makes the table of the models' scores. Source and kind of the prompts have columns where they differ. */
export function modelTable(models: readonly ModelScores[]): string {
  const prompts = promptWords(models);
  const head = ['model', ...prompts.head, 'images', 'median IoU', 'mean IoU', '95 %', 'below 0.5', 'median F1'];
  const rows = models.map((scores) => [
    scores.name,
    ...prompts.of(scores),
    String(scores.count),
    fixed(scores.medianIou),
    fixed(scores.meanIou),
    interval(scores.own.iou.meanInterval, fixed),
    String(scores.belowHalf),
    fixed(scores.medianF1),
  ]);
  return aligned([head, ...rows], 1 + prompts.head.length);
}

/** Makes the table that tells whether a model's own guess of its IoU, which needs no label, can be trusted. */
function guessTable(models: readonly ModelScores[]): string {
  const prompts = promptWords(models);
  const rows = models.flatMap((scores) => {
    const { calibration } = scores;
    if (calibration === null) return [];
    return [[scores.name, ...prompts.of(scores), signed(calibration.bias), fixed(calibration.meanAbsoluteError)]];
  });
  if (rows.length === 0) return '';
  return aligned([['', ...prompts.head, 'predicted minus real IoU', 'mean error'], ...rows], 1 + prompts.head.length);
}

/** Makes the table of those differences that the report shows before the others. */
function differenceTable(models: readonly ModelScores[], differences: readonly PairedDifference[]): string {
  const shown = sortedOut(differences, models).first;
  if (shown.length === 0) return '';
  const { of } = promptWords(models);
  const name = (entrant: EntrantName) => [entrant.name, ...of(entrant)].join(', ');
  const rows = shown.map((one) => [name(one.b), name(one.a), ...differenceCells(one)]);
  return aligned([['', 'against', ...DIFFERENCE_HEAD], ...rows], 2);
}

/** Heads of the columns that {@link differenceCells} fills. */
export const DIFFERENCE_HEAD = ['mean IoU', '95 %', 'better', 'worse', 'Wilcoxon p'];

/** Writes a paired difference as the cells of one row below {@link DIFFERENCE_HEAD}. */
export function differenceCells({ mean, meanInterval, greater, lesser, wilcoxon }: PairedDifference): string[] {
  const p = wilcoxon === null ? '1' : pValue(wilcoxon.pValue);
  return [signed(mean), interval(meanInterval, signed), String(greater), String(lesser), p];
}

const DISTURBANCES: Record<Disturbance, (curve: RobustnessCurve) => string> = {
  'box-jitter': () => 'mean IoU with box sides off by (pixels of the low-res mask)',
  'mislabelled-points': ({ ofPoints }) => `mean IoU with wrong points, of ${ofPoints}`,
  points: () => 'mean IoU by points',
};

/** Makes one table for each way in which prompts get worse. */
function robustnessTables(curves: readonly RobustnessCurve[]): string[] {
  const titles = curves.map((curve) => DISTURBANCES[curve.disturbance](curve));
  return [...new Set(titles)].map((title) => {
    const mine = curves.filter((_, index) => titles[index] === title);
    const head = ['', ...mine[0]!.steps.map(({ value }) => String(value))];
    const rows = mine.map(({ name, steps }) => [name, ...steps.map(({ meanIou }) => fixed(meanIou))]);
    return `${title}\n${aligned([head, ...rows], 1)}`;
  });
}

export const SOURCES = { 'ground-truth': 'labels', rough: 'rough masks', automatic: 'nothing given' } as const;

/** Makes the columns that tell the prompts of one entrant from those of another; none where all are alike. */
function promptWords(models: readonly EntrantName[]): { head: string[]; of: (entrant: EntrantName) => string[] } {
  const kinds = new Set(models.flatMap(({ promptKind }) => promptKind ?? [])).size > 1;
  const sources = new Set(models.map(({ promptSource }) => promptSource)).size > 1;
  return {
    head: [...(kinds ? ['prompts'] : []), ...(sources ? ['prompts from'] : [])],
    of: ({ promptKind, promptSource }) => [
      ...(kinds ? [promptKind ?? ''] : []),
      ...(sources ? [SOURCES[promptSource]] : []),
    ],
  };
}
