/** A run at work in its folder: the trainer, the history and the outputs that are open while it trains. */

import { existsSync } from 'node:fs';
import type { Trainer } from '../../binding.js';
import { SamError } from '../core/errors.js';
import type { Hooks } from '../core/hooks.js';
import { toPromptSettings } from '../models/prompt-options.js';
import { parseLoss } from '../options.js';
import type { ReportedScores } from '../reports/sections/scores-sections.js';
import { type CheckpointContext, saveCheckpoint } from '../runs/checkpoints.js';
import type { TrainEvent, TrainResult } from '../runs/events.js';
import { History } from '../runs/history.js';
import type { RunConfig, RunPaths } from '../runs/run-folder.js';
import { initialState, isFinished, type RunState } from '../runs/run-state.js';
import type { BatchSource } from './batches.js';
import { type EpochsContext, measureUntuned, runEpochs } from './epochs.js';
import type { Profile } from './profile.js';
import type { ResumedRun } from './resume.js';
import { RunOutputs } from './run-outputs.js';
import { historyEntry, makeResult, makeSchedule, type ReadyRun } from './run-records.js';
import type { Schedule } from './schedules.js';

/** Who stands outside a run: how it is stopped, and who is told of it. */
export interface Outside {
  readonly signal: AbortSignal | undefined;
  emit(event: TrainEvent): void;
  readonly profile: Profile | undefined;
}

/** Where a run is written, and what stands there already. */
export interface RunPlace {
  readonly paths: RunPaths;
  readonly config: RunConfig;
  readonly resumed: ResumedRun | undefined;
}

export class TrainLoop implements EpochsContext {
  readonly counters = { trainedSamples: 0 };
  readonly #checkpoints: CheckpointContext;

  private constructor(
    readonly run: ReadyRun,
    readonly place: RunPlace,
    readonly outside: Outside,
    readonly source: BatchSource,
    readonly schedule: Schedule,
    readonly state: RunState,
    readonly trainer: Trainer,
    readonly history: History,
    readonly outputs: RunOutputs,
  ) {
    const { paths, config, resumed } = place;
    this.#checkpoints = {
      paths,
      trainer,
      history,
      config,
      schedule,
      loss: parseLoss(run.options.loss),
      sourceWeights: run.model.descriptor.weightsHash,
      trainHistory: [...(resumed?.metadata?.trainHistory ?? []), historyEntry(run, config, state, schedule)],
    };
  }

  /** Opens what a run needs to train, and goes on from its last checkpoint, where it has one. */
  static async open(run: ReadyRun, place: RunPlace, outside: Outside): Promise<TrainLoop> {
    const { options, model, splits, masks, rough } = run;
    const { paths, resumed } = place;
    const { weightDecay, loss, maskOutput, multiMask, seed, augment } = options;
    const selection = { maskOutput, multiMask };
    const source = { masks, embeddings: model.embeddings, prompts: toPromptSettings(options), seed, rough, augment };
    const state = resumed?.metadata?.state ?? initialState();
    const trainer = model.createTrainer({ weightDecay, loss: parseLoss(loss), selection });
    let history: History | undefined;
    try {
      if (resumed?.metadata !== undefined) await trainer.restore(paths.last);
      history = await History.open(paths.history, resumed?.metadata?.historyBytes ?? 0);
      const from = resumed?.metadata?.state.step;
      const watched = { samples: splits.validation, source, selection, predict: model.predict, from };
      const outputs = await RunOutputs.open(paths, options, { ...watched, state }, outside);
      return new TrainLoop(run, place, outside, source, makeSchedule(run), state, trainer, history, outputs);
    } catch (error) {
      await history?.close();
      trainer.dispose();
      throw error;
    }
  }

  get signal(): AbortSignal | undefined {
    return this.outside.signal;
  }

  emit(event: TrainEvent): void {
    this.outputs.take(event);
    this.outside.emit(event);
  }

  async save(best: boolean): Promise<void> {
    const { epoch, step } = this.state;
    const path = await saveCheckpoint(this.#checkpoints, this.state, best);
    this.outside.emit({ type: 'checkpoint', path, epoch, step, best });
    await this.outputs.saved(this.state, best);
  }

  lastCheckpoint(): string | undefined {
    const { last } = this.place.paths;
    return existsSync(last) ? last : undefined;
  }

  afterEpoch(): Promise<void> {
    return this.outputs.pictures(this.state, isFinished(this.state, this.run.options));
  }

  /**
   * Trains until the run is finished.
   *
   * @param measuresUntuned whether the model is measured before.
   */
  async train(measuresUntuned: boolean): Promise<void> {
    if (this.place.resumed?.metadata === undefined) await this.outputs.pictures(this.state, false);
    if (measuresUntuned) await measureUntuned(this);
    this.outside.profile?.start(this.run.compute.device);
    try {
      await this.#epochs();
    } catch (error) {
      await this.outputs.stopped();
      throw error;
    }
  }

  /** Trains the epochs. An abort saves where the run stands before it ends the run. */
  async #epochs(): Promise<void> {
    try {
      await runEpochs(this);
    } catch (error) {
      if (!this.signal?.aborted || error !== this.signal.reason) throw error;
      await this.save(false);
      const { epoch, step } = this.state;
      throw new SamError('SAM_INTERRUPTED', `interrupted in epoch ${epoch + 1}, after step ${step}; saved`, {
        fix: `go on with: npx sam-native train --resume ${this.place.paths.dir}`,
        cause: error,
      });
    }
  }

  /**
   * Writes what comes last.
   *
   * @param score makes the scores for the report.
   */
  async finish(score: (hooks: Hooks) => Promise<ReportedScores>): Promise<TrainResult> {
    const { seconds, started, encodedImages } = this.run;
    seconds.total = (performance.now() - started) / 1000;
    await this.outputs.finish(seconds, score);
    seconds.total = (performance.now() - started) / 1000;
    const { paths, config } = this.place;
    const result = makeResult(paths, config, this.state, { seconds, ...this.counters, encodedImages });
    this.outside.emit({ type: 'done', result });
    return result;
  }

  async close(): Promise<void> {
    await this.history.close();
    await this.outputs.close();
    this.trainer.dispose();
  }
}
