/** Sections that only a comparison has: paired differences, and how scores fall with worse prompts. */
import { sortedOut } from '../../scoring/baseline.js';
import type {
  Disturbance,
  EntrantName,
  Metric,
  ModelScores,
  PairedDifference,
  RobustnessCurve,
} from '../../scoring/results.js';
import { type Html, html } from '../html.js';
import { figure, type Line, legend, lineMark } from '../plots.js';
import { displayName, table, withInterval } from './scores-sections.js';

/** Scores whose differences are told, with their names; the result in JSON has all. */
const METRICS: Partial<Record<Metric, string>> = {
  iou: 'IoU',
  f1: 'F1',
  boundaryIou: 'boundary IoU',
  hd95: 'HD95, pixels',
};

/** Shows paired differences between models or kinds of prompts: those that the terminal shows, and the others on demand. */
export function differenceTables(differences: readonly PairedDifference[], models: readonly ModelScores[]): Html {
  const told = differences.filter(({ metric, resolution }) => resolution === 'own' && METRICS[metric] !== undefined);
  const { first, others } = sortedOut(told, models);
  const more =
    others.length === 0
      ? undefined
      : html`<details><summary>${others.length} more: other pairs, other scores</summary>${differencesTable('Other paired differences', others, models)}</details>`;
  return html`${first.length === 0 ? undefined : differencesTable('Paired differences', first, models)}
<p class="soft">Small: 95 percent intervals of the difference, by the bootstrap over images. p: two-sided signed-rank test, not
corrected for the number of lines. Of a distance less is better.</p>${more}`;
}

function differencesTable(
  name: string,
  differences: readonly PairedDifference[],
  models: readonly EntrantName[],
): Html {
  const lines = differences.map((one) => [
    `${displayName(one.b, models)} minus ${displayName(one.a, models)}`,
    METRICS[one.metric] ?? one.metric,
    one.count,
    signed(one.mean, one.meanInterval),
    signed(one.median, one.medianInterval),
    `${one.greater} / ${one.lesser} / ${one.equal}`,
    one.wilcoxon === null ? '-' : pValue(one.wilcoxon.pValue),
  ]);
  const heads = [
    'pair',
    'score',
    'images',
    'mean difference',
    'median difference',
    'greater / lesser / equal',
    'Wilcoxon p',
  ];
  return table(name, heads, lines);
}

function signed(value: number, interval: readonly [number, number]): Html {
  return html`${value > 0 ? '+' : ''}${withInterval(value, interval)}`;
}

function pValue(p: number): string {
  return p < 0.001 ? p.toExponential(1) : p.toFixed(3);
}

const DISTURBANCES: Record<Disturbance, { title: string; label: string }> = {
  'box-jitter': { title: 'Boxes that are off', label: 'most that a side moves, pixels of the low-res mask' },
  'mislabelled-points': { title: 'Points outside the object called inside', label: 'wrong points' },
  points: { title: 'Number of points', label: 'points inside the object' },
};

/** Draws a figure for each kind of disturbance, with a line for each model. */
export function robustness(curves: readonly RobustnessCurve[]): Html {
  const kinds = new Map<string, RobustnessCurve[]>();
  for (const curve of curves) {
    const key = `${curve.disturbance} ${curve.ofPoints ?? ''}`;
    kinds.set(key, [...(kinds.get(key) ?? []), curve]);
  }
  const names = [...new Set(curves.map(({ name }) => name))];
  const figures = [...kinds.values()].map((of) => robustnessFigure(of, names));
  return html`<div class="plots">${figures}</div><p class="soft">Bands: 95 percent intervals of the mean.</p>`;
}

function robustnessFigure(curves: readonly RobustnessCurve[], names: readonly string[]): Html {
  const { disturbance, ofPoints } = curves[0]!;
  const { title, label } = DISTURBANCES[disturbance];
  const values = curves[0]!.steps.map(({ value }) => value);
  const lines = curves.map(({ name, steps }): Line => {
    const band = steps.map(({ meanIouInterval: [low, high] }) => ({ low, high }));
    return { series: names.indexOf(name), points: steps.map(({ value, meanIou }) => ({ x: value, y: meanIou })), band };
  });
  const ends = curves.map(({ name, steps }) => `${name} ${steps.map(({ meanIou }) => meanIou.toFixed(3)).join(', ')}`);
  return figure(
    ofPoints === null ? title : `${title} (of ${ofPoints})`,
    `mean IoU at ${values.join(', ')}: ${ends.join('; ')}`,
    [
      {
        x: { label, domain: [Math.min(...values), Math.max(...values)], ticks: values },
        y: { label: 'mean IoU', domain: [0, 1] },
        marks: lines.map(lineMark),
      },
    ],
    legend(names),
  );
}
