/**
 * `report.html`: of a run (while it goes on and when it is done) and of a comparison. One file, nothing beside it, nothing from
 * the network.
 */
import { dirname, join } from 'node:path';
import type { TrainSeconds } from '../runs/events.js';
import { runPaths } from '../runs/run-folder.js';
import type { EvaluateResult, ModelScores } from '../scoring/results.js';
import { type Html, html } from './html.js';
import { writePage } from './page.js';
import { pictures } from './pictures.js';
import { type RunRecord, readRun } from './run-record.js';
import { differenceTables, robustness } from './sections/comparison-sections.js';
import {
  distributions,
  type Entry,
  entriesOf,
  imageTable,
  isTuned,
  promptsOf,
  type Scored,
  scoresTable,
  sourceWords,
} from './sections/scores-sections.js';
import { curves, facts, inSeconds, settings, timings } from './sections/training-sections.js';

/** A report in work is looked at again this often. */
const REFRESH_SECONDS = 20;

export interface RunStatus {
  /** False: it goes on, and the page looks for news by itself. */
  readonly ended: boolean;
  /** Of this call. */
  readonly seconds?: TrainSeconds | undefined;
  /** The source weights and the best checkpoint on validation images. */
  readonly scored?: Scored | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Writes the report of the run in `dir`, from what its files say. */
export async function writeRunReport(dir: string, { ended, seconds, scored, signal }: RunStatus): Promise<void> {
  const run = await readRun(dir);
  const { options, model } = run.config;
  const body = html`${status(run, ended)}
${scored === undefined ? undefined : await scoreSections(scored, signal)}
<h2>Training</h2>${curves(run)}
<h2>Timings</h2>${timings(run, seconds)}
<h2>Settings and versions</h2>${settings(run)}`;
  const title = `${model.name} tuned on ${options.data}`;
  await writePage(runPaths(dir).report, { title, body, refreshSeconds: ended ? undefined : REFRESH_SECONDS });
}

function status({ epochs, config }: RunRecord, ended: boolean): Html {
  const last = epochs.at(-1);
  const best = epochs.findLast((epoch) => epoch.best);
  const asked = config.options.epochs;
  const where = ended
    ? `${last?.epoch ?? 0} of ${asked} epochs`
    : `In progress: ${last?.epoch ?? 0} of ${asked} epochs so far`;
  const found =
    best === undefined
      ? ''
      : ` Best: epoch ${best.epoch}, validation loss ${best.validationLoss.toFixed(4)}, mean IoU ${best.validationIou.toFixed(4)}` +
        ` on the grid of the loss.`;
  return html`<p class="lead">${where}.${found}</p>`;
}

export interface ComparisonReport extends Scored, ComparisonFindings {
  /** Where it goes. */
  readonly report: string;
  /** Folders of the runs among the models. */
  readonly runs: readonly string[];
  /** The table on disk. */
  readonly perImage: string;
  readonly device: string;
  readonly precision: string;
  readonly seconds: number;
  readonly signal?: AbortSignal | undefined;
}

/** What `evaluate` finds beyond the scores. */
export type ComparisonFindings = Partial<Pick<EvaluateResult, 'differences' | 'robustness'>>;

/** Writes the report of a comparison, with the curves and settings of the runs in it. */
export async function writeComparisonReport(report: ComparisonReport): Promise<void> {
  const runs = await Promise.all(report.runs.map(readRun));
  const { models, device, precision, perImage, seconds } = report;
  const about: [string, string][] = [
    ['written', new Date().toISOString()],
    ['device', `${device} (${precision})`],
    ['took', `${inSeconds(seconds)}, but for this report`],
    ['scores of each image', perImage],
  ];
  const body = html`${await scoreSections(report, report.signal)}
${runs.map((run) => html`<h2>Training of ${run.dir}</h2>${curves(run)}${timings(run, undefined)}`)}
<h2>Settings and versions</h2>
<div class="columns"><div>${facts(about)}</div>${models.map((scores) => html`<div>${facts(modelFacts(scores))}</div>`)}</div>
${runs.map((run) => html`<h3>${run.dir}</h3>${settings(run)}`)}`;
  const title = `${[...new Set(models.map(({ name }) => name))].join(', ')} compared`;
  await writePage(report.report, { title, body });
}

function modelFacts({ name, spec, promptSource, prompts, weightsHash }: ModelScores): [string, string][] {
  const { prompt, numPositive, numNegative, pointSets, maskOutput, seed } = prompts;
  const drawn = prompt === 'box' ? prompt : `${prompt}: ${numPositive} inside, ${numNegative} outside, ${pointSets}`;
  return [
    ['model', name === spec ? name : `${name} (${spec})`],
    ['weights', weightsHash?.slice(0, 12) ?? '-'],
    ['asked with', `${sourceWords(promptSource)}; ${drawn}; seed ${seed}`],
    ['mask output', maskOutput],
  ];
}

/** Tables, distributions, pictures, images. */
async function scoreSections(scored: Scored & ComparisonFindings, signal: AbortSignal | undefined): Promise<Html> {
  const { models, differences = [], robustness: curves } = scored;
  const entries = entriesOf(scored);
  const rankedBy = Math.max(
    0,
    entries.findIndex(({ scores }) => isTuned(scores)),
  );
  const paired =
    differences.length === 0 ? undefined : html`<h2>Paired differences</h2>${differenceTables(differences, models)}`;
  const robust = curves == null ? undefined : html`<h2>Worse prompts</h2>${robustness(curves)}`;
  return html`<p class="lead">Median IoU on ${entries[rankedBy]?.rows.length ?? 0} images: ${medians(entries)}.</p>
<h2>Scores</h2>${scoresTable(entries)}${paired}
<h2>Before and after</h2>${distributions(entries)}${robust}
${await pictureSection(scored, entries, signal)}
<h2>Every image</h2>${imageTable(entries, rankedBy)}`;
}

function medians(entries: readonly Entry[]): string {
  return entries.map(({ name, scores }) => `${name} ${scores.medianIou.toFixed(3)}`).join(', ');
}

/** Of models that were given the same prompts. Inference knows no labels: rough masks go before them. */
async function pictureSection(
  scored: Scored,
  entries: readonly Entry[],
  signal: AbortSignal | undefined,
): Promise<Html> {
  const models = entries.filter(({ scores }) => scores.weightsHash !== null);
  const first = models.find(({ scores }) => scores.promptSource === 'rough') ?? models[0];
  const pictured = models.filter((entry) => first !== undefined && promptsOf(entry) === promptsOf(first));
  const shown = await pictures(
    {
      entrants: pictured.map(({ scores }) => scores),
      names: pictured.map(({ name }) => name),
      rankedBy: Math.max(
        0,
        pictured.findIndex(({ scores }) => isTuned(scores)),
      ),
      rows: scored.rows,
      sketches: scored.sketches,
    },
    signal,
  );
  return html`<h2>Pictures</h2>
<p class="soft">Points inside the object are green with a plus, those outside red with a minus, boxes yellow. Click a picture to enlarge it;
the arrow keys go on to the next, Esc closes it.</p>
${shown}`;
}

/** The report's file: `given` itself if it ends in .html, else `report.html` in the folder; without it beside the table. */
export function reportPath(given: string | undefined, perImage: string): string {
  if (given === undefined) {
    return /per-image\.(csv|parquet)$/.test(perImage)
      ? join(dirname(perImage), 'report.html')
      : perImage.replace(/\.(csv|parquet)$/i, '.html');
  }
  return given.toLowerCase().endsWith('.html') ? given : join(given, 'report.html');
}
