/**
 * `review.html`: the worst labels, each with its photograph and the outlines of label and prediction, to keep, replace or drop. It needs
 * no network and no server; its pictures lie beside it. What was decided is saved by the browser's download.
 */
import { relative, sep } from 'node:path';
import { sameSplit } from '../../data/parquet-splits.js';
import { type AuditItem, type AuditRecord, auditPaths } from './folder.js';
import type { ReviewPicture } from './pictures.js';
import { REVIEW_SCRIPT } from './review-script.js';
import { REVIEW_STYLE } from './review-style.js';

/** What the page's script is given; paths are absolute. */
export interface ReviewData extends Pick<AuditRecord, 'createdAt' | 'split' | 'others'> {
  folder: string;
  /** All items, those that are not shown too: their labels are kept. */
  items: Pick<AuditItem, 'name' | 'image' | 'mask' | 'prediction'>[];
}

/** @param pictures of the first items, in their order: those that are shown. */
export function reviewPage(record: AuditRecord, pictures: readonly ReviewPicture[], folder: string): string {
  const { items, others, split, createdAt } = record;
  const rows = items.map(({ name, image, mask, prediction }) => ({ name, image, mask, prediction }));
  const data: ReviewData = { folder, createdAt, split, items: rows, others };
  const cards = pictures.map((picture, index) => cardOf(items[index]!, picture, index + 1, folder));
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Labels of ${text(split)}, worst first</title>
<style>${REVIEW_STYLE}</style>
<header>
${introduction(record, pictures.length)}
</header>
<main>
<div class="cards">
${cards.join('\n')}
</div>
</main>
<div class="bar"><div>
<p id="counts" role="status"></p>
<button type="button" class="action" id="decisions">Save decisions</button>
<button type="button" class="action main" id="manifest">Save manifest</button>
<p id="next" class="soft" role="status"></p>
</div></div>
<template id="after-manifest">Saved as <code>reviewed.csv</code>. Now: <code>${text(trainCommand(record))}</code></template>
<template id="after-decisions">Saved as <code>decisions.json</code>. It becomes a manifest with
<code>sam-native audit --apply decisions.json</code>, also on another computer, beside its <code>audit.json</code>.</template>
<script type="application/json" id="audit">${JSON.stringify(data).replaceAll('<', '\\u003c')}</script>
<script>${REVIEW_SCRIPT}</script>
</html>
`;
}

function introduction({ items, options, split, model }: AuditRecord, shown: number): string {
  const { folds, epochs, data } = options;
  const rest = items.length - shown;
  return `<h1>${shown === items.length ? `All ${shown}` : `The worst ${shown} of ${items.length}`} labels, worst first</h1>
<p>Split <code>${text(split)}</code> of <code>${text(data)}</code>. Each label was compared with what ${text(model)} predicts after
${text(epochs)} ${epochs === 1 ? 'epoch' : 'epochs'} on the other labels (${text(folds)} folds), so it was never trained on the label that it judges. A low IoU means that the
two differ, not which of them is right: look.</p>
<p class="soft"><b>Keep</b> the label, <b>replace</b> it by the prediction, or <b>drop</b> the image. What is not decided${rest > 0 ? `, and the ${rest} that are not shown, are` : ' is'} kept.</p>
<div class="layers">
<label><input type="checkbox" value="label" checked>${swatch('var(--label)', '')} label</label>
<label><input type="checkbox" value="prediction" checked>${swatch('var(--prediction)', '7 4')} prediction</label>
<label><input type="checkbox" value="difference"> where they differ</label>
</div>
<p class="keys soft"><kbd>j</kbd> <kbd>k</kbd> next, previous; <kbd>1</kbd> keep, <kbd>2</kbd> replace, <kbd>3</kbd> drop; <kbd>z</kbd> or a
click: large; <kbd>l</kbd> <kbd>p</kbd> <kbd>x</kbd> label, prediction, difference on and off</p>`;
}

const swatch = (colour: string, dashes: string) =>
  `<svg width="34" height="16" aria-hidden="true"><path d="M3 8H31" style="stroke:${colour};stroke-width:2.5;stroke-dasharray:${dashes}"/></svg>`;

function cardOf(item: AuditItem, picture: ReviewPicture, rank: number, folder: string): string {
  const { width, height, label, prediction } = picture;
  const name = text(item.name);
  const layer = (kind: string, path: string) =>
    `<defs><path class="outline" id="${kind}-${rank}" d="${path}"/></defs>` +
    `<g class="${kind}">${['halo', 'line'].map((line) => `<use href="#${kind}-${rank}" class="${line}"/>`).join('')}</g>`;
  const radios = (['keep', 'replace', 'drop'] as const).map(
    (decision) => `<label><input type="radio" name="decision-${rank}" value="${decision}">${decision}</label>`,
  );
  return `<article class="card" tabindex="-1" aria-label="${name}">
<button type="button" class="picture" style="--ratio:${(width / height).toFixed(4)}" aria-label="${name}, large or small">
<img loading="lazy" src="${url(folder, auditPaths(folder).picture(item.name))}" width="${width}" height="${height}" alt="">
<svg viewBox="0 0 ${width} ${height}" aria-hidden="true"><path class="difference"/>${layer('label', label)}${layer('prediction', prediction)}</svg>
</button>
<h2>${rank}. ${name}</h2>
<p><strong>IoU ${item.iou.toFixed(3)}</strong> <span class="soft">label ${percent(item.labelShare)} of the picture, prediction
${percent(item.predictionShare)}; its prompts agree to ${item.agreement.toFixed(2)}</span></p>
<fieldset><legend class="away">${name}</legend>${radios.join('')}</fieldset>
</article>`;
}

const percent = (share: number) => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)}\u00a0%`;

/** What trains on the manifest: with what of the audit's own options is needed for that. */
function trainCommand({ split, options, others }: AuditRecord): string {
  const quoted = (value: unknown) => (/^[\w./:,-]+$/.test(String(value)) ? String(value) : `'${value}'`);
  const option = (name: string, value: unknown) => (value === undefined ? [] : [name, quoted(value)]);
  const has = (wanted: string) => sameSplit(split, wanted) || others.some((row) => sameSplit(row.split, wanted));
  const cutOff = has('validation') ? [] : ['--validation-fraction 0.2', ...option('--group-by', options.groupBy)];
  const flags = [
    ...option('--train-split', has('train') ? undefined : split),
    ...option('--model', options.model === 'mobile-sam' ? undefined : options.model),
    ...cutOff,
    ...option('--bands', options.bands),
  ];
  return ['sam-native train --data reviewed.csv', ...flags].join(' ');
}

function url(folder: string, path: string): string {
  return relative(folder, path).split(sep).map(encodeURIComponent).join('/');
}

/** Anything as text of HTML. */
function text(value: unknown): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return String(value).replace(/[&<>"]/g, (character) => entities[character]!);
}
