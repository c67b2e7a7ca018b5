/**
 * `report.html` of a run, while it goes on and when it is done: one HTML file that needs nothing beside it and nothing from the network.
 * `scores.json` has its scores for programs.
 */
import { writeFileWhole } from '../core/files.js';
import type { TrainSeconds } from '../runs/events.js';
import { FORMAT_VERSION, runPaths } from '../runs/run-folder.js';
import { worseThanUntuned } from '../runs/untuned.js';
import { type Html, html } from './html.js';
import { writePage } from './page.js';
import { type RunRecord, readRun } from './run-record.js';
import { scoresPart } from './scores-part.js';
import type { ReportedScores } from './sections/scores-sections.js';
import { curves, settings, timings } from './sections/training-sections.js';

/** Seconds after which the page of a run that goes on is looked at again. */
const REFRESH_SECONDS = 20;

/** What a run's report says that the run's files don't. */
export interface RunStatus {
  /** Whether the run has ended; else the page looks for news by itself. */
  readonly ended: boolean;
  /** Mean validation IoU of the model as the run began with it, where that is known. */
  readonly untunedIou?: number | null | undefined;
  /** Wall time of this call. */
  readonly seconds?: TrainSeconds | undefined;
  /** Scores of the source weights and the best checkpoint on validation images. */
  readonly scored?: ReportedScores | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Writes the report of the run in `dir`, from what its files and the status say; its scores also to `scores.json`. */
export async function writeRunReport(dir: string, about: RunStatus): Promise<void> {
  const { ended, seconds, scored, signal } = about;
  const run = await readRun(dir);
  const { options, model } = run.config;
  const body = html`${status(run, about)}
${scored === undefined ? undefined : await scoresPart(scored, signal)}
<h2>Training</h2>${curves(run)}
<h2>Timings</h2>${timings(run, seconds)}
<h2>Settings and versions</h2>${settings(run)}`;
  const title = `${model.name} tuned on ${options.data}`;
  const paths = runPaths(dir);
  await writePage(paths.report, { title, body, refreshSeconds: ended ? undefined : REFRESH_SECONDS });
  if (scored === undefined) return;
  const scores = { formatVersion: FORMAT_VERSION, models: scored.models };
  await writeFileWhole(paths.scores, `${JSON.stringify(scores, null, 2)}\n`);
}

function status({ epochs, config }: RunRecord, { ended, untunedIou }: RunStatus): Html {
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
  const worse = worseThanUntuned(best?.validationIou, untunedIou);
  const verdict = worse === undefined ? '' : ` It is ${worse}. A lower learning rate may help, or sam-native tune.`;
  return html`<p class="lead">${where}.${found}${verdict}</p>`;
}
