/**
 * The report of a comparison, as `evaluate` writes it: scores, pictures, the curves and settings of the runs among the models. One HTML
 * file, nothing beside it, nothing from the network.
 */
import { dirname, join } from 'node:path';
import type { ModelScores } from '../scoring/results.js';
import { html } from './html.js';
import { writePage } from './page.js';
import { readRun } from './run-record.js';
import { type ComparisonFindings, scoresPart } from './scores-part.js';
import { type ReportedScores, sourceWords } from './sections/scores-sections.js';
import { curves, facts, inSeconds, settings, timings } from './sections/training-sections.js';

/** What a comparison found, with what, and where its report goes. */
export interface ComparisonReport extends ReportedScores, ComparisonFindings {
  /** File of the report. */
  readonly report: string;
  /** Folders of the runs among the models. */
  readonly runs: readonly string[];
  /** File of the per-image table. */
  readonly perImage: string;
  readonly device: string;
  readonly precision: string;
  /** Wall time of the comparison. */
  readonly seconds: number;
  readonly signal?: AbortSignal | undefined;
}

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
  const body = html`${await scoresPart(report, report.signal)}
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

/** Returns the report's file: `given` itself if it ends in .html, else `report.html` in the folder `given`; without it beside the table. */
export function reportPath(given: string | undefined, perImage: string): string {
  if (given === undefined) {
    return /per-image\.(csv|parquet)$/.test(perImage)
      ? join(dirname(perImage), 'report.html')
      : perImage.replace(/\.(csv|parquet)$/i, '.html');
  }
  return given.toLowerCase().endsWith('.html') ? given : join(given, 'report.html');
}
