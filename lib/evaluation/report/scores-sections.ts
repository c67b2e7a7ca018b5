/** Sections about scores: the table of models, distributions, every image. */
import type { ModelScores } from '../evaluate.js';
import { median } from '../metrics.js';
import type { ImageScores } from '../per-image.js';
import { type Html, html } from './html.js';
import { diagonal, dots, figure, histograms, legend, type Point, pairs } from './plots.js';
import { entrantKey, type Sketches } from './sketches.js';

/** What models scored. */
export interface Scored {
  readonly models: ModelScores[];
  readonly rows: ImageScores[];
  readonly sketches: Sketches;
}

/** A model as the report shows it. */
export interface Entry {
  readonly scores: ModelScores;
  /** With what its prompts come from, where that differs among the models. */
  readonly name: string;
  /** One for each image, in their order. */
  readonly rows: readonly ImageScores[];
}

/** Untuned models first: before, then after. */
export function entriesOf({ models, rows }: Scored): Entry[] {
  const sources = new Set(models.map(({ promptSource }) => promptSource)).size > 1;
  const ordered = [...models].sort((a, b) => Number(isTuned(a)) - Number(isTuned(b)));
  return ordered.map((scores) => {
    const key = entrantKey(scores);
    const from = scores.promptSource === 'rough' ? 'rough masks' : 'labels';
    const own = rows.filter(({ model, promptSource }) => entrantKey({ name: model, promptSource }) === key);
    return { scores, name: sources ? `${scores.name}, prompts from ${from}` : scores.name, rows: own };
  });
}

export function isTuned({ checkpointHash }: ModelScores): boolean {
  return checkpointHash !== null;
}

/** A line for each model. */
export function scoresTable(entries: readonly Entry[]): Html {
  const lines = entries.map(({ name, rows, scores }) => {
    const below = rows.filter(({ iou }) => iou < 0.5).length;
    const numbers = [scores.medianIou, scores.meanIou, scores.minIou].map(fixed);
    const others = [scores.medianF1, scores.meanF1, scores.meanPrecision, scores.meanRecall].map(fixed);
    return html`<tr><td>${name}</td>${[scores.count, ...numbers, below, ...others].map((value) => html`<td>${value}</td>`)}</tr>`;
  });
  const heads = [
    'images',
    'median IoU',
    'mean IoU',
    'least IoU',
    'IoU below 0.5',
    'median F1',
    'mean F1',
    'precision',
    'recall',
  ];
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Scores of the models"><table><thead><tr><th scope="col">model</th>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${lines}</tbody></table></div>`;
}

const fixed = (value: number) => value.toFixed(3);

/** Distribution of IoU, image by image against the first model, and how far the models' own guesses hold. */
export function distributions(entries: readonly Entry[]): Html {
  const histogram = histograms(
    'How many images reach which IoU',
    entries.map(({ name, rows }) => ({ name, values: rows.map(({ iou }) => iou) })),
  );
  const [first, ...others] = entries;
  const against = others.map((entry, index) => {
    const before = new Map(first!.rows.map(({ image, iou }) => [image, iou]));
    const points = entry.rows.flatMap(({ image, iou }): Point[] => {
      const x = before.get(image);
      return x === undefined ? [] : [{ x, y: iou }];
    });
    return pairs(`${first!.name} against ${entry.name}`, [first!.name, entry.name], points, index + 1);
  });
  return html`<div class="plots">${histogram}${against}${guesses(entries)}</div>`;
}

/** The IoU that a model predicts for its own mask, against the real one. */
function guesses(entries: readonly Entry[]): Html | undefined {
  const guessing = entries.flatMap(({ name, rows }, series) => {
    const points = rows.flatMap(({ predictedIou, iou }) =>
      predictedIou === null ? [] : [{ x: predictedIou, y: iou }],
    );
    return points.length === 0 ? [] : [{ name, series, points }];
  });
  if (guessing.length === 0) return undefined;
  // It is a linear layer's: nothing keeps it below 1.
  const most = Math.max(1, ...guessing.flatMap(({ points }) => points.map(({ x }) => x)));
  const alt = guessing.map(
    ({ name, points }) =>
      `${name} is off by ${median(points.map(({ x, y }) => Math.abs(x - y))).toFixed(3)} in the median`,
  );
  return figure(
    'The model’s own guess of its IoU',
    alt.join(', '),
    {
      x: { label: 'predicted IoU', grid: true, domain: [0, most] },
      y: { label: 'real IoU', grid: true, domain: [0, 1] },
      height: 380,
      marks: [diagonal(), ...guessing.map(({ series, points }) => dots(series, points))],
    },
    legend(
      entries.map(({ name }) => name),
      'dots',
    ),
  );
}

/** Lines of the table of all images; the rest is in the table on disk. */
const MOST_LINES = 1000;

/** Every image with its IoU by each model, the worst by `rankedBy` first. */
export function imageTable(entries: readonly Entry[], rankedBy: number): Html {
  const ious = entries.map(({ rows }) => new Map(rows.map(({ image, iou }) => [image, iou])));
  const ranked = [...(entries[rankedBy]?.rows ?? [])].sort((a, b) => a.iou - b.iou);
  const lines = ranked
    .slice(0, MOST_LINES)
    .map(
      ({ image }) =>
        html`<tr><td>${image}</td>${ious.map((iou) => html`<td>${iou.get(image)?.toFixed(3) ?? '-'}</td>`)}</tr>`,
    );
  const count =
    ranked.length > MOST_LINES ? `the worst ${MOST_LINES} of ${ranked.length} images` : `all ${ranked.length} images`;
  return html`<details><summary>IoU of ${count}</summary><div class="scroll"><table><thead><tr><th scope="col">image</th>${entries.map(
    ({ name }) => html`<th scope="col">${name}</th>`,
  )}</tr></thead><tbody>${lines}</tbody></table></div></details>`;
}
