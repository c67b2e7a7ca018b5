/**
 * `sam-native tune`: searches for settings of `train`, by many short runs on the same embeddings, the best of them longer, one
 * winner.
 */

import type { Precision } from '../../../binding.js';
import { SamError } from '../../core/errors.js';
import { prepareFolder } from '../../core/files.js';
import type { Counted, Hooks } from '../../core/hooks.js';
import { checkHooks } from '../../core/parse-options.js';
import { inReadingOrder } from '../../data/sample.js';
import type { EnsureProgress } from '../../embeddings/embedding-store.js';
import { toPromptSettings } from '../../models/prompt-options.js';
import type { TrainEvent } from '../../runs/events.js';
import { compareWithGiven, type SearchComparison } from '../workbench/compare.js';
import { type Setting, trainOptionsOf } from '../workbench/options.js';
import { type Pace, Pacemaker, relay } from '../workbench/pace.js';
import { writeRecord } from '../workbench/record.js';
import { Trial } from '../workbench/trial.js';
import { openSplits, openWorkbench, type Workbench } from '../workbench/workbench.js';
import { forgetSearch, searchPaths, shrinkTrial, writeConfig } from './folder.js';
import { axesOf, type ResolvedSearchOptions, resolveSearchOptions, type SearchOptions } from './options.js';
import { type Rung, ranked, rungsOf, settingsToTry } from './plan.js';

/** Workbench that all trials share. */
type Bench = Workbench<Awaited<ReturnType<typeof openSplits>>>;

/** Hooks of {@link searchSettings}. */
export type SearchControl = Hooks<SearchProgress>;

/** How far {@link searchSettings} is: encoding, a rung, the training of a trial, a trial that is done, the last scores. */
export type SearchProgress =
  | ({ stage: 'encode' } & EnsureProgress)
  | {
      stage: 'rung';
      /** Rung, from 0 on. */
      rung: number;
      /** Rungs of the search. */
      rungs: readonly Rung[];
    }
  /** `samplesPerSecond`: trained images, of the trial. */
  | ({
      stage: 'train';
      /** Trial. */
      trial: number;
      /** Images trained a second. */
      samplesPerSecond: number;
    } & Pace)
  | {
      stage: 'trial';
      /** Trial. */
      trial: TrialResult;
      /** Rung, from 0 on. */
      rung: number;
      /** Rungs of the search. */
      rungs: number;
      /** Trials or images so far. */
      done: number;
      /** Number of trials of the rung. */
      of: number;
    }
  | {
      stage: 'score';
      /** Split that is scored. */
      split: 'validation' | 'test';
      /** Trials or images so far. */
      done: number;
      /** Number of epochs or images. */
      total: number;
    };

/** Settings that were tried, and how far they came. */
export interface TrialResult extends Setting {
  /** Number of the trial, from 1 on; 1 has the settings given. */
  number: number;
  /** Rank among all trials, 1 the best. */
  rank: number;
  /** Number of epochs trained; `bestEpoch` is that of the best checkpoint, null if the trial failed before. */
  epochs: number;
  /** Epoch of least validation loss; null for a trial that failed. */
  bestEpoch: number | null;
  /** Mean IoU of the validation images, on the grid of the loss, with the trial's own kind of prompt; null if it failed. */
  iou: number | null;
  /** Reason why it failed; null for one that did not. */
  failure: string | null;
  /** Seconds that the trial took. */
  seconds: number;
}

/** Result of a search, as `tune --json` prints it. */
export interface SearchResult {
  /** Trials, best first. */
  trials: TrialResult[];
  /** `epochs` of each rung, and the numbers of the trials that took part. */
  rungs: {
    /** Epochs that each trial has trained for at its end. */
    epochs: number;
    /** Numbers of the trials that took part. */
    trials: number[];
  }[];
  /** Numbers of trials; `given` is 1. */
  winner: number;
  /** Number of the trial with the settings given: 1. */
  given: number;
  /** Comparisons of the winner with the settings given; empty where they are one, or where the latter failed. */
  comparisons: SearchComparison[];
  /** Path of the YAML file for `train --config`, with all options of the winner. */
  config: string;
  /** Run folder of the winner. */
  runDir: string;
  /** Path of the file with all that was found, JSON. */
  record: string;
  /** Number of images trained on. */
  trainImages: number;
  /** Number of images validated on. */
  validationImages: number;
  /** Number of test images; 0: no test split. */
  testImages: number;
  /** Images that the encoder ran for. */
  encodedImages: number;
  /** Name of the model. */
  model: string;
  /** Device that computed: `cpu` or `cuda:N`. */
  device: string;
  /** Precision that the device computed in. */
  precision: Precision;
  /** Seconds that the whole took. */
  seconds: number;
}

/**
 * Tries combinations of learning rates, losses and kinds of prompts by successive halving, and scores the winner against the settings given.
 *
 * @throws SamError `SAM_BAD_OPTION`: options; `SAM_RUN_EXISTS`: `out`; `SAM_NAN_LOSS`: every trial failed; and what `train` throws.
 */
export async function searchSettings(given: SearchOptions, control: SearchControl = {}): Promise<SearchResult> {
  const started = performance.now();
  checkHooks(control);
  const options = resolveSearchOptions(given);
  const trials = trialsOf(options);
  const { record: earlier, trials: runs } = searchPaths(options.out);
  const discard = await prepareFolder(options.out, options.overwrite, { what: 'a search', results: [earlier, runs] });
  try {
    return await runSearch(options, trials, control, started);
  } catch (error) {
    const trained = trials.filter(({ epochs }) => epochs > 0).length;
    if (trained === 0) await discard();
    throw control.signal?.aborted && error === control.signal.reason ? interrupted(options, trained, error) : error;
  }
}

/** Makes the trials, of which the first has the settings given. Refuses options that none of them could train with. */
function trialsOf(options: ResolvedSearchOptions): Trial[] {
  const { lr, loss, prompt, trials: most, seed, out } = options;
  const settings = settingsToTry(axesOf(options), { lr, loss, prompt }, { most, seed });
  if (settings.length < 2) {
    throw new SamError('SAM_BAD_OPTION', 'there is nothing to search: all that is to be tried are the settings given', {
      fix: 'name more with `lrs`, `losses` or `promptKinds`',
    });
  }
  return settings.map((setting, index) => {
    const run = { ...trainOptionsOf(options, setting), out: searchPaths(out).trial(index + 1), report: false };
    toPromptSettings(run);
    return new Trial(index + 1, setting, run);
  });
}

async function runSearch(
  options: ResolvedSearchOptions,
  trials: Trial[],
  control: SearchControl,
  started: number,
): Promise<SearchResult> {
  const { onNote, onProgress } = control;
  const run = trials[0]!.options;
  const bench = await openWorkbench(await openSplits(run, options.testSplit, control), run, {
    ...control,
    onProgress: (progress) => onProgress?.({ stage: 'encode', ...progress }),
  });
  try {
    await forgetSearch(options.out);
    onNote?.(opening(bench, trials.length));
    const rungs = await halve(trials, bench, options, control);
    const order = ranked(trials);
    const winner = order[0]!;
    const comparisons = await compareAll(trials[0]!, winner, bench, control);
    const paths = searchPaths(options.out);
    await writeConfig(
      options.out,
      winner.options,
      `trial ${winner.number} of sam-native tune, the best of ${trials.length}`,
    );
    const result: SearchResult = {
      trials: order.map((trial, index) => resultOf(trial, index + 1)),
      rungs,
      winner: winner.number,
      given: 1,
      comparisons,
      config: paths.config,
      runDir: winner.options.out,
      record: paths.record,
      trainImages: bench.splits.train.length,
      validationImages: bench.splits.validation.length,
      testImages: bench.splits.test?.length ?? 0,
      encodedImages: bench.encodedImages,
      model: bench.model,
      device: bench.compute.device,
      precision: bench.compute.precision,
      seconds: (performance.now() - started) / 1000,
    };
    await writeRecord(result, options);
    return result;
  } finally {
    await bench.dispose();
  }
}

function opening({ model, compute, splits }: Bench, trials: number): string {
  const { name, device, precision } = compute;
  const tested = splits.test === undefined ? '' : `, ${splits.test.length} to test`;
  const images = `${splits.train.length} images to train on, ${splits.validation.length} to validate${tested}`;
  return `${model} on ${name} (${device}, ${precision}): ${images}; ${trials} trials`;
}

/** Trains rung after rung. The settings given go through all of them, whatever their score, to be compared with in the end. */
async function halve(
  trials: readonly Trial[],
  bench: Bench,
  options: ResolvedSearchOptions,
  control: SearchControl,
): Promise<SearchResult['rungs']> {
  const given = trials[0]!;
  const rungs = rungsOf(trials.length, options);
  const pace = new Pacemaker(0);
  const events = relay<Trial>(
    {
      ...control,
      onEpoch: ({ number }, told) => control.onProgress?.({ stage: 'train', trial: number, ...told }),
    },
    pace,
  );
  const from = bench.environment(bench.splits);
  const passed: SearchResult['rungs'] = [];
  let going = [...trials];
  for (const [rung, { epochs }] of rungs.entries()) {
    control.onProgress?.({ stage: 'rung', rung, rungs });
    pace.total = pace.epochs + epochsAhead(rungs, rung, going.length);
    for (const [done, trial] of going.entries()) {
      const onProgress = (event: TrainEvent) => events(event, trial);
      await trial.trainTo(epochs, { signal: control.signal, onProgress }, from);
      trial.rung = rung;
      const result = resultOf(trial, 0);
      control.onProgress?.({
        stage: 'trial',
        trial: result,
        rung,
        rungs: rungs.length,
        done: done + 1,
        of: going.length,
      });
    }
    passed.push({ epochs, trials: going.map(({ number }) => number) });
    const best = ranked(going).slice(0, rungs[rung + 1]?.trials ?? 1);
    const kept = going.filter((trial) => trial.failure === null && (trial === given || best.includes(trial)));
    const out = going.filter((trial) => !kept.includes(trial));
    if (!options.keepTrials) for (const trial of out) await shrinkTrial(trial.options.out);
    if (kept.length === 0) throw allFailed(going[0]!);
    going = kept;
  }
  return passed;
}

/** Counts the epochs of this rung and, at most, of those after it. */
function epochsAhead(rungs: readonly Rung[], rung: number, trials: number): number {
  const added = (at: number) => rungs[at]!.epochs - (rungs[at - 1]?.epochs ?? 0);
  const later = rungs.slice(rung + 1).map((next, index) => (next.trials + 1) * added(rung + 1 + index));
  return trials * added(rung) + later.reduce((sum, epochs) => sum + epochs, 0);
}

async function compareAll(
  given: Trial,
  winner: Trial,
  bench: Bench,
  control: SearchControl,
): Promise<SearchComparison[]> {
  if (winner === given || given.failure !== null) return [];
  const contenders = [
    { name: 'settings given', checkpoint: given.checkpoint },
    { name: `trial ${winner.number}`, checkpoint: winner.checkpoint },
  ] as const;
  const found: SearchComparison[] = [];
  const { onProgress } = control;
  for (const split of ['validation', 'test'] as const) {
    const samples = [...(bench.splits[split] ?? [])];
    if (samples.length === 0) continue;
    const hooks = { ...control, onProgress: (scored: Counted) => onProgress?.({ stage: 'score', split, ...scored }) };
    found.push(await compareWithGiven(contenders, split, inReadingOrder(samples), { ...bench, hooks }));
  }
  return found;
}

function resultOf(trial: Trial, rank: number): TrialResult {
  const { number, setting, epochs, bestEpoch, iou, failure, seconds } = trial;
  return { number, rank, ...setting, epochs, bestEpoch, iou, failure, seconds };
}

function allFailed({ failure, number }: Trial): SamError {
  return new SamError('SAM_NAN_LOSS', `every trial that was still in failed; of trial ${number}: ${failure}`, {
    fix: 'look at these images, try lower `lrs` or set `clipGradNorm`',
  });
}

function interrupted({ out }: ResolvedSearchOptions, trained: number, cause: unknown): SamError {
  const runs = `${trained} ${trained === 1 ? 'trial has' : 'trials have'} begun`;
  const where = trained === 0 ? 'before the first trial' : `: ${runs}, their runs are in ${searchPaths(out).trials}`;
  return new SamError('SAM_INTERRUPTED', `interrupted${trained === 0 ? ' ' : ''}${where}`, {
    fix: `the same command${trained === 0 ? '' : ' with `overwrite`'} begins again, with the embeddings that are in the cache`,
    cause,
  });
}
