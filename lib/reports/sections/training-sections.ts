/** Sections about a run: curves, settings and versions, timings. */
import { kebab } from '../../core/suggest.js';
import { trainOptionsSchema } from '../../options.js';
import type { TrainSeconds } from '../../runs/events.js';
import { type Axis, domainAround } from '../axes.js';
import { type Html, html } from '../html.js';
import { figure, type Line, legend, lineMark, type Mark, marker } from '../plots.js';
import type { EpochRecord, RunRecord } from '../run-record.js';

/** Draws losses, IoU and learning rate over epochs; says so where no epoch is complete yet. */
export function curves({ epochs, rates }: RunRecord): Html {
  if (epochs.length === 0) return html`<p class="soft">No epoch is complete yet.</p>`;
  const last = epochs.at(-1)!;
  const best = epochs.findLast((epoch) => epoch.best);
  const line = (series: number, key: 'trainLoss' | 'validationLoss' | 'validationIou'): Line => ({
    series,
    points: epochs.map((epoch) => ({ x: epoch.epoch, y: epoch[key] })),
  });
  const losses = `in epoch ${last.epoch} training ${last.trainLoss.toFixed(4)}, validation ${last.validationLoss.toFixed(4)}`;
  const loss = overEpochs('Loss', losses, 'loss', [line(0, 'trainLoss'), line(1, 'validationLoss')], best);
  const iou = `${last.validationIou.toFixed(4)} in epoch ${last.epoch}`;
  const rate = figure('Learning rate', `${rates.at(-1)?.y ?? 0} at the end`, [
    {
      x: epochAxis(0, last.epoch),
      y: { label: 'learning rate', domain: domainAround([0, ...rates.map(({ y }) => y)]), format: exponential },
      marks: [lineMark({ series: 1, points: rates, marks: false })],
    },
  ]);
  return html`<div class="plots">${loss}${overEpochs('IoU of the validation masks', iou, 'mean IoU', [line(1, 'validationIou')], best)}${rate}</div>`;
}

/** Makes an axis of epochs, with ticks at whole ones. */
function epochAxis(first: number, last: number): Axis {
  const step = Math.max(1, Math.ceil(last / 8));
  const ticks = Array.from({ length: Math.floor(last / step) + 1 }, (_, index) => index * step);
  return { label: 'epoch', domain: [first, last], ticks: ticks.filter((tick) => tick >= first) };
}

function exponential(rate: number): string {
  return rate === 0 ? '0' : rate.toExponential(1).replace('.0e', 'e');
}

function overEpochs(title: string, alt: string, label: string, lines: Line[], best: EpochRecord | undefined): Html {
  const last = lines[0]?.points.at(-1)?.x ?? 1;
  const marks: Mark[] = lines.map(lineMark);
  if (best !== undefined) marks.push(marker(best.epoch, `best: ${best.epoch}`));
  const domain = domainAround(lines.flatMap(({ points }) => points.map(({ y }) => y)));
  const chart = { x: epochAxis(Math.min(1, last - 1), last), y: { label, domain }, marks };
  return figure(title, alt, [chart], lines.length > 1 ? legend(['training', 'validation']) : undefined);
}

/** Shows what was asked for, with which versions, and on which device. */
export function settings({ config }: RunRecord): Html {
  const { options, versions, compute, data, model, createdAt } = config;
  const defaults: Record<string, unknown> = trainOptionsSchema.parse({ data: '' });
  const given = Object.entries(options).map(([name, value]): [string, Html | string] => {
    const text = String(value);
    return [`--${kebab(name)}`, value === defaults[name] ? text : html`<b>${text}</b>`];
  });
  const about: [string, string][] = [
    ['begun', createdAt],
    ['model', `${model.name} (weights ${short(model.weightsHash)}, encoder ${short(model.encoderHash)})`],
    ['training images', String(data.train.count)],
    ['validation images', String(data.validation.count)],
    ['device', `${compute.name} (${compute.device}, ${compute.precision})`],
    ['sam-native', versions.samNative],
    ['LibTorch', versions.libtorch],
    ['Node.js', versions.node],
  ];
  const half = Math.ceil(given.length / 2);
  return html`<div class="columns"><div>${facts(about)}</div><div>${facts(given.slice(0, half))}</div><div>${facts(given.slice(half))}</div></div>
<p class="soft">Bold: not the default.</p>`;
}

const short = (hash: unknown) => String(hash).slice(0, 12);

/** Makes a table of names and values. */
export function facts(pairs: readonly (readonly [string, Html | string | number])[]): Html {
  const rows = pairs.map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`);
  return html`<table class="facts">${rows}</table>`;
}

/**
 * Shows how long things took.
 *
 * @param seconds wall time of the call that ended the run; that of all epochs comes from the history.
 */
export function timings({ epochs }: RunRecord, seconds: TrainSeconds | undefined): Html {
  const trained = epochs.reduce((sum, epoch) => sum + epoch.seconds, 0);
  const last = epochs.at(-1);
  const call: [string, string][] =
    seconds === undefined
      ? []
      : [
          ['setup', inSeconds(seconds.setup)],
          ['encoding', inSeconds(seconds.encode)],
          ['training', inSeconds(seconds.train)],
          ['validating', inSeconds(seconds.validate)],
          ['all of it, but for this report', inSeconds(seconds.total)],
        ];
  return facts([
    ...call,
    ['training, all epochs', inSeconds(trained)],
    ['speed in the last epoch', last === undefined ? '-' : `${last.samplesPerSecond.toFixed(1)} images/s`],
  ]);
}

/** Writes a time: in seconds, in minutes from 100 seconds on, in hours from 100 minutes on. */
export function inSeconds(seconds: number): string {
  if (seconds < 100) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 100 ? `${minutes} min ${Math.round(seconds % 60)} s` : `${(seconds / 3600).toFixed(1)} h`;
}
