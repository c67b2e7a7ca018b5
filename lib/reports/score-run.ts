/** What a run's report compares: the source weights and the best checkpoint, on validation images whose embeddings are there. */
import type { Hooks } from '../core/hooks.js';
import type { Sample, Samples } from '../data/sample.js';
import { inReadingOrder } from '../data/sample.js';
import { spreadPlaces } from '../data/sample-list.js';
import { resolveEntrants } from '../scoring/entrants.js';
import { type Scoring, scoreModel, summarise } from '../scoring/judge.js';
import { RoughMaskSources } from '../scoring/rough-scores.js';
import type { ReportedScores } from './sections/scores-sections.js';
import { Sketches } from './sketches.js';

/** Most images that are scored: each takes some tenths of a second on a CPU. */
const MOST_SCORED = 200;

export interface ScoreRunOptions extends Pick<Scoring, 'store' | 'compute'>, Hooks {
  cacheDir?: string | undefined;
}

/** Scores a run's source weights and best checkpoint with the prompts of its own validation; from rough masks where the run describes any. */
export async function scoreRun(dir: string, validation: Samples, options: ScoreRunOptions): Promise<ReportedScores> {
  const samples = someOf(validation);
  const { cacheDir, signal, onWarning, store, compute } = options;
  const entrants = await resolveEntrants({ models: ['untuned', dir], cacheDir, signal });
  const source = entrants.some(({ promptSource }) => promptSource === 'rough') ? 'rough' : 'ground-truth';
  const rough = new RoughMaskSources();
  const sketches = new Sketches();
  try {
    const scored: ReportedScores = { models: [], rows: [], sketches };
    for (const found of entrants.filter(({ promptSource }) => promptSource === source)) {
      const entrant = found.model.checkpoint === undefined ? found : { ...found, name: 'tuned' };
      const from = { store, compute, masks: rough.of(entrant), show: sketches.show };
      const rows = await scoreModel(entrant, samples, from, { signal, onWarning });
      scored.models.push(await summarise(entrant, rows));
      scored.rows.push(...rows);
    }
    return scored;
  } finally {
    await rough.dispose();
  }
}

/** Takes all images, or as many as are scored at most, from all over the split. */
function someOf(validation: Samples): Sample[] {
  return inReadingOrder(spreadPlaces(validation.length, MOST_SCORED).flatMap((place) => validation.at(place) ?? []));
}
