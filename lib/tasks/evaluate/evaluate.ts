/** `sam-native evaluate`: compares models on the same labelled images, with the same prompts. */

import { resolve } from 'node:path';
import { SamError } from '../../core/errors.js';
import { requireWritable } from '../../core/files.js';
import type { Counted, Hooks } from '../../core/hooks.js';
import { checkHooks, parseOptions } from '../../core/parse-options.js';
import { Problems } from '../../core/problems.js';
import { emptyLabel, LabelDoubts } from '../../data/label-doubts.js';
import { maskArea, toLowRes } from '../../data/low-res.js';
import { loadSplit } from '../../data/open-data.js';
import { inReadingOrder, type Sample, withBands } from '../../data/sample.js';
import type { EmbeddingStore, EnsureProgress } from '../../embeddings/embedding-store.js';
import type { WorkOptions } from '../../embeddings/work-options.js';
import { openWorkplace, type Workplace } from '../../embeddings/workplace.js';
import { trainedBands } from '../../models/prompt-options.js';
import { runFolder } from '../../models/resolve.js';
import { reportPath, writeComparisonReport } from '../../reports/comparison-report.js';
import { Sketches } from '../../reports/sketches.js';
import { readRunConfig } from '../../runs/run-folder.js';
import { type Entrant, type EntrantOptions, resolveEntrants } from '../../scoring/entrants.js';
import { labelOf, scoreModel, scoreRoughMasks, summarise } from '../../scoring/judge.js';
import { perImagePath, writePerImage } from '../../scoring/per-image.js';
import type { EvaluateResult, RobustnessCurve } from '../../scoring/results.js';
import { robustness } from '../../scoring/robustness.js';
import { RoughMaskSources, roughPrompts } from '../../scoring/rough-scores.js';
import { pairedDifferences, type Scored } from '../../scoring/summaries.js';
import { type EvaluateOptions, evaluateOptionsSchema } from './options.js';

export type { EvaluatedPrompt, EvaluateResult, ModelScores } from '../../scoring/results.js';

/** Options of an evaluation once its samples are open, with its hooks. */
interface Evaluation extends WorkOptions, EntrantOptions {
  /** Labelled samples. */
  samples: readonly Sample[];
  /** Whether each model is also scored with prompts that get worse step by step. */
  robustness?: boolean;
  /** File (`.csv`, `.parquet`) or folder for the scores of each image. Default: the run's folder, else the working folder. */
  out?: string | undefined;
  /** File (`.html`) or folder for the report. Default: beside the scores of each image. */
  report?: string | undefined;
  onEmpty?: 'skip' | 'fail';
  onProgress?: ((progress: EvaluateProgress) => void) | undefined;
}

/** How far {@link evaluate} is: encoding, then predicting, for each model. */
export type EvaluateProgress =
  | ({
      stage: 'encode';
      /** Name of the model. */
      model: string;
    } & EnsureProgress)
  | {
      stage: 'predict';
      /** Name of the model. */
      model: string;
      /** Images so far. */
      done: number;
      /** Number of images. */
      total: number;
    };

/**
 * Compares models on the labelled images of a split: all see the same images and, unless `ownSettings` says otherwise, the same prompts:
 * those of the options, else of the first run among the models, else the defaults. Writes the scores of each image and a report.
 *
 * ```ts
 * const { models, differences } = await evaluate({ models: ['runs/first', 'untuned'], data: 'photos' });
 * ```
 * @throws SamError `SAM_BAD_OPTION`: options; `SAM_NOT_FOUND`, `SAM_BAD_CHECKPOINT`: models; `SAM_BAD_DATA`: pictures and labels, all named.
 */
export async function evaluate(given: EvaluateOptions, hooks: Hooks<EvaluateProgress> = {}): Promise<EvaluateResult> {
  checkHooks(hooks);
  const options = parseOptions(evaluateOptionsSchema, given);
  const samples = await loadSplit(options, hooks);
  return evaluateSamples({ ...options, ...hooks, samples, prompts: given });
}

async function evaluateSamples(given: Evaluation): Promise<EvaluateResult> {
  const started = performance.now();
  const workplace = openWorkplace(given, given);
  const { compute } = workplace;
  const entrants = await resolveEntrants(given);
  const places = await findPlaces(given, entrants);
  // All see the same images: by the bands asked for, else by those of the first run.
  const bands = entrants.map(({ model }) => trainedBands(model)).find((one) => one !== undefined);
  const options = { ...given, samples: given.samples.map((sample) => withBands(sample, bands)) };
  const rough = new RoughMaskSources();
  const sketches = new Sketches();
  try {
    const labelled = await checkLabels(options, entrants, rough);
    const usable = await encodeAll(entrants, labelled, workplace, options);
    const { seed } = entrants[0]!.prompts;
    const results: Scored[] = [];
    for (const entrant of entrants) {
      const from = { store: await storeOf(entrant, workplace), compute, masks: rough.of(entrant), show: sketches.show };
      const rows = await scoreModel(entrant, usable, from, {
        ...options,
        onProgress: predicting(entrant.name, options.onProgress),
      });
      results.push({ summary: await summarise(entrant, rows), rows });
    }
    const prompts = roughPrompts(entrants);
    if (prompts !== undefined) results.push(await scoreRoughMasks(prompts, rough, usable, options));
    const found = {
      models: results.map(({ summary }) => summary),
      differences: await pairedDifferences(results, seed),
      robustness: options.robustness ? await allCurves(entrants, usable, workplace, options) : null,
    };
    const rows = results.flatMap((result) => result.rows);
    await writePerImage(places.perImage, rows);
    const seconds = (performance.now() - started) / 1000;
    await writeComparisonReport({ ...places, ...found, ...compute, rows, sketches, seconds, signal: options.signal });
    const scored = new Set(usable);
    return {
      ...found,
      perImage: places.perImage,
      report: places.report,
      device: compute.device,
      precision: compute.precision,
      skipped: options.samples.filter((sample) => !scored.has(sample)).map(({ name }) => name),
    };
  } finally {
    await rough.dispose();
    await workplace.dispose();
  }
}

/** Finds the places for results, and the runs among the models. Refuses, before any work, places that cannot be written to. */
async function findPlaces(
  options: Evaluation,
  entrants: readonly Entrant[],
): Promise<{ perImage: string; report: string; runs: string[] }> {
  const runs = [...new Set(entrants.flatMap(({ model }) => runFolder(model) ?? []))];
  const out = options.out === undefined ? undefined : resolve(options.out);
  const perImage = perImagePath(out, runs[0], process.cwd(), new Date());
  const report = reportPath(options.report === undefined ? undefined : resolve(options.report), perImage);
  for (const dir of runs) await readRunConfig(dir);
  await requireWritable(perImage, '`out`');
  await requireWritable(report, options.report === undefined ? '`out`' : '`report`');
  return { perImage, report, runs };
}

/** Checks the labels, and returns the samples that can be scored. Bad and empty labels are named together, or left out. */
async function checkLabels(
  options: Evaluation,
  entrants: readonly Entrant[],
  rough: RoughMaskSources,
): Promise<Sample[]> {
  const usable = new Set<Sample>();
  const problems = new Problems(options);
  const doubts = new LabelDoubts(entrants[0]!.prompts);
  const withBoxes = options.robustness || entrants.some(({ prompts }) => prompts.prompt !== 'points');
  for (const sample of inReadingOrder(options.samples)) {
    options.signal?.throwIfAborted();
    const problem = await labelProblem(sample, entrants, { rough, doubts, withBoxes }, options.signal);
    if (problem === undefined) usable.add(sample);
    else problems.add(problem.message, problem);
  }
  problems.settle(options);
  doubts.settle(options);
  if (usable.size === 0) {
    throw new SamError('SAM_BAD_DATA', 'no labelled image to evaluate on', { fix: 'check `data` and `split`' });
  }
  return options.samples.filter((sample) => usable.has(sample));
}

/**
 * Tells what is wrong with a label; undefined if nothing is. It counts as empty if it has no pixel on the grid that prompts are drawn
 * from, or if a rough mask has none.
 */
async function labelProblem(
  sample: Sample,
  entrants: readonly Entrant[],
  { rough, doubts, withBoxes }: { rough: RoughMaskSources; doubts: LabelDoubts; withBoxes: boolean | undefined },
  signal: AbortSignal | undefined,
): Promise<{ message: string; empty: boolean; remedy?: string } | undefined> {
  try {
    const label = await labelOf(sample);
    await doubts.see(sample, label);
    const grids = entrants.map(({ prompts }) => toLowRes(label, prompts.maskSize, prompts.imageSize));
    const without = grids.find((grid) => maskArea(grid) === 0);
    if (without !== undefined) return await emptyLabel(sample, label, without);
    const sides = grids.flatMap(({ validWidth, validHeight }) => [validWidth, validHeight]);
    if (withBoxes && Math.min(label.width, label.height, ...sides) < 2) {
      const message = `${sample.image.path}: a picture of ${label.width} x ${label.height} pixels has no room for a box`;
      return { message, empty: false };
    }
    return await rough.problem(sample, entrants, signal);
  } catch (error) {
    if (!(error instanceof SamError) || error.code === 'SAM_BAD_OPTION') throw error;
    return { message: error.message, empty: false };
  }
}

/** Opens the embeddings for an entrant, as its model takes them. */
function storeOf({ model, prompts }: Entrant, workplace: Workplace): Promise<EmbeddingStore> {
  return workplace.store(model, prompts.imageSize);
}

/** Encodes for every model, so that all are scored on the pictures that all can read. */
async function encodeAll(
  entrants: readonly Entrant[],
  samples: readonly Sample[],
  workplace: Workplace,
  options: Evaluation,
): Promise<readonly Sample[]> {
  let usable = samples;
  for (const entrant of entrants) {
    const store = await storeOf(entrant, workplace);
    const encoded = await store.ensure(usable, {
      signal: options.signal,
      skipBad: options.skipBad,
      onNote: options.onNote,
      onWarning: options.onWarning,
      onProgress: (progress) => options.onProgress?.({ stage: 'encode', model: entrant.name, ...progress }),
    });
    usable = usable.filter(encoded.usable);
  }
  if (usable.length === 0) throw new SamError('SAM_BAD_DATA', 'no image is left to evaluate on');
  return usable;
}

function predicting(model: string, onProgress: Evaluation['onProgress']): (counted: Counted) => void {
  return (counted) => onProgress?.({ stage: 'predict', model, ...counted });
}

/** Draws up the robustness of all models, each once even if it is scored with several kinds of prompts. */
async function allCurves(
  entrants: readonly Entrant[],
  samples: readonly Sample[],
  workplace: Workplace,
  { signal, onWarning, onProgress }: Evaluation,
): Promise<RobustnessCurve[]> {
  const { compute } = workplace;
  const curves: RobustnessCurve[] = [];
  const once = entrants.filter(({ model }, index) => entrants.findIndex((other) => other.model === model) === index);
  for (const entrant of once) {
    const hooks = { signal, onWarning, onProgress: predicting(`${entrant.name}, worse prompts`, onProgress) };
    curves.push(...(await robustness(entrant, samples, { store: await storeOf(entrant, workplace), compute }, hooks)));
  }
  return curves;
}
