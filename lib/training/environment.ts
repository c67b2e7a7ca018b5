/** What a run is given from outside the loop: data, model, embeddings. Tests give their own. */

import type { Embeddings, SamModel, Trainer, TrainerOptions } from '../../binding.js';
import { native, nativeCall } from '../addon/native.js';
import type { Hooks } from '../core/hooks.js';
import { packageVersion } from '../core/package-root.js';
import { loadData } from '../data/open-data.js';
import type { DataSplits, Sample, Samples } from '../data/sample.js';
import { type Compute, computeOn } from '../device.js';
import type { EnsureOptions, EnsureResult } from '../embeddings/embedding-store.js';
import { openWorkplace, type Workplace } from '../embeddings/workplace.js';
import { decoderFiles, type ModelDescriptor } from '../models/model.js';
import type { ResolvedTrainOptions } from '../options.js';
import type { ReportedScores } from '../reports/sections/scores-sections.js';
import type { TrainEvent } from '../runs/events.js';

/** Makes hooks that tell notes and warnings as events of a run. */
export function eventHooks(signal: AbortSignal | undefined, emit: (event: TrainEvent) => void): Hooks {
  return {
    signal,
    onNote: (message) => emit({ type: 'note', message }),
    onWarning: (message) => emit({ type: 'warning', code: 'SAM_BAD_DATA', message }),
  };
}

/** A model that can be trained, with the embeddings of its encoder. */
export interface OpenModel {
  name: string;
  descriptor: ModelDescriptor;
  createTrainer(options: TrainerOptions): Trainer;
  /** Predicts masks with the decoder as it is now. */
  predict: SamModel['predict'];
  embeddings: {
    ensure(samples: Samples, options: EnsureOptions): Promise<EnsureResult>;
    read(samples: readonly Sample[]): Promise<Embeddings>;
  };
  dispose(): Promise<void>;
}

/** What a finished run has at hand to score models with. */
export interface ScoredBy {
  options: ResolvedTrainOptions;
  compute: Compute;
  model: Pick<OpenModel, 'embeddings'>;
}

export interface TrainEnvironment {
  /** Whether a run is held against the model that it begins with; those of a search are held against each other. */
  readonly measuresUntuned: boolean;
  /** Whether a run tells doubts about its labels; those of a workbench have been told once for all runs. */
  readonly doubtsLabels: boolean;
  compute(options: ResolvedTrainOptions, hooks: Hooks): Compute;
  openData(options: ResolvedTrainOptions, hooks: Hooks): Promise<DataSplits>;
  openModel(options: ResolvedTrainOptions, compute: Compute, hooks: Hooks): Promise<OpenModel>;
  /** Scores the source weights and the best checkpoint of the run in `dir` on validation images, for its report. */
  score(dir: string, validation: Samples, by: ScoredBy, hooks: Hooks): Promise<ReportedScores>;
  versions(): { samNative: string; libtorch: string; node: string };
}

/** The real environment: the addon and the disk. */
export const environment: TrainEnvironment = {
  measuresUntuned: true,
  doubtsLabels: true,
  compute: computeOn,
  openData: loadData,
  openModel,
  async score(dir, validation, { options, compute, model }, { signal, onWarning }) {
    const { scoreRun } = await import('../reports/score-run.js');
    const { cacheDir } = options;
    return scoreRun(dir, validation, { store: model.embeddings, compute, cacheDir, signal, onWarning });
  },
  versions() {
    return { samNative: packageVersion(), libtorch: native().info().torch, node: process.versions.node };
  },
};

async function openModel(options: ResolvedTrainOptions, compute: Compute, hooks: Hooks): Promise<OpenModel> {
  const workplace = openWorkplace(options, hooks, compute);
  try {
    const model = await openModelIn(workplace, options, hooks);
    return {
      ...model,
      async dispose() {
        await model.dispose();
        await workplace.dispose();
      },
    };
  } catch (error) {
    await workplace.dispose();
    throw error;
  }
}

/** Opens a model for training in a workplace, which outlives the model. */
export async function openModelIn(
  workplace: Workplace,
  options: ResolvedTrainOptions,
  hooks: Hooks,
): Promise<OpenModel> {
  const { device, precision } = workplace.compute;
  const resolved = await workplace.model(options.model, hooks);
  const store = await workplace.store(resolved, options.imageSize);
  const model = await nativeCall(() => native().loadModel({ ...decoderFiles(resolved), device, precision }));
  return {
    name: resolved.name,
    descriptor: resolved.descriptor,
    createTrainer: (trainerOptions) => native().createTrainer(model, trainerOptions),
    predict: (request) => model.predict(request),
    embeddings: {
      ensure: (samples, ensureOptions) => store.ensure(samples, ensureOptions),
      read: (samples) => store.read(samples, { onWarning: hooks.onWarning }),
    },
    dispose: async () => model.dispose(),
  };
}
