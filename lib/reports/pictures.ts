/** Photos with their label, masks and prompts as layers: which images are shown, how large, and how. */
import sharp from 'sharp';
import { decodeImage } from '../data/decode.js';
import type { Sample } from '../data/sample.js';
import { spreadPlaces } from '../data/sample-list.js';
import { promptMarks } from '../prompts/marks.js';
import type { PromptShapes } from '../prompts/prompt.js';
import type { ImageScores, ModelScores } from '../scoring/results.js';
import { type Html, html, trusted } from './html.js';
import { entrantKey, type Sketch, type Sketches } from './sketches.js';

/** Pictures in a report, the twelve large ones included. */
const MOST_PICTURES = 200;
/** Worst, median and best: so many of each. */
const OF_EACH = 4;
/** Long sides, pixels. */
const LARGE = 768;
const SMALL = 320;
/** Characters of all pictures together: the report stays under 15 MB whatever the photos are like. */
const MOST_CHARACTERS = 13_000_000;

/** What pictures are made of. */
export interface Pictured {
  readonly entrants: readonly Pick<ModelScores, 'name' | 'promptSource' | 'promptKind'>[];
  /** What the legend calls the entrants. */
  readonly names: readonly string[];
  /** Index of the entrant whose IoU ranks the images. */
  readonly rankedBy: number;
  readonly rows: readonly ImageScores[];
  readonly sketches: Sketches;
}

interface Shown {
  readonly sketch: Sketch;
  /** IoU of each entrant. */
  readonly ious: readonly (number | undefined)[];
}

/** The section's content: checkboxes for the layers, then the pictures. Empty where there is nothing to show. */
export async function pictures(pictured: Pictured, signal?: AbortSignal): Promise<Html | undefined> {
  const ranked = rank(pictured);
  if (ranked.length === 0) return undefined;
  const groups = ranked.length <= 3 * OF_EACH ? [{ title: 'All, the worst first', from: ranked }] : extremes(ranked);
  const large = new Set(groups.flatMap(({ from }) => from));
  const others = ranked.filter((one) => !large.has(one));
  const room = MOST_PICTURES - large.size;
  const some = spreadPlaces(others.length, room).map((place) => others[place]!);
  const budget = { left: MOST_CHARACTERS };
  const sections: Html[] = [];
  for (const { title, from } of groups) {
    sections.push(
      html`<h3>${title}</h3><div class="pictures">${await figures(from, LARGE, pictured, budget, signal)}</div>`,
    );
  }
  if (some.length > 0) {
    const small = await figures(some, SMALL, pictured, budget, signal);
    const left = others.length - small.length;
    const said = left === 0 ? 'All others' : `${small.length} of the ${others.length} others`;
    sections.push(html`<h3>${said}, the worst first</h3><div class="pictures small">${small}</div>`);
  }
  return html`<section>${checkboxes(pictured.names)}${sections}</section>${HATCH}${DIALOG}`;
}

/** Worst first. */
function rank({ entrants, rankedBy, rows, sketches }: Pictured): Shown[] {
  const keys = entrants.map(entrantKey);
  const byImage = new Map<string, Map<string, number>>();
  for (const { image, model, iou, ...row } of rows) {
    const ious = byImage.get(image) ?? new Map<string, number>();
    byImage.set(image, ious.set(entrantKey({ name: model, ...row }), iou));
  }
  const shown = [...byImage].flatMap(([image, ious]) => {
    const sketch = sketches.of(image);
    return sketch === undefined ? [] : [{ sketch, ious: keys.map((key) => ious.get(key)) }];
  });
  return shown.sort((a, b) => (a.ious[rankedBy] ?? 0) - (b.ious[rankedBy] ?? 0));
}

function extremes(ranked: readonly Shown[]): { title: string; from: readonly Shown[] }[] {
  const middle = (ranked.length - OF_EACH) >> 1;
  return [
    { title: 'The worst', from: ranked.slice(0, OF_EACH) },
    { title: 'Around the median', from: ranked.slice(middle, middle + OF_EACH) },
    { title: 'The best', from: ranked.slice(-OF_EACH) },
  ];
}

async function figures(
  shown: readonly Shown[],
  side: number,
  pictured: Pictured,
  budget: { left: number },
  signal: AbortSignal | undefined,
): Promise<Html[]> {
  const made: Html[] = [];
  for (const one of shown) {
    signal?.throwIfAborted();
    const next = figure(one, await photo(one.sketch.sample, side), pictured);
    budget.left -= next.text.length;
    if (budget.left < 0) break;
    made.push(next);
  }
  return made;
}

/** A data URI: WebP, its long side at most `side` pixels. */
async function photo(sample: Sample, side: number): Promise<string> {
  const { pixels, width, height } = await decodeImage(sample);
  const bytes = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .resize(side, side, { fit: 'inside', withoutEnlargement: true })
    .webp({ quality: side === LARGE ? 75 : 65 })
    .toBuffer();
  return `data:image/webp;base64,${bytes.toString('base64')}`;
}

function figure({ sketch, ious }: Shown, uri: string, { entrants, names }: Pictured): Html {
  const { width, height } = sketch.frame;
  const { name } = sketch.sample;
  const ratio = `--ratio:${(width / height).toFixed(4)}`;
  const scored = names.map(
    (model, index) => html`${index === 0 ? '' : ', '}${model} ${ious[index]?.toFixed(3) ?? '-'}`,
  );
  const masks = entrants.map((entrant, index) => {
    const path = sketch.masks.get(entrantKey(entrant)) ?? '';
    return path === '' ? '' : html`<path class="layer-${index} mask-${index % 6}" fill-rule="evenodd" d="${path}"/>`;
  });
  const label =
    sketch.label === ''
      ? ''
      : html`<g class="layer-label"><path class="halo" d="${sketch.label}"/><path class="mask-label" d="${sketch.label}"/></g>`;
  return html`<figure><button class="open" type="button" aria-haspopup="dialog" aria-label="Enlarge ${name}" style="${ratio}"><span
 class="stack" style="${ratio}"><img class="layer-photo" alt="${name}"
 src="${uri}"><svg class="over" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" aria-hidden="true">${masks}${label}<g
 class="layer-prompts">${promptsOf(sketch, entrants).map((prompt) => marks(prompt, sketch))}</g></svg></span></button><figcaption>${name}
 <small>IoU: ${scored}</small></figcaption></figure>`;
}

/** Those of the entrants in the picture; mostly they share one. */
function promptsOf({ prompts }: Sketch, entrants: Pictured['entrants']): PromptShapes[] {
  const shapes = entrants.flatMap((entrant) => prompts.get(entrantKey(entrant)) ?? []);
  return [...new Map(shapes.map((shape) => [JSON.stringify(shape), shape])).values()];
}

function marks(prompt: PromptShapes, { frame, width, height }: Sketch): Html {
  const scale = Math.max(frame.width / width, frame.height / height);
  const to = (pixel: number) => Math.round((pixel + 0.5) * scale * 10) / 10;
  return trusted(promptMarks(prompt, ([x, y]) => [to(x), to(y)]));
}

/** One for each layer, with the look of it. */
function checkboxes(names: readonly string[]): Html {
  const outline = (looks: string) =>
    html`<svg width="26" height="16" class="over" aria-hidden="true">${trusted(looks)}</svg>`;
  const path = (looks: string) => outline(`<path class="${looks}" d="M3 3H23V13H3z"/>`);
  const box = (id: string, looks: Html | string, name: string) =>
    html`<label><input type="checkbox" id="show-${id}" checked> ${looks} ${name}</label>`;
  const masks = names.map((name, index) => box(String(index), path(`mask-${index % 6}`), name));
  const dot = outline(
    '<circle class="prompt-in" cx="13" cy="8" r="6"/><path class="prompt-sign" d="M10 8H16M13 5V11"/>',
  );
  const ids = ['photo', 'label', 'prompts', ...names.map((_, index) => String(index))];
  const rules = ids.map((id) => `body:has(#show-${id}:not(:checked)) .layer-${id}{visibility:hidden}`);
  return html`<style>${trusted(rules.join('\n'))}</style><div class="layers sticky" role="group" aria-label="Layers of the pictures">
${box('photo', '', 'photo')}${box('label', path('mask-label'), 'label')}${masks}${box('prompts', dot, 'prompts')}</div>`;
}

/** Of the first mask: seen under the others, whatever their colour. */
const HATCH = html`<svg width="0" height="0" aria-hidden="true"><pattern id="hatch" width="9" height="9" patternUnits="userSpaceOnUse"
 patternTransform="rotate(45)"><path d="M0 0V9" stroke="#ff8c1a" stroke-opacity=".75" stroke-width="2.5"/></pattern></svg>`;

const DIALOG = html`<dialog aria-label="Enlarged picture"><nav><p></p><button type="button" class="before" aria-label="Picture before">&larr;</button><button
 type="button" class="after" aria-label="Next picture">&rarr;</button><form method="dialog"><button autofocus>Close</button></form></nav><div
 class="place"></div></dialog>`;
