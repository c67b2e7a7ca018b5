/**
 * Figures as SVG texts: marks, whose curves and symbols are d3-shape's, between axes. Colours are variables of the page's style,
 * so that they follow dark mode and print; what differs by colour differs by dashes or marks too.
 */
import { bin, max, ticks } from 'd3-array';
import * as shape from 'd3-shape';
import { median } from '../scoring/statistics.js';
import { type Axis, type Frame, frameOf, xAxis, yAxis } from './axes.js';
import { type Html, html } from './html.js';

/** Width of a figure, pixels: that of a phone, where letters stay legible. */
const WIDTH = 420;
const [LEFT, RIGHT] = [52, 404];
const HEIGHT = 200;
/** Height of a chart that is as high as wide. */
export const SQUARE = RIGHT - LEFT;
/** Number of colours in the page's style. */
const SERIES = 6;
const DASHES = ['6 3', undefined, '2 3', '10 3 2 3', '4 2', '1 2'] as const;
const SYMBOLS = [
  shape.symbolSquare,
  shape.symbolCircle,
  shape.symbolTriangle,
  shape.symbolDiamond,
  shape.symbolCross,
  shape.symbolStar,
] as const;

const colourOf = (series: number) => `var(--series-${series % SERIES})`;

/** Something that is drawn between the axes. */
export type Mark = (frame: Frame) => Html;

/** Two axes, and what is drawn between them. */
export interface Chart {
  readonly x: Axis;
  readonly y: Axis;
  /** Height between the axes, pixels. */
  readonly height?: number;
  readonly marks: readonly Mark[];
}

/** Draws a figure: its heading, its legend, its charts one below the other. `alt` says what is in it to those who don't see it. */
export function figure(title: string, alt: string, charts: readonly Chart[], legend?: Html): Html {
  return html`<figure class="plot-figure"><figcaption>${title}</figcaption>${legend}<div role="img" aria-label="${title}: ${alt}">${charts.map(drawn)}</div></figure>`;
}

function drawn({ x, y, height = HEIGHT, marks }: Chart): Html {
  // Above are the label of y and, below it, words of marks.
  const top = y.label === undefined ? 18 : 30;
  const frame = frameOf(x.domain, y.domain, { left: LEFT, right: RIGHT, top, bottom: top + height });
  const below = x.label === undefined ? 4 : 40;
  return html`<svg class="plot" viewBox="0 0 ${WIDTH} ${frame.bottom + below}">${xAxis(x, frame)}${yAxis(y, frame)}
${marks.map((mark) => mark(frame))}</svg>`;
}

/** Makes a legend: names of series beside their colour, dashes and marks. */
export function legend(
  names: readonly string[],
  look: 'line' | 'dots' | 'area' = 'line',
  series: readonly number[] = names.map((_, index) => index),
): Html {
  const frame = frameOf([0, 1], [0, 1], { left: 3, right: 31, top: 3, bottom: 9 });
  const items = names.map((name, index) => {
    const marks = swatchMarks(series[index]!, look).map((mark) => mark(frame));
    return html`<li><svg class="swatch" viewBox="0 0 34 12" aria-hidden="true">${marks}</svg> ${name}</li>`;
  });
  return html`<ul class="legend">${items}</ul>`;
}

function swatchMarks(series: number, look: 'line' | 'dots' | 'area'): Mark[] {
  if (look === 'area') return [bars(series, [1])];
  const symbol = dots(series, [{ x: 0.5, y: 0.5 }]);
  const points = [0, 1].map((x) => ({ x, y: 0.5 }));
  return look === 'dots' ? [symbol] : [lineMark({ series, points, marks: false }), symbol];
}

/** A place between the axes, by its values. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Draws points as open marks, so that many on one place are seen to be many. */
export function dots(series: number, points: readonly Point[]): Mark {
  return (frame) =>
    html`<g fill="none" stroke="${colourOf(series)}" stroke-width="1.5">${symbols(series, 3.5, points, frame)}</g>`;
}

/**
 * Draws a symbol at each point.
 *
 * @param radius radius of a circle of the symbol's area.
 */
function symbols(series: number, radius: number, points: readonly Point[], { x, y }: Frame): Html[] {
  const outline = shape.symbol(SYMBOLS[series % SYMBOLS.length], Math.PI * radius ** 2).digits(2)();
  return points.map((point) => html`<path transform="translate(${x(point.x)},${y(point.y)})" d="${outline}"/>`);
}

/** A line, and how it is drawn. */
export interface Line {
  /** Number of the series, from 0, which its colour, dashes and symbols go by. */
  readonly series: number;
  readonly points: readonly Point[];
  /** Whether points have symbols; by default where there are few. */
  readonly marks?: boolean;
  /** Bounds of each point, drawn as a band. */
  readonly band?: readonly { readonly low: number; readonly high: number }[] | undefined;
}

/** Draws a line with its band, dashes and points. */
export function lineMark({ series, points, marks = points.length <= 30, band = [] }: Line): Mark {
  const colour = colourOf(series);
  const dash = DASHES[series % DASHES.length];
  const dashes = dash && html` stroke-dasharray="${dash}"`;
  return (frame) => {
    const { x, y } = frame;
    const bounds = band.map(({ low, high }, index) => ({ x: x(points[index]!.x), low: y(low), high: y(high) }));
    const between = shape.area<(typeof bounds)[number]>(
      ({ x }) => x,
      ({ low }) => low,
      ({ high }) => high,
    )(bounds);
    const through = shape.line<Point>(
      (point) => x(point.x),
      (point) => y(point.y),
    )([...points]);
    return html`${between && html`<path fill="${colour}" fill-opacity=".15" d="${between}"/>`}
<path fill="none" stroke="${colour}" stroke-width="2"${dashes} d="${through}"/>
${marks ? html`<g fill="${colour}">${symbols(series, 4, points, frame)}</g>` : undefined}`;
  };
}

/** Draws an upright line with words at its upper end. */
export function marker(at: number, words: string): Mark {
  return ({ x, left, right, top, bottom }) => {
    const anchor = x(at) > (left + right) / 2 ? 'end' : 'start';
    return html`<path class="marker" d="M${x(at)},${top - 3}V${bottom}"/><text x="${x(at)}" y="${top - 6}" text-anchor="${anchor}">${words}</text>`;
  };
}

/** Draws the line on which both values are equal, from 0 to 1. */
export function diagonal(): Mark {
  return ({ x, y }) => html`<path class="diagonal" d="M${x(0)},${y(0)}L${x(1)},${y(1)}"/>`;
}

/** Draws a bar for each count, side by side from 0 to 1. */
function bars(series: number, counts: readonly number[]): Mark {
  return ({ x, y, left, right, bottom }) => {
    const side = (index: number) => x(index / counts.length);
    const each = counts.map(
      (count, index) => `M${side(index) + 0.5},${bottom}V${y(count)}H${side(index + 1) - 0.5}V${bottom}Z`,
    );
    return html`<path fill="${colourOf(series)}" d="${each.join('')}"/><path class="tick" d="M${left},${bottom}H${right}"/>`;
  };
}

/** Draws how many images reach which score: a row of bars for each model, with its median. */
export function histograms(title: string, models: readonly { name: string; values: readonly number[] }[]): Html {
  const inTwentieths = bin()
    .domain([0, 1])
    .thresholds(ticks(0, 1, 20).slice(1, -1));
  const counts = models.map(({ values }) => inTwentieths(values).map(({ length }) => length));
  const most = max(counts.flat()) ?? 1;
  const whole = ticks(0, most, 3).filter(Number.isInteger);
  const medians = models.map(({ values }) => median(values).toFixed(3));
  const charts = models.map(({ values }, series): Chart => {
    const [first, last] = [series === 0, series === models.length - 1];
    return {
      x: { domain: [0, 1], label: last ? 'IoU' : undefined },
      y: { domain: [0, most], label: first ? 'images' : undefined, ticks: whole },
      height: 72,
      marks: [bars(series, counts[series]!), marker(median(values), `median ${medians[series]}`)],
    };
  });
  const alt = models.map(({ name }, index) => `${name} median ${medians[index]}`).join(', ');
  const names = models.map(({ name }) => name);
  return figure(title, alt, charts, legend(names, 'area'));
}

/** Draws two models' scores of every image: above the diagonal the second model is better. */
export function pairs(
  title: string,
  [first, second]: readonly [string, string],
  points: readonly Point[],
  series: number,
): Html {
  const better = points.filter(({ x, y }) => y > x).length;
  const worse = points.filter(({ x, y }) => y < x).length;
  const words: Mark = ({ right, bottom }) =>
    html`<text x="${right - 6}" y="${bottom - 8}" text-anchor="end">better on ${better}, worse on ${worse} of ${points.length}</text>`;
  const chart = {
    x: { domain: [0, 1], label: `IoU, ${first}` },
    y: { domain: [0, 1], label: `IoU, ${second}` },
    height: SQUARE,
    marks: [diagonal(), words, dots(series, points)],
  } as const;
  return figure(title, `${second} is better on ${better} of ${points.length} images and worse on ${worse}`, [chart]);
}
