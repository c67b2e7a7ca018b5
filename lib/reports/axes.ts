/** Where values come to lie in a chart, and its axes as SVG text. d3-array finds round numbers. */
import { extent, nice, tickStep, ticks } from 'd3-array';
import { type Html, html } from './html.js';

/** Least and greatest value of an axis. */
export type Domain = readonly [low: number, high: number];

/** An axis of a chart. */
export interface Axis {
  readonly domain: Domain;
  /** Words at the axis. An x axis without them has no numbers either, but still a grid. */
  readonly label?: string | undefined;
  /** Values that ticks stand at; round numbers by default. */
  readonly ticks?: readonly number[];
  /** Writes the number at a tick. */
  readonly format?: (tick: number) => string;
}

/** Sides of the rectangle between the axes, in pixels. */
interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** A box, and where in it values come to lie. */
export interface Frame extends Box {
  /** Returns the pixel across of a value. */
  x(value: number): number;
  /** Returns the pixel down of a value. */
  y(value: number): number;
}

/** Makes the frame in which the domains fill the box. */
export function frameOf(x: Domain, y: Domain, box: Box): Frame {
  return { ...box, x: scale(x, box.left, box.right), y: scale(y, box.bottom, box.top) };
}

/** Maps a domain linearly to pixels, in tenths: they are enough, and short. */
function scale([low, high]: Domain, from: number, to: number): (value: number) => number {
  return (value) => Math.round(10 * (from + ((value - low) / (high - low || 1)) * (to - from))) / 10;
}

/** Finds round bounds around values; equal values come to lie in the middle. */
export function domainAround(values: readonly number[]): Domain {
  const [low = 0, high = 1] = extent(values);
  const margin = low === high ? Math.abs(low) / 10 || 0.5 : 0;
  return nice(low - margin, high + margin, 10);
}

/** Draws an x axis: grid, ticks and numbers; the label stands below the right end. */
export function xAxis(axis: Axis, { x, left, right, top, bottom }: Frame): Html {
  const all = ticksOf(axis, (right - left) / 75).map(({ tick, text }) => ({ at: x(tick), text }));
  const grid = html`<path class="grid" d="${all.map(({ at }) => `M${at},${top}V${bottom}`).join('')}"/>`;
  if (axis.label === undefined) return grid;
  const numbers = all.map(({ at, text }) => html`<text x="${at}" y="${bottom + 17}">${text}</text>`);
  return html`${grid}<path class="tick" d="${all.map(({ at }) => `M${at},${bottom}v5`).join('')}"/>
<g text-anchor="middle">${numbers}</g><text x="${right}" y="${bottom + 35}" text-anchor="end">${axis.label} →</text>`;
}

/** Draws a y axis: grid, ticks and numbers; the label stands above. */
export function yAxis(axis: Axis, { y, left, right, top, bottom }: Frame): Html {
  const all = ticksOf(axis, (bottom - top) / 40).map(({ tick, text }) => ({ at: y(tick), text }));
  const numbers = all.map(({ at, text }) => html`<text x="${left - 8}" y="${at}" dy=".35em">${text}</text>`);
  const label = axis.label && html`<text x="2" y="10">↑ ${axis.label}</text>`;
  return html`<path class="grid" d="${all.map(({ at }) => `M${left},${at}H${right}`).join('')}"/>
<path class="tick" d="${all.map(({ at }) => `M${left},${at}h-5`).join('')}"/><g text-anchor="end">${numbers}</g>${label}`;
}

/** Writes the numbers at ticks. Round ones have as many decimals as their distance; given ones are written as they are. */
function ticksOf({ domain: [low, high], ticks: given, format }: Axis, count: number): { tick: number; text: string }[] {
  const decimals = Math.max(0, Math.ceil(-Math.log10(tickStep(low, high, count))));
  const written = format ?? (given === undefined ? (tick: number) => tick.toFixed(decimals) : String);
  return (given ?? ticks(low, high, count)).map((tick) => ({ tick, text: written(tick) }));
}
