/**
 * Comparison of the winner with the settings given: both at full length, on the same images, each with the prompts that it was trained
 * with.
 */
import type { Counted, Hooks } from '../../core/hooks.js';
import type { Sample } from '../../data/sample.js';
import type { Compute } from '../../device.js';
import type { EmbeddingStore } from '../../embeddings/embedding-store.js';
import { type Entrant, resolveEntrants } from '../../scoring/entrants.js';
import { scoreModel, summarise } from '../../scoring/judge.js';
import type { ModelScores, PairedDifference } from '../../scoring/results.js';
import { RoughMaskSources } from '../../scoring/rough-scores.js';
import { compare, type Scored } from '../../scoring/summaries.js';

/** The winner of the search beside the settings given, on the same images. */
export interface SearchComparison {
  /** Split of the images: `validation`, by which the winner was chosen, or `test`, by which nothing was chosen. */
  split: 'validation' | 'test';
  /** Scores of the settings given, then of the winner. */
  models: [ModelScores, ModelScores];
  /** Difference in IoU at the labels' own resolution, winner minus settings given, image by image. */
  difference: PairedDifference;
}

export interface CompareContext {
  compute: Compute;
  /** Store that has the embeddings of all images. */
  store: EmbeddingStore;
  cacheDir: string;
  hooks: Hooks<Counted>;
}

export interface Contender {
  name: string;
  checkpoint: string;
}

export async function compareWithGiven(
  contenders: readonly [given: Contender, winner: Contender],
  split: SearchComparison['split'],
  samples: readonly Sample[],
  context: CompareContext,
): Promise<SearchComparison> {
  const [given, winner] = [await score(contenders[0], samples, context), await score(contenders[1], samples, context)];
  const { seed } = given.summary.prompts;
  const difference = await compare(given, winner, { metric: 'iou', resolution: 'own' }, seed);
  return { split, models: [given.summary, winner.summary], difference: difference! };
}

async function score(
  { name, checkpoint }: Contender,
  samples: readonly Sample[],
  context: CompareContext,
): Promise<Scored> {
  const { cacheDir, hooks } = context;
  const entrants = await resolveEntrants({ models: [checkpoint], cacheDir, ...hooks });
  return scoreEntrant({ ...asUsed(entrants), name }, samples, context);
}

export async function scoreEntrant(
  entrant: Entrant,
  samples: readonly Sample[],
  { compute, store, hooks }: CompareContext,
): Promise<Scored> {
  const rough = new RoughMaskSources();
  try {
    const from = { store, compute, masks: rough.of(entrant) };
    const usable: Sample[] = [];
    for (const sample of samples) {
      // With `--prompt-source mixed` a run goes on without some rough masks. All models miss the same ones.
      if ((await rough.problem(sample, [entrant], hooks.signal)) === undefined) usable.push(sample);
    }
    const rows = await scoreModel(entrant, usable, from, hooks);
    return { summary: await summarise(entrant, rows), rows };
  } finally {
    await rough.dispose();
  }
}

/** Chooses the entrant whose prompts are as in use: from rough masks where such are described, else from the labels. */
function asUsed(entrants: readonly Entrant[]): Entrant {
  return entrants.find(({ promptSource }) => promptSource === 'rough') ?? entrants[0]!;
}
