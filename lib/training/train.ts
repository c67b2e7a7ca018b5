/** Fine-tunes a model: from options to a run folder. What happens in which order is here; how, in the files beside. */

import { existsSync } from 'node:fs';
import { fromNative } from '../addon/native.js';
import { SamError, toSamError } from '../core/errors.js';
import type { Hooks } from '../core/hooks.js';
import type { DataSplits } from '../data/sample.js';
import { concatenated, filtered } from '../data/sample-list.js';
import { allViews } from '../data/views.js';
import type { Compute } from '../device.js';
import { toPromptSettings } from '../models/prompt-options.js';
import {
  parseLoss,
  parseOptions,
  type ResolvedTrainOptions,
  type TrainOptions,
  trainOptionsSchema,
  withPreset,
} from '../options.js';
import { toRoughMaskSettings } from '../prompts/rough/settings.js';
import { type CheckpointContext, saveCheckpoint } from '../runs/checkpoints.js';
import type { TrainEvent, TrainResult, TrainSeconds } from '../runs/events.js';
import { History } from '../runs/history.js';
import {
  checkOut,
  createRunFolder,
  type RunConfig,
  type RunPaths,
  removeLeftovers,
  runPaths,
  writeRunConfig,
} from '../runs/run-folder.js';
import { initialState, isFinished } from '../runs/run-state.js';
import { stepsOf } from './batches.js';
import { checkSamples, requireSome } from './check-samples.js';
import { environment, eventHooks, type OpenModel, type TrainEnvironment } from './environment.js';
import { type EpochsContext, runEpochs } from './epochs.js';
import { leakWarning } from './leaks.js';
import { LowResMasks } from './masks.js';
import { Profile } from './profile.js';
import { absolutePaths, openResumedRun, type ResumedRun, type ResumeOptions, resumeFolder } from './resume.js';
import { RoughPrompts } from './rough-prompts.js';
import { RunOutputs } from './run-outputs.js';
import {
  finishedResult,
  historyEntry,
  makeConfig,
  makeResult,
  makeSchedule,
  type ReadyRun,
  requireSameModel,
} from './run-records.js';
import { TrainRun } from './train-run.js';

/**
 * Hooks of a run. Aborting the signal saves where the run stands; `result` then rejects with `SAM_INTERRUPTED`. `onProgress` is
 * called with every event, at once, notes and warnings among them.
 */
export interface TrainControl extends Hooks<TrainEvent> {
  /** File for a Chrome trace of the first images encoded and the first steps ({@link PROFILED}). */
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
  return trainIn(environment, options, control);
}

/** {@link train} with data, model and embeddings of the caller's own. */
export function trainIn(from: TrainEnvironment, options: Partial<TrainOptions>, control: TrainControl = {}): TrainRun {
  return new TrainRun(async (keep) => {
    const profile = control.profile === undefined ? undefined : new Profile(control.profile);
    const emit = (event: TrainEvent) => {
      keep(event);
      control.onProgress?.(event);
      if (event.type === 'note') control.onNote?.(event.message);
      if (event.type === 'warning') control.onWarning?.(event.message);
      profile?.see(event);
    };
    try {
      return await work(options, { signal: control.signal, emit, profile }, from);
    } catch (error) {
      if (control.signal?.aborted && error === control.signal.reason) throw interrupted(error);
      throw toSamError(fromNative(error));
    } finally {
      const written = await profile?.finish();
      if (written !== undefined) emit({ type: 'note', message: `profile: ${written} (ui.perfetto.dev opens it)` });
    }
  });
}

interface Outside {
  signal: AbortSignal | undefined;
  emit(event: TrainEvent): void;
  profile: Profile | undefined;
}

async function work(given: Partial<TrainOptions>, outside: Outside, from: TrainEnvironment): Promise<TrainResult> {
  const started = performance.now();
  const seconds: TrainSeconds = { setup: 0, encode: 0, train: 0, validate: 0, total: 0 };
  const folder = resumeFolder(given);
  const resumed = folder === undefined ? undefined : await openResumedRun(folder, given);
  const options = resumed?.config.options ?? newOptions(given);
  if (resumed?.metadata !== undefined && isFinished(resumed.metadata.state, options)) {
    const { epoch } = resumed.metadata.state;
    if (given.epochs !== undefined && given.epochs < epoch) {
      const message = `${resumed.dir} has ${epoch} epochs already: --epochs ${given.epochs} takes none of them back`;
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
    const checked = await checkSamples(found, masks, { ...options, ...hooks, rough });
    const model = await from.openModel(options, compute, hooks);
    try {
      if (resumed !== undefined) requireSameModel(resumed, model);
      announce(options, compute, model, checked, outside);
      seconds.setup = (performance.now() - started) / 1000;
      const { splits, encoded } = await encode(model, checked, { options, compute, seconds, hooks, outside });
      // A run that goes on said so when it began.
      if (resumed === undefined) await warnOfLeaks(model, splits, { options, seconds, hooks });
      const run = { options, compute, model, splits, masks, rough, seconds, started, encodedImages: encoded };
      return await trainInFolder(run, resumed, outside, from);
    } finally {
      await model.dispose();
    }
  } finally {
    await rough?.dispose();
  }
}

/** Options of a new run: checked, with defaults and absolute paths. */
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

/** Encodes what the cache lacks. Pictures that turn out bad are left out with `skipBad`, else the error names them all. */
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
): Promise<{ splits: DataSplits; encoded: number }> {
  const { options, compute, seconds, hooks, outside } = context;
  outside.profile?.start(compute.device);
  const needed = concatenated(allViews(splits.train, options.augment), splits.validation);
  const { encoded, usable, ...took } = await model.embeddings.ensure(needed, {
    signal: hooks.signal,
    skipBad: options.skipBad,
    onWarning: hooks.onWarning,
    onProgress: ({ done, total, encoded: fresh }) => outside.emit({ type: 'encode', done, total, encoded: fresh }),
  });
  outside.profile?.stop();
  seconds.encode = took.seconds;
  seconds.setup += took.setupSeconds;
  const left = { train: filtered(splits.train, usable), validation: filtered(splits.validation, usable) };
  requireSome(left);
  return { splits: left, encoded };
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
    return await trainWith(run, { paths, config, resumed }, outside, from);
  }
  const { paths, discard } = await createRunFolder(config.options.out!);
  try {
    return await trainWith(run, { paths, config, resumed }, outside, from);
  } catch (error) {
    // A folder without a checkpoint would only be in the way of the next try. After a mistake of ours it stays, to be looked at.
    const known = toSamError(fromNative(error)).code !== 'SAM_INTERNAL';
    if (known && !existsSync(paths.last)) await discard();
    throw error;
  }
}

async function trainWith(
  run: ReadyRun,
  { paths, config, resumed }: { paths: RunPaths; config: RunConfig; resumed: ResumedRun | undefined },
  outside: Outside,
  from: TrainEnvironment,
): Promise<TrainResult> {
  const { options, compute, model, seconds } = run;
  await writeRunConfig(paths.dir, config);
  const selection = { maskOutput: options.maskOutput, multiMask: options.multiMask };
  const trainer = model.createTrainer({
    weightDecay: options.weightDecay,
    loss: parseLoss(options.loss),
    selection,
  });
  let history: History | undefined;
  let outputs: RunOutputs | undefined;
  try {
    const state = resumed?.metadata?.state ?? initialState();
    if (resumed?.metadata !== undefined) await trainer.restore(paths.last);
    history = await History.open(paths.history, resumed?.metadata?.historyBytes ?? 0);
    const schedule = makeSchedule(run);
    const checkpoints: CheckpointContext = {
      paths,
      trainer,
      history,
      config,
      schedule,
      loss: parseLoss(options.loss),
      sourceWeights: model.descriptor.weightsHash,
      trainHistory: [...(resumed?.metadata?.trainHistory ?? []), historyEntry(run, config, state, schedule)],
    };
    const counters = { trainedSamples: 0 };
    const source = {
      masks: run.masks,
      embeddings: model.embeddings,
      prompts: toPromptSettings(options),
      seed: options.seed,
      rough: run.rough,
      augment: options.augment,
    };
    const { precision } = compute;
    const { splits } = run;
    const watched = { samples: splits.validation, source, selection, predict: model.predict };
    outputs = await RunOutputs.open(paths, options, { ...watched, from: resumed?.metadata?.state.step }, outside);
    const beside = outputs;
    const loop = {
      options,
      splits,
      source,
      trainer,
      precision,
      schedule,
      state,
      history,
      seconds,
      counters,
      save: async (best: boolean) => {
        const path = await saveCheckpoint(checkpoints, state, best);
        outside.emit({ type: 'checkpoint', path, epoch: state.epoch, step: state.step, best });
        await beside.saved(state, best);
      },
      lastCheckpoint: () => (existsSync(paths.last) ? paths.last : undefined),
      afterEpoch: () => beside.pictures(state, isFinished(state, options)),
      signal: outside.signal,
      emit: (event: TrainEvent) => {
        beside.take(event);
        outside.emit(event);
      },
    };
    if (resumed?.metadata === undefined) await beside.pictures(state, false);
    outside.profile?.start(compute.device);
    await runUntilDone(loop, paths).catch(async (error) => {
      await beside.stopped();
      throw error;
    });
    seconds.total = (performance.now() - run.started) / 1000;
    await beside.finish(seconds, (hooks) => from.score(paths.dir, splits.validation, run, hooks));
    seconds.total = (performance.now() - run.started) / 1000;
    const result = makeResult(paths, config, state, { seconds, ...counters, encodedImages: run.encodedImages });
    outside.emit({ type: 'done', result });
    return result;
  } finally {
    await history?.close();
    await outputs?.close();
    trainer.dispose();
  }
}

/** An abort saves where the run stands before it ends the run. */
async function runUntilDone(loop: EpochsContext, paths: RunPaths): Promise<void> {
  try {
    await runEpochs(loop);
  } catch (error) {
    if (!loop.signal?.aborted || error !== loop.signal.reason) throw error;
    await loop.save(false);
    const { epoch, step } = loop.state;
    throw new SamError('SAM_INTERRUPTED', `interrupted in epoch ${epoch + 1}, after step ${step}; saved`, {
      fix: `go on with: npx sam-native train --resume ${paths.dir}`,
      cause: error,
    });
  }
}

/** Before there was anything to save. */
function interrupted(cause: unknown): SamError {
  return new SamError('SAM_INTERRUPTED', 'interrupted before the first step', {
    fix: 'the same command goes on: images encoded so far are in the cache',
    cause,
  });
}
