/** The scores of all images -> what is said of a model, and of two. */
import { isBaseline } from './baseline.js';
import { bootstrap } from './bootstrap.js';
import { calibration } from './calibration.js';
import type { ImageScores, Interval, Metric, ModelScores, PairedDifference, Summaries, Summary } from './results.js';
import { ascending, mean, median, quantile } from './statistics.js';
import { wilcoxon } from './wilcoxon.js';

/** Names of all scores, in the order in which they are told. */
export const METRICS = [
  'iou',
  'f1',
  'precision',
  'recall',
  'accuracy',
  'boundaryIou',
  'boundaryF1',
  'hd95',
] as const satisfies readonly Metric[];

/** Scores by which two models are compared. */
const COMPARED = ['iou', 'f1', 'boundaryIou', 'boundaryF1', 'hd95'] as const satisfies readonly Metric[];

const RESOLUTIONS = ['own', '256'] as const;

type Totals = Omit<
  ModelScores,
  'name' | 'spec' | 'weightsHash' | 'encoderHash' | 'checkpointHash' | 'promptSource' | 'promptKind' | 'prompts'
>;

/**
 * Sums up one model's scores of all images.
 *
 * @param rows at least one.
 * @param seed seed of the bootstrap.
 */
export async function totals(rows: readonly ImageScores[], seed: number): Promise<Totals> {
  const own = await summaries(rows, 'own', seed);
  const ious = rows.map(({ iou }) => iou);
  const guesses = rows.flatMap(({ predictedIou, iou }) =>
    predictedIou === null ? [] : [{ predicted: predictedIou, real: iou }],
  );
  return {
    count: rows.length,
    medianIou: own.iou.median!,
    meanIou: own.iou.mean!,
    minIou: ious.reduce((least, iou) => Math.min(least, iou), 1),
    medianF1: own.f1.median!,
    meanF1: own.f1.mean!,
    meanPrecision: own.precision.mean!,
    meanRecall: own.recall.mean!,
    belowHalf: belowHalf(ious),
    own,
    at256: await summaries(rows, '256', seed),
    calibration: guesses.length === 0 ? null : calibration(guesses),
  };
}

/** Counts the IoUs below 0.5. */
export function belowHalf(ious: readonly number[]): number {
  return ious.filter((iou) => iou < 0.5).length;
}

async function summaries(rows: readonly ImageScores[], resolution: Resolution, seed: number): Promise<Summaries> {
  const found: Partial<Summaries> = {};
  for (const metric of METRICS) {
    found[metric] = await summary(
      rows.map((row) => scoreOf(row, metric, resolution)),
      seed,
    );
  }
  return found as Summaries;
}

type Resolution = PairedDifference['resolution'];

function scoreOf(row: ImageScores, metric: Metric, resolution: Resolution): number | null {
  return row[resolution === 'own' ? metric : (`${metric}At256` as const)];
}

/**
 * Sums up one score over all images, with its intervals.
 *
 * @param values one for each image; null where it has no such number, which counts as the greatest.
 */
export async function summary(values: readonly (number | null)[], seed: number): Promise<Summary> {
  const there = values.filter((value) => value !== null);
  const all = ascending(values.map((value) => value ?? Number.POSITIVE_INFINITY));
  const ofAll = all.length === 0 ? undefined : await bootstrap(all, seed);
  const ofThere = there.length === 0 ? undefined : there.length === all.length ? ofAll : await bootstrap(there, seed);
  return {
    mean: finite(mean(there)),
    meanInterval: finiteInterval(ofThere?.mean),
    median: finite(quantile(all, 0.5)),
    medianInterval: finiteInterval(ofAll?.median),
    q1: finite(quantile(all, 0.25)),
    q3: finite(quantile(all, 0.75)),
    missing: values.length - there.length,
  };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function finiteInterval(interval: Interval | undefined): Interval | null {
  return interval?.every(Number.isFinite) ? interval : null;
}

/** One entrant's scores, summed up and of each image; the images are in the same order for all entrants. */
export interface Scored {
  readonly summary: ModelScores;
  readonly rows: readonly ImageScores[];
}

/** Compares every pair that shares the model or the prompts, in every score of {@link COMPARED} and at both resolutions. */
export async function pairedDifferences(scored: readonly Scored[], seed: number): Promise<PairedDifference[]> {
  const pairs = scored.flatMap((a, index) =>
    scored.slice(index + 1).flatMap((b) => (comparable(a.summary, b.summary) ? [fromBaseline(a, b)] : [])),
  );
  const found: PairedDifference[] = [];
  for (const { a, b } of pairs) {
    for (const resolution of RESOLUTIONS) {
      for (const metric of COMPARED) {
        const difference = await compare(a, b, { metric, resolution }, seed);
        if (difference !== undefined) found.push(difference);
      }
    }
  }
  return found;
}

/** Puts a baseline (the untuned model, the rough mask) first, wherever it was named. */
function fromBaseline(a: Scored, b: Scored): { a: Scored; b: Scored } {
  return isBaseline(b.summary) && !isBaseline(a.summary) ? { a: b, b: a } : { a, b };
}

function comparable(a: ModelScores, b: ModelScores): boolean {
  const samePrompts = a.promptSource === b.promptSource && a.promptKind === b.promptKind;
  // A rough mask is the same whatever prompts are drawn from it.
  const roughMask = [a, b].some(({ promptKind }) => promptKind === null) && a.promptSource === b.promptSource;
  return samePrompts || roughMask || a.name === b.name;
}

/** Compares two entrants in one score: `b` minus `a`, image by image. Undefined where no image has the score in both. */
export async function compare(
  a: Scored,
  b: Scored,
  by: Pick<PairedDifference, 'metric' | 'resolution'>,
  seed: number,
): Promise<PairedDifference | undefined> {
  const differences = a.rows.flatMap((row, index) => {
    const [before, after] = [row, b.rows[index]!].map((one) => scoreOf(one, by.metric, by.resolution));
    return before == null || after == null ? [] : [after - before];
  });
  if (differences.length === 0) return undefined;
  const intervals = await bootstrap(differences, seed);
  return {
    a: nameOf(a.summary),
    b: nameOf(b.summary),
    ...by,
    count: differences.length,
    mean: mean(differences),
    meanInterval: intervals.mean,
    median: median(differences),
    medianInterval: intervals.median,
    greater: differences.filter((difference) => difference > 0).length,
    lesser: differences.filter((difference) => difference < 0).length,
    equal: differences.filter((difference) => difference === 0).length,
    wilcoxon: wilcoxon(differences),
  };
}

function nameOf({ name, promptSource, promptKind }: ModelScores) {
  return { name, promptSource, promptKind };
}
