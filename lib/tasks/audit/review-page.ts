/**
 * The review page, `review.html`: the worst labels, each with its photograph and the outlines of label and prediction, to keep, replace
 * or drop. It needs no network and no server; its pictures lie beside it. The browser saves decisions as a download.
 */
import { relative, sep } from 'node:path';
import { sameSplit } from '../../data/splits.js';
import { type Html, html, trusted } from '../../reports/html.js';
import { type AuditItem, type AuditRecord, auditPaths } from './folder.js';
import type { ReviewPicture } from './pictures.js';
import { REVIEW_SCRIPT } from './review-script.js';
import { REVIEW_STYLE } from './review-style.js';

/** Content security policy, to which browsers hold themselves: nothing but the pictures beside the page is asked for. */
const POLICY = "default-src 'none'; img-src 'self' file:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/** Data for the page's script; paths are absolute. */
export interface ReviewData extends Pick<AuditRecord, 'createdAt' | 'split' | 'others'> {
  folder: string;
  /** Items, also those that are not shown, whose labels are kept. */
  items: Pick<AuditItem, 'name' | 'image' | 'mask' | 'prediction'>[];
}

/**
 * Makes the review page of an audit.
 *
 * @param pictures pictures of the items that are shown: the first ones, in their order.
 */
export function reviewPage(record: AuditRecord, pictures: readonly ReviewPicture[], folder: string): string {
  const { items, others, split, createdAt } = record;
  const rows = items.map(({ name, image, mask, prediction }) => ({ name, image, mask, prediction }));
  const data: ReviewData = { folder, createdAt, split, items: rows, others };
  const cards = pictures.map((picture, index) => cardOf(items[index]!, picture, index + 1, folder));
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>Labels of ${split}, worst first</title>
<style>${trusted(REVIEW_STYLE)}</style>
<header>
${introduction(record, pictures.length)}
</header>
<main>
<div class="cards">
${cards}</div>
</main>
<div class="bar"><div>
<p id="counts" role="status"></p>
<button type="button" class="action" id="decisions">Save decisions</button>
<button type="button" class="action main" id="manifest">Save manifest</button>
<p id="next" class="soft" role="status"></p>
</div></div>
<template id="after-manifest">Saved as <code>reviewed.csv</code>. Now: <code>${trainCommand(record)}</code></template>
<template id="after-decisions">Saved as <code>decisions.json</code>. It becomes a manifest with
<code>sam-native audit --apply decisions.json</code>, also on another computer, beside its <code>audit.json</code>.</template>
<script type="application/json" id="audit">${trusted(JSON.stringify(data).replaceAll('<', '\\u003c'))}</script>
<script>${trusted(REVIEW_SCRIPT)}</script>
</html>
`.text;
}

function introduction({ items, options, split, model }: AuditRecord, shown: number): Html {
  const epochs = Number(options.epochs);
  const rest = items.length - shown;
  return html`<h1>${rest === 0 ? `All ${shown}` : `The worst ${shown} of ${items.length}`} labels, worst first</h1>
<p>Split <code>${split}</code> of <code>${String(options.data)}</code>. Each label was compared with what <code>${model}</code> predicts after
${epochs} ${epochs === 1 ? 'epoch' : 'epochs'} on the other labels (${String(options.folds)} folds), so it was never trained on the label
that it judges. A low IoU means that the two differ, not which of them is right: look.</p>
<p class="soft"><b>Keep</b> the label, <b>replace</b> it by the prediction, or <b>drop</b> the image. What is not decided${
    rest > 0 ? `, and the ${rest} that are not shown, are` : ' is'
  } kept.</p>
<div class="layers">
<label><input type="checkbox" value="label" checked>${swatch('label')} label</label>
<label><input type="checkbox" value="prediction" checked>${swatch('prediction')} prediction</label>
<label><input type="checkbox" value="difference"> where they differ</label>
</div>
<p class="keys soft"><kbd>j</kbd> <kbd>k</kbd> next, previous; <kbd>1</kbd> keep, <kbd>2</kbd> replace, <kbd>3</kbd> drop; <kbd>z</kbd> or a
click: large; <kbd>l</kbd> <kbd>p</kbd> <kbd>x</kbd> label, prediction, difference on and off</p>`;
}

function swatch(kind: 'label' | 'prediction'): Html {
  return html`<svg width="34" height="16" aria-hidden="true" class="${kind}"><path class="line" d="M3 8H31"/></svg>`;
}

function cardOf(item: AuditItem, picture: ReviewPicture, rank: number, folder: string): Html {
  const { width, height, label, prediction } = picture;
  const { name, iou, agreement, labelShare, predictionShare } = item;
  // The halo and the line upon it are one path, shown twice.
  const layer = (
    kind: string,
    path: string,
  ) => html`<defs><path class="outline" id="${kind}-${rank}" d="${path}"/></defs><g
 class="${kind}"><use href="#${kind}-${rank}" class="halo"/><use href="#${kind}-${rank}" class="line"/></g>`;
  const radios = (['keep', 'replace', 'drop'] as const).map(
    (decision) => html`<label><input type="radio" name="decision-${rank}" value="${decision}">${decision}</label>`,
  );
  return html`<article class="card" tabindex="-1" aria-label="${name}">
<button type="button" class="picture" style="--ratio:${(width / height).toFixed(4)}" aria-label="${name}, large or small">
<img loading="lazy" src="${url(folder, auditPaths(folder).picture(name))}" width="${width}" height="${height}" alt="">
<svg viewBox="0 0 ${width} ${height}" aria-hidden="true"><path class="difference"/>${layer('label', label)}${layer('prediction', prediction)}</svg>
</button>
<h2>${rank}. ${name}</h2>
<p><strong>IoU ${iou.toFixed(3)}</strong> <span class="soft">label ${percent(labelShare)} of the picture, prediction
${percent(predictionShare)}; its prompts agree to ${agreement.toFixed(2)}</span></p>
<fieldset><legend class="away">${name}</legend>${radios}</fieldset>
</article>
`;
}

const percent = (share: number) => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)}\u00a0%`;

/** Writes the command that trains on the manifest, with those of the audit's options that it needs. */
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
