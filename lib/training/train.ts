/** Fine-tunes a model: from options to a run folder. What happens in which order is here; how, in the files beside. */

import { existsSync } from 'node:fs';
import { z } from 'zod';
import { fromNative } from '../addon/native.js';
import { SamError, toSamError } from '../core/errors.js';
import type { Hooks } from '../core/hooks.js';
import { checkHooks, parseOptions, requireOptions } from '../core/parse-options.js';
import { LabelDoubts } from '../data/label-doubts.js';
import type { DataSplits } from '../data/sample.js';
import { concatenated, filtered } from '../data/sample-list.js';
import { allViews } from '../data/views.js';
import type { Compute } from '../device.js';
import { toPromptSettings } from '../models/prompt-options.js';
import { type ResolvedTrainOptions, type TrainOptions, trainOptionsSchema, withPreset } from '../options.js';
import { toRoughMaskSettings } from '../prompts/rough/settings.js';
import type { TrainEvent, TrainResult, TrainSeconds } from '../runs/events.js';
import { checkOut, createRunFolder, removeLeftovers, runPaths, writeRunConfig } from '../runs/run-folder.js';
import { isFinished } from '../runs/run-state.js';
import { stepsOf } from './batches.js';
import { checkSamples, requireSome } from './check-samples.js';
import { environment, eventHooks, type OpenModel, type TrainEnvironment } from './environment.js';
import { leakWarning } from './leaks.js';
import { LowResMasks } from './masks.js';
import { Profile } from './profile.js';
import { absolutePaths, openResumedRun, type ResumedRun, type ResumeOptions, resumeFolder } from './resume.js';
import { RoughPrompts } from './rough-prompts.js';
import { finishedResult, makeConfig, type ReadyRun, requireSameModel } from './run-records.js';
import { type Outside, type RunPlace, TrainLoop } from './train-loop.js';
import { TrainRun } from './train-run.js';

/**
 * Hooks of a run. Aborting the signal saves where the run stands; `result` then rejects with `SAM_INTERRUPTED`. `onProgress` is
 * called with every event, at once, notes and warnings among them.
 */
export interface TrainControl extends Hooks<TrainEvent> {
  /** File for a Chrome trace of the first images encoded and the first steps, 20 of each. */
  profile?: string | undefined;
}

/**
 * Begins to fine-tune the mask decoder (or goes on with a run: `resume`) and returns at once.
 *
 * ```ts
 * const run = train({ data: 'photos', epochs: 20 }, { signal });
 * for await (const event of run) if (event.type === 'epoch') console.log(event.validationIou);
 * const { bestCheckpoint } = await run.result;
 * ```
 * `result` rejects with a {@link SamError}; bad options and bad input leave no run folder behind.
 */
export function train(options: TrainOptions | ResumeOptions, control: TrainControl = {}): TrainRun {
  return trainWith(options, control, environment);
}

/** As {@link train}, with data and models from elsewhere: runs that share them, and tests. */
export function trainWith(options: Partial<TrainOptions>, control: TrainControl, from: TrainEnvironment): TrainRun {
  const stopping = new AbortController();
  const work = async (keep: (event: TrainEvent) => void) => {
    try {
      checkHooks(control, { profile: z.string().optional() });
    } catch (error) {
      throw error instanceof SamError ? error : interrupted(error); // the reason of a signal that is aborted already
    }
    const signal = AbortSignal.any([stopping.signal, ...(control.signal === undefined ? [] : [control.signal])]);
    const profile = control.profile === undefined ? undefined : new Profile(control.profile);
    const emit = (event: TrainEvent) => {
      keep(event);
      control.onProgress?.(event);
      if (event.type === 'note') control.onNote?.(event.message);
      if (event.type === 'warning') control.onWarning?.(event.message);
      profile?.see(event);
    };
    try {
      return await fineTune(options, { signal, emit, profile }, from);
    } catch (error) {
      if (signal.aborted && error === signal.reason) throw interrupted(error);
      throw toSamError(fromNative(error));
    } finally {
      const written = await profile?.finish();
      if (written !== undefined) emit({ type: 'note', message: `profile: ${written} (ui.perfetto.dev opens it)` });
    }
  };
  return new TrainRun(work, () => stopping.abort());
}

async function fineTune(given: Partial<TrainOptions>, outside: Outside, from: TrainEnvironment): Promise<TrainResult> {
  const started = performance.now();
  const seconds: TrainSeconds = { setup: 0, encode: 0, train: 0, validate: 0, total: 0 };
  const folder = resumeFolder(requireOptions(given));
  const resumed = folder === undefined ? undefined : await openResumedRun(folder, given);
  const options = resumed?.config.options ?? newOptions(given);
  if (resumed?.metadata !== undefined && isFinished(resumed.metadata.state, options)) {
    const { epoch } = resumed.metadata.state;
    if (given.epochs !== undefined && given.epochs < epoch) {
      const message = `${resumed.dir} has ${epoch} epochs already: \`epochs\` ${given.epochs} takes none of them back`;
      outside.emit({ type: 'note', message });
    }
    return finishedResult(resumed, seconds);
  }
  if (resumed === undefined) await checkOut(options.out, options.overwrite);
  await outside.profile?.check();
  const hooks = eventHooks(outside.signal, outside.emit);
  const compute = from.compute(options, hooks);
  const masks = new LowResMasks(options.maskSize, options.imageSize);
  const rough = RoughPrompts.open(options);
  try {
    const found = await from.openData(options, hooks);
    const doubts = from.doubtsLabels ? new LabelDoubts(options) : undefined;
    const checked = await checkSamples(found, masks, { ...options, ...hooks, rough, doubts });
    doubts?.settle(hooks);
    const model = await from.openModel(options, compute, hooks);
    try {
      if (resumed !== undefined) requireSameModel(resumed, model);
      announce(options, compute, model, checked, outside);
      seconds.setup = (performance.now() - started) / 1000;
      const { splits, encoded, stretched } = await encode(model, checked, {
        options,
        compute,
        seconds,
        hooks,
        outside,
      });
      // A run that goes on said so when it began.
      if (resumed === undefined) await warnOfLeaks(model, splits, { options, seconds, hooks });
      const run = {
        options,
        compute,
        model,
        splits,
        stretched,
        masks,
        rough,
        seconds,
        started,
        encodedImages: encoded,
      };
      return await trainInFolder(run, resumed, outside, from);
    } finally {
      await model.dispose();
    }
  } finally {
    await rough?.dispose();
  }
}

/** Checks the options of a new run, and fills in defaults and absolute paths. */
function newOptions(given: Partial<TrainOptions>): ResolvedTrainOptions {
  const options = absolutePaths(parseOptions(trainOptionsSchema, withPreset(given)));
  toPromptSettings(options); // refuses what would draw no prompt, before any work
  toRoughMaskSettings(options);
  return options;
}

function announce(
  options: ResolvedTrainOptions,
  compute: Compute,
  model: OpenModel,
  { train: training, validation }: DataSplits,
  { emit }: Outside,
): void {
  emit({
    type: 'setup',
    device: compute.device,
    deviceName: compute.name,
    precision: compute.precision,
    precisionReason: compute.precisionReason,
    model: model.name,
    trainImages: training.length,
    validationImages: validation.length,
    epochs: options.epochs,
    stepsPerEpoch: stepsOf(training.length, options.batchSize, options.accumulate),
  });
}

/** Encodes the pictures that the cache lacks. With `skipBad` those that turn out bad are left out, else the error names them all. */
async function encode(
  model: OpenModel,
  splits: DataSplits,
  context: {
    options: ResolvedTrainOptions;
    compute: Compute;
    seconds: TrainSeconds;
    hooks: Hooks;
    outside: Outside;
  },
): Promise<{ splits: DataSplits; encoded: number; stretched: boolean }> {
  const { options, compute, seconds, hooks, outside } = context;
  outside.profile?.start(compute.device);
  const needed = concatenated(allViews(splits.train, options.augment), splits.validation);
  const { encoded, usable, stretched, ...took } = await model.embeddings.ensure(needed, {
    signal: hooks.signal,
    skipBad: options.skipBad,
    onNote: hooks.onNote,
    onWarning: hooks.onWarning,
    onProgress: ({ done, total, encoded: fresh }) => outside.emit({ type: 'encode', done, total, encoded: fresh }),
  });
  outside.profile?.stop();
  seconds.encode = took.seconds;
  seconds.setup += took.setupSeconds;
  const left = { train: filtered(splits.train, usable), validation: filtered(splits.validation, usable) };
  requireSome(left);
  return { splits: left, encoded, stretched };
}

async function warnOfLeaks(
  model: OpenModel,
  splits: DataSplits,
  { options, seconds, hooks }: { options: ResolvedTrainOptions; seconds: TrainSeconds; hooks: Hooks },
): Promise<void> {
  const started = performance.now();
  const squashed = options.imageSize !== undefined;
  const warning = await leakWarning(splits, model, { squashed, signal: hooks.signal });
  if (warning !== undefined) hooks.onWarning?.(warning);
  seconds.setup += (performance.now() - started) / 1000;
}

async function trainInFolder(
  run: ReadyRun,
  resumed: ResumedRun | undefined,
  outside: Outside,
  from: TrainEnvironment,
): Promise<TrainResult> {
  const config = makeConfig(run, resumed, from);
  if (resumed !== undefined) {
    const paths = runPaths(resumed.dir);
    await removeLeftovers(paths);
    return await trainAt(run, { paths, config, resumed }, outside, from);
  }
  const { paths, discard } = await createRunFolder(config.options.out!);
  try {
    return await trainAt(run, { paths, config, resumed }, outside, from);
  } catch (error) {
    // A folder without a checkpoint would only be in the way of the next try. After a mistake of ours it stays, to be looked at.
    const known = outside.signal?.aborted || toSamError(fromNative(error)).code !== 'SAM_INTERNAL';
    if (known && !existsSync(paths.last)) await discard();
    throw error;
  }
}

async function trainAt(run: ReadyRun, place: RunPlace, outside: Outside, from: TrainEnvironment): Promise<TrainResult> {
  const { dir } = place.paths;
  await writeRunConfig(dir, place.config);
  const loop = await TrainLoop.open(run, place, outside);
  try {
    await loop.train(from.measuresUntuned);
    return await loop.finish((hooks) => from.score(dir, run.splits.validation, run, hooks));
  } finally {
    await loop.close();
  }
}

/** Makes the error of a run that was stopped before there was anything to save. */
function interrupted(cause: unknown): SamError {
  return new SamError('SAM_INTERRUPTED', 'interrupted before the first step', {
    fix: 'the same command goes on: images encoded so far are in the cache',
    cause,
  });
}
