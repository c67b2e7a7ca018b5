/** What a run writes down about itself: its config, its train history, its result. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { SamError } from '../core/errors.js';
import type { DataSplits, Samples } from '../data/sample.js';
import type { Compute } from '../device.js';
import { toPromptSettings } from '../models/prompt-options.js';
import type { ResolvedTrainOptions } from '../options.js';
import { promptOrigin } from '../prompts/rough/settings.js';
import { STRETCH_VERSION } from '../raster/stretch.js';
import type { TrainHistoryEntry } from '../runs/checkpoints.js';
import type { TrainResult, TrainSeconds } from '../runs/events.js';
import { defaultRunDir, FORMAT_VERSION, type RunConfig, type RunPaths, runPaths } from '../runs/run-folder.js';
import type { RunState } from '../runs/run-state.js';
import { worseThanUntuned } from '../runs/untuned.js';
import { stepsOf } from './batches.js';
import type { OpenModel, TrainEnvironment } from './environment.js';
import type { LowResMasks } from './masks.js';
import type { ResumedRun } from './resume.js';
import type { RoughPrompts } from './rough-prompts.js';
import type { Schedule } from './schedules.js';

/** A run that is ready to train. */
export interface ReadyRun {
  options: ResolvedTrainOptions;
  compute: Compute;
  model: OpenModel;
  splits: DataSplits;
  masks: LowResMasks;
  rough: RoughPrompts | undefined;
  seconds: TrainSeconds;
  started: number;
  encodedImages: number;
  /** Whether images hold measurements, which are stretched to 8 bits. */
  stretched: boolean;
}

export function makeConfig(run: ReadyRun, resumed: ResumedRun | undefined, from: TrainEnvironment): RunConfig {
  const { compute, model, splits } = run;
  const data = { train: summary(splits.train), validation: summary(splits.validation) };
  if (resumed !== undefined) requireSameData(resumed, data);
  const out = resumed?.dir ?? run.options.out ?? defaultRunDir(model.name);
  return {
    formatVersion: FORMAT_VERSION,
    createdAt: resumed?.config.createdAt ?? new Date().toISOString(),
    versions: from.versions(),
    options: { ...run.options, out },
    compute: { device: compute.device, name: compute.name, precision: compute.precision },
    data,
    model: { ...model.descriptor },
    ...(run.stretched ? { stretch: STRETCH_VERSION } : {}),
  };
}

/** Counts samples, and hashes their names in order: another order would be another run. */
function summary(samples: Samples): { count: number; digest: string } {
  const hash = createHash('sha256');
  let separator = '';
  for (const { name } of samples) {
    hash.update(separator + name);
    separator = '\0';
  }
  return { count: samples.length, digest: hash.digest('hex') };
}

/**
 * Refuses to resume a run whose model has become another one.
 *
 * @throws SamError `SAM_BAD_CHECKPOINT`: its weights or its image encoder have changed.
 */
export function requireSameModel(resumed: ResumedRun, model: OpenModel): void {
  for (const [hash, what] of [['weightsHash', 'weights'] as const, ['encoderHash', 'image encoder'] as const]) {
    if (resumed.config.model[hash] === model.descriptor[hash]) continue;
    throw new SamError(
      'SAM_BAD_CHECKPOINT',
      `the ${what} of ${model.name} changed since the run in ${resumed.dir} began`,
      {
        fix: 'put the model back as it was, or begin a new run with `model` RUNDIR',
      },
    );
  }
}

function requireSameData(resumed: ResumedRun, data: RunConfig['data']): void {
  for (const split of ['train', 'validation'] as const) {
    const before = resumed.config.data[split];
    if (before.digest === data[split].digest) continue;
    throw new SamError(
      'SAM_BAD_DATA',
      `the ${split} images are not those that the run began with (${data[split].count} now, ${before.count} then)`,
      { fix: 'put the data back as it was, or begin a new run with `model` RUNDIR' },
    );
  }
}

export function makeSchedule({ options, splits }: ReadyRun): Schedule {
  return {
    name: options.schedule,
    rate: options.lr,
    warmupSteps: options.warmupSteps,
    totalSteps: stepsOf(splits.train.length, options.batchSize, options.accumulate) * options.epochs,
  };
}

/** Describes how this part of the run trains, for its checkpoints. */
export function historyEntry(run: ReadyRun, config: RunConfig, state: RunState, schedule: Schedule): TrainHistoryEntry {
  const { options } = run;
  return {
    fromEpoch: state.epoch,
    fromStep: state.step,
    startedAt: new Date().toISOString(),
    data: { source: options.data, ...config.data },
    optimizer: { name: 'adamw', weightDecay: options.weightDecay, clipGradNorm: options.clipGradNorm ?? null },
    rate: schedule,
    batch: { size: options.batchSize, accumulate: options.accumulate },
    prompts: {
      ...toPromptSettings(options),
      maskOutput: options.maskOutput,
      multiMask: options.multiMask,
      source: promptOrigin(options),
      rough: run.rough?.masks.settings ?? null,
    },
    epochs: options.epochs,
    versions: config.versions,
  };
}

export function makeResult(
  paths: RunPaths,
  config: RunConfig,
  state: RunState,
  call: { seconds: TrainSeconds; trainedSamples: number; encodedImages: number },
): TrainResult {
  const { seconds, trainedSamples, encodedImages } = call;
  return {
    runDir: paths.dir,
    bestCheckpoint: paths.best,
    lastCheckpoint: paths.last,
    report: existsSync(paths.report) ? paths.report : null,
    epochs: state.epoch,
    steps: state.step,
    bestEpoch: state.bestEpoch,
    bestLoss: state.bestLoss ?? Number.NaN,
    trainLosses: state.trainLosses,
    validationLosses: state.validationLosses,
    validationIous: state.validationIous,
    untunedIou: state.untunedIou,
    worseThanUntuned: worseThanUntuned(state.validationIous[state.bestEpoch - 1], state.untunedIou) !== undefined,
    seconds,
    samplesPerSecond: seconds.train > 0 ? trainedSamples / seconds.train : 0,
    encodedImages,
    trainedSamples,
    trainImages: config.data.train.count,
    validationImages: config.data.validation.count,
    stoppedEarly: state.epoch < config.options.epochs,
    device: config.compute.device,
    precision: config.compute.precision,
    model: String(config.model.name),
  };
}

/** Makes the result of a run that was done already: `--resume` just reports it. */
export function finishedResult(resumed: ResumedRun, seconds: TrainSeconds): TrainResult {
  const call = { seconds, trainedSamples: 0, encodedImages: 0 };
  return makeResult(runPaths(resumed.dir), resumed.config, resumed.metadata!.state, call);
}
