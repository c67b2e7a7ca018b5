/** Sections about scores: the table of models, distributions, the models' own guesses, every image. */

import type {
  Calibration,
  EntrantName,
  EvaluatedSource,
  ImageScores,
  Interval,
  ModelScores,
  Summary,
} from '../../scoring/results.js';
import { type Html, html } from '../html.js';
import { diagonal, dots, figure, histograms, legend, lineMark, type Point, pairs, SQUARE } from '../plots.js';
import { entrantKey, type Sketches } from '../sketches.js';

/** Scores that a report shows: of each model, and of each image by each model, with what pictures need. */
export interface ReportedScores {
  readonly models: ModelScores[];
  readonly rows: ImageScores[];
  readonly sketches: Sketches;
}

/** A model as the report shows it. */
export interface Entry {
  readonly scores: ModelScores;
  /** Name of the model, with what its prompts are where that differs among the models. */
  readonly name: string;
  /** Scores of each image, in the images' order. */
  readonly rows: readonly ImageScores[];
}

const SOURCES: Record<EvaluatedSource, string> = {
  'ground-truth': 'prompts from labels',
  rough: 'prompts from rough masks',
  automatic: 'nothing given',
};

/** Makes the entries, untuned models first: before, then after. */
export function entriesOf({ models, rows }: Pick<ReportedScores, 'models' | 'rows'>): Entry[] {
  const ordered = [...models].sort((a, b) => Number(isTuned(a)) - Number(isTuned(b)));
  return ordered.map((scores) => {
    const key = entrantKey(scores);
    const own = rows.filter(({ model, ...row }) => entrantKey({ name: model, ...row }) === key);
    return { scores, name: displayName(scores, models), rows: own };
  });
}

/** Tells a model with a checkpoint from source weights and rough masks. */
export function isTuned({ checkpointHash }: ModelScores): boolean {
  return checkpointHash !== null;
}

/** Returns the model's name, with its prompts where they are not the same for all models that were given any. */
export function displayName(one: EntrantName, all: readonly EntrantName[]): string {
  const given = all.filter(({ promptSource }) => promptSource !== 'automatic');
  const differ = (values: readonly unknown[]) => new Set(values).size > 1;
  const kind = differ(given.flatMap(({ promptKind }) => promptKind ?? [])) ? (one.promptKind ?? '') : '';
  const source = differ(given.map(({ promptSource }) => promptSource)) ? sourceWords(one.promptSource) : '';
  const nothing = given.length > 0 && one.promptSource === 'automatic';
  const how = nothing ? sourceWords('automatic') : [kind, source].filter((word) => word !== '').join(', ');
  return how === '' ? one.name : `${one.name} (${how})`;
}

/** Says where prompts come from, in words. */
export function sourceWords(source: EvaluatedSource): string {
  return SOURCES[source];
}

/** Writes a number, with its interval where there is one; `-` for none. */
export function withInterval(value: number | null, interval?: Interval | null, digits = 3): Html {
  if (value === null || Number.isNaN(value)) return html`-`;
  const bounds =
    interval == null
      ? undefined
      : html` <small>${interval[0].toFixed(digits)} to ${interval[1].toFixed(digits)}</small>`;
  return html`${value.toFixed(digits)}${bounds}`;
}

interface Column {
  readonly head: string;
  of(entry: Entry): Html | string | number;
}

const COLUMNS: readonly Column[] = [
  { head: 'images', of: ({ scores }) => scores.count },
  { head: 'median IoU', of: ({ scores }) => withInterval(scores.medianIou, scores.own.iou.medianInterval) },
  { head: 'mean IoU', of: ({ scores }) => withInterval(scores.meanIou, scores.own.iou.meanInterval) },
  { head: 'least IoU', of: ({ scores }) => withInterval(scores.minIou) },
  { head: 'IoU below 0.5', of: ({ scores }) => scores.belowHalf },
  { head: 'median F1', of: ({ scores }) => withInterval(scores.medianF1) },
  { head: 'mean precision', of: ({ scores }) => withInterval(scores.meanPrecision) },
  { head: 'mean recall', of: ({ scores }) => withInterval(scores.meanRecall) },
  { head: 'quartiles of IoU', of: ({ scores }) => quartiles(scores.own.iou) },
  { head: 'median boundary IoU', of: ({ scores }) => withInterval(scores.own.boundaryIou.median) },
  { head: 'median boundary F1', of: ({ scores }) => withInterval(scores.own.boundaryF1.median) },
  {
    head: 'median HD95, pixels',
    of: ({ scores }) => withInterval(scores.own.hd95.median, null, 1),
  },
];

function quartiles({ q1, q3 }: Summary): Html {
  return html`${withInterval(q1)} to ${withInterval(q3)}`;
}

/** Shows the models' scores, a line for each model. */
export function scoresTable(entries: readonly Entry[]): Html {
  const lines = entries.map((entry) => [entry.name, ...COLUMNS.map(({ of }) => of(entry))]);
  return html`${table('Scores of the models', ['model', ...COLUMNS.map(({ head }) => head)], lines)}
<p class="soft">Small: 95 percent intervals, by the bootstrap over images. HD95: 95th percentile of the Hausdorff distance.</p>`;
}

/** Makes a table, which scrolls by itself where it is wide. */
export function table(
  name: string,
  heads: readonly string[],
  lines: readonly (readonly (Html | string | number)[])[],
): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${name}"><table>
<thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${lines.map((line) => html`<tr>${line.map((cell) => html`<td>${cell}</td>`)}</tr>\n`)}</tbody></table></div>`;
}

/** Draws the distribution of IoU, each image's IoU against the first model's, and how far the models' own guesses hold. */
export function distributions(entries: readonly Entry[]): Html {
  const histogram = histograms(
    'How many images reach which IoU',
    entries.map(({ name, rows }) => ({ name, values: rows.map(({ iou }) => iou) })),
  );
  return html`<div class="plots">${histogram}${againstFirst(entries)}${guesses(entries)}</div>`;
}

/** Draws the models that have the same prompts as the first, each against it. */
function againstFirst(entries: readonly Entry[]): Html[] {
  const [first] = entries;
  if (first === undefined) return [];
  const before = new Map(first.rows.map(({ image, iou }) => [image, iou]));
  return entries.flatMap((entry, series) => {
    if (series === 0 || promptsOf(entry) !== promptsOf(first)) return [];
    const points = entry.rows.flatMap(({ image, iou }): Point[] => {
      const x = before.get(image);
      return x === undefined ? [] : [{ x, y: iou }];
    });
    return [pairs(`${first.name} against ${entry.name}`, [first.name, entry.name], points, series)];
  });
}

/** Returns a text that is the same for entries with the same prompts. */
export function promptsOf({ scores }: Entry): string {
  return entrantKey({ ...scores, name: '' });
}

/** Draws the IoU that models predict for their own masks against the real one; undefined where no model predicts any. */
function guesses(entries: readonly Entry[]): Html | undefined {
  const guessing = entries.flatMap(({ name, rows, scores }, series) => {
    const points = rows.flatMap(({ predictedIou, iou }) =>
      predictedIou === null ? [] : [{ x: predictedIou, y: iou }],
    );
    const { calibration } = scores;
    if (calibration === null) return [];
    const bins = calibration.bins.map(({ meanPredicted, meanReal }) => ({ x: meanPredicted, y: meanReal }));
    return [{ name, series, points, bins, calibration }];
  });
  if (guessing.length === 0) return undefined;
  return figure(
    'The model’s own guess of its IoU',
    guessing.map(({ name, calibration }) => `${name} ${guessWords(calibration)}`).join('; '),
    [
      {
        x: { label: 'predicted IoU', domain: [0, 1] },
        y: { label: 'real IoU', domain: [0, 1] },
        height: SQUARE,
        marks: [
          diagonal(),
          ...guessing.flatMap(({ series, points, bins }) => [
            dots(series, points),
            lineMark({ series, points: bins, marks: false }),
          ]),
        ],
      },
    ],
    legend(
      guessing.map(({ name, calibration }) => `${name}: ${guessWords(calibration)}`),
      'dots',
      guessing.map(({ series }) => series),
    ),
  );
}

function guessWords({ bias, meanAbsoluteError, expectedError }: Calibration): string {
  const side = `${Math.abs(bias).toFixed(3)} too ${bias < 0 ? 'low' : 'high'} in the mean`;
  const errors = `mean error ${meanAbsoluteError.toFixed(3)}, expected calibration error ${expectedError.toFixed(3)}`;
  return `${side}, ${errors}`;
}

/** Most lines of the table of all images; the rest is in the table on disk. */
const MOST_LINES = 1000;

/** Shows every image with its IoU by each model, the worst by entry `rankedBy` first. */
export function imageTable(entries: readonly Entry[], rankedBy: number): Html {
  const ious = entries.map(({ rows }) => new Map(rows.map(({ image, iou }) => [image, iou])));
  const ranked = [...(entries[rankedBy]?.rows ?? [])].sort((a, b) => a.iou - b.iou);
  const lines = ranked
    .slice(0, MOST_LINES)
    .map(({ image }) => [image, ...ious.map((iou) => withInterval(iou.get(image) ?? null))]);
  const count =
    ranked.length > MOST_LINES ? `the worst ${MOST_LINES} of ${ranked.length} images` : `all ${ranked.length} images`;
  const heads = ['image', ...entries.map(({ name }) => name)];
  return html`<details><summary>IoU of ${count}</summary>${table('IoU of the images', heads, lines)}</details>`;
}
