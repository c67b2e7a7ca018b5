/** The part of a report that scores make: tables, distributions, pictures and every image. */
import type { EvaluateResult } from '../scoring/results.js';
import { type Html, html } from './html.js';
import { pictures } from './pictures.js';
import { differenceTables, robustness } from './sections/comparison-sections.js';
import {
  distributions,
  type Entry,
  entriesOf,
  imageTable,
  isTuned,
  promptsOf,
  type ReportedScores,
  scoresTable,
} from './sections/scores-sections.js';

/** What a comparison finds beyond the scores. */
export type ComparisonFindings = Partial<Pick<EvaluateResult, 'differences' | 'robustness'>>;

/** Writes the part about scores: tables, differences, distributions, worse prompts, pictures, every image. */
export async function scoresPart(
  scored: ReportedScores & ComparisonFindings,
  signal: AbortSignal | undefined,
): Promise<Html> {
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

/** Shows pictures with the masks of models that were given the same prompts: those from rough masks first, inference has no labels. */
async function pictureSection(
  scored: ReportedScores,
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
