/**
 * Figures as SVG texts, drawn by Observable Plot on a DOM without a browser. Colours are variables of the page's style, so that
 * they follow dark mode and print; what differs by colour differs by dashes or marks too.
 */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { median } from '../scoring/statistics.js';
import { type Html, html, trusted } from './html.js';

/** Drawn at the width that a phone shows; letters stay legible there. */
const WIDTH = 420;
const HEIGHT = 270;
/** Colours in the page's style. */
const SERIES = 6;
const DASHES = ['6 3', undefined, '2 3', '10 3 2 3', '4 2', '1 2'] as const;
const MARKS = ['square', 'circle', 'triangle', 'diamond', 'cross', 'star'] as const;

export const colourOf = (series: number) => `var(--series-${series % SERIES})`;
const dashOf = (series: number) => DASHES[series % DASHES.length];
const markOf = (series: number) => MARKS[series % MARKS.length]!;

/** A figure with its heading; `alt` says what is in it to those who don't see it. */
export function figure(title: string, alt: string, options: Plot.PlotOptions, legend?: Html): Html {
  const size = { width: WIDTH, height: HEIGHT, marginLeft: 48, marginBottom: 40, marginRight: 16 };
  const drawn = draw({ ...size, style: { fontSize: '12px' }, ...options });
  return html`<figure class="plot-figure"><figcaption>${title}</figcaption>${legend}<div role="img" aria-label="${title}: ${alt}">${trusted(drawn.outerHTML)}</div></figure>`;
}

/** What of an SVG element is used here: this package compiles without a browser's types. */
interface Drawn {
  readonly outerHTML: string;
  setAttribute(name: string, value: string): void;
  querySelector(selector: string): { remove(): void } | null;
}

function draw(options: Plot.PlotOptions): Drawn {
  const { document } = parseHTML('<!doctype html><html></html>');
  const drawn: Drawn = Plot.plot({ document, className: 'plot', ...options });
  drawn.querySelector('style')?.remove(); // the page has its own
  return drawn;
}

/** Names of series with their colour, dashes and marks. */
export function legend(
  names: readonly string[],
  look: 'line' | 'dots' | 'area' = 'line',
  series: readonly number[] = names.map((_, index) => index),
): Html {
  const items = names.map((name, index) => {
    const unit = { domain: [0, 1], axis: null };
    const size = { className: 'swatch', width: 34, height: 12, margin: 3, x: unit, y: unit };
    const swatch = draw({ ...size, marks: swatchMarks(series[index]!, look) });
    swatch.setAttribute('aria-hidden', 'true');
    return html`<li>${trusted(swatch.outerHTML)} ${name}</li>`;
  });
  return html`<ul class="legend">${items}</ul>`;
}

function swatchMarks(series: number, look: 'line' | 'dots' | 'area'): Plot.Markish[] {
  const points = [0, 0.5, 1].map((x) => ({ x, y: 0.5 }));
  if (look === 'area') return [Plot.rect([0], { x1: 0, x2: 1, y1: 0, y2: 1, fill: colourOf(series) })];
  if (look === 'dots') return [dots(series, points.slice(1, 2))];
  return [...lineMarks({ series, points, marks: false }), dots(series, points.slice(1, 2))];
}

/** Open marks, so that many on one place are seen to be many. */
export function dots(series: number, points: readonly Point[]): Plot.Markish {
  const look = { stroke: colourOf(series), symbol: markOf(series), r: 3.5, strokeWidth: 1.5 } as const;
  return Plot.dot(points, { x: 'x', y: 'y', ...look });
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Line {
  readonly series: number;
  readonly points: readonly Point[];
  /** Marks on the points; default where there are few. */
  readonly marks?: boolean;
  /** Bounds of each point, drawn as a band. */
  readonly band?: readonly { readonly low: number; readonly high: number }[] | undefined;
}

/** Marks of a line with its band, dashes and points. */
export function lineMarks({ series, points, marks = points.length <= 30, band }: Line): Plot.Markish[] {
  const stroke = colourOf(series);
  const dash = dashOf(series);
  const bounds = band === undefined ? [] : points.map(({ x }, index) => ({ x, ...band[index]! }));
  return [
    ...(bounds.length > 1
      ? [Plot.areaY(bounds, { x: 'x', y1: 'low', y2: 'high', fill: stroke, fillOpacity: 0.15 })]
      : []),
    Plot.lineY(points, {
      x: 'x',
      y: 'y',
      stroke,
      strokeWidth: 2,
      ...(dash !== undefined && { strokeDasharray: dash }),
    }),
    ...(marks ? [Plot.dot(points, { x: 'x', y: 'y', fill: stroke, symbol: markOf(series), r: 4 })] : []),
  ];
}

/** How many images reach which score, a row of bars for each model with its median. */
export function histograms(title: string, models: readonly { name: string; values: readonly number[] }[]): Html {
  const data = models.flatMap(({ values }, series) =>
    values.map((value) => ({ value: Math.min(value, 1 - 1e-9), series })),
  );
  const medians = models.map(({ values }, series) => ({ series, value: median(values) }));
  const alt = models.map(({ name, values }) => `${name} median ${median(values).toFixed(3)}`).join(', ');
  const names = models.map(({ name }) => name);
  return figure(
    title,
    alt,
    {
      height: 60 + 95 * models.length,
      x: { domain: [0, 1], label: 'IoU' },
      y: { label: 'images', grid: true, ticks: 3 },
      fy: { axis: null, padding: 0.12 },
      marks: [
        ...models.map((_, series) =>
          Plot.rectY(
            data.filter((one) => one.series === series),
            Plot.binX<Plot.RectYOptions>(
              { y: 'count' },
              { x: 'value', fy: 'series', fill: colourOf(series), thresholds: twentieths(), inset: 0.5 },
            ),
          ),
        ),
        Plot.ruleX(medians, {
          x: 'value',
          fy: 'series',
          stroke: 'currentColor',
          strokeWidth: 1.5,
          strokeDasharray: '3 2',
        }),
        Plot.text(medians, {
          x: 'value',
          fy: 'series',
          frameAnchor: 'top',
          text: ({ value }: { value: number }) => `median ${value.toFixed(3)}`,
          textAnchor: 'start',
          dx: 4,
          ...leftOf(medians),
        }),
        Plot.ruleY([0]),
      ],
    },
    legend(names, 'area'),
  );
}

/** Words stand to the left of a line that is far to the right. */
function leftOf(medians: readonly { value: number }[]): Plot.TextOptions {
  return medians.some(({ value }) => value > 0.75) ? { textAnchor: 'end', dx: -4 } : {};
}

const twentieths = () => Array.from({ length: 21 }, (_, index) => index / 20);

/** Both scores of every image: above the diagonal the second model is better. */
export function pairs(
  title: string,
  [first, second]: readonly [string, string],
  points: readonly Point[],
  series: number,
): Html {
  const better = points.filter(({ x, y }) => y > x).length;
  const worse = points.filter(({ x, y }) => y < x).length;
  return figure(title, `${second} is better on ${better} of ${points.length} images and worse on ${worse}`, {
    height: WIDTH - 40,
    x: { domain: [0, 1], label: `IoU, ${first}`, grid: true },
    y: { domain: [0, 1], label: `IoU, ${second}`, grid: true },
    marks: [
      diagonal(),
      Plot.text([{ x: 0.98, y: 0.04 }], {
        x: 'x',
        y: 'y',
        text: () => `better on ${better}, worse on ${worse} of ${points.length}`,
        textAnchor: 'end',
      }),
      dots(series, points),
    ],
  });
}

/** Where both axes are equal. */
export function diagonal(): Plot.Markish {
  const ends = [
    { x: 0, y: 0 },
    { x: 1, y: 1 },
  ];
  return Plot.line(ends, { x: 'x', y: 'y', stroke: 'currentColor', strokeOpacity: 0.5, strokeDasharray: '3 3' });
}
