/** What a run leaves beside its checkpoints and history: TensorBoard's events, the report, the mirror's copies. None of it fails the run. */

import { existsSync } from 'node:fs';
import type { Hooks } from '../core/hooks.js';
import type { ReportedScores } from '../reports/sections/scores-sections.js';
import type { TrainEvent, TrainSeconds } from '../runs/events.js';
import type { RunPaths } from '../runs/run-folder.js';
import type { RunState } from '../runs/run-state.js';
import { Mirror } from './mirror.js';
import { RunReporter } from './run-reporter.js';
import { Watch, type Watched } from './watch.js';

export interface OutputOptions {
  /** Folder for the copies. */
  readonly mirror?: string | undefined;
  readonly report: boolean;
}

export class RunOutputs {
  readonly #paths: RunPaths;
  readonly #watch: Watch | undefined;
  readonly #report: RunReporter | undefined;
  readonly #mirror: Mirror | undefined;

  private constructor(paths: RunPaths, watch: Watch | undefined, report: RunReporter | undefined, mirror?: Mirror) {
    this.#paths = paths;
    this.#watch = watch;
    this.#report = report;
    this.#mirror = mirror;
  }

  static async open(
    paths: RunPaths,
    { mirror, report }: OutputOptions,
    { state, ...watched }: Omit<Watched, 'folder' | 'emit'> & { state: RunState },
    outside: { signal: AbortSignal | undefined; emit(event: TrainEvent): void },
  ): Promise<RunOutputs> {
    const { emit } = outside;
    const onFailure = (message: string) => emit({ type: 'warning', code: 'SAM_IO', message: `\`mirror\`: ${message}` });
    return new RunOutputs(
      paths,
      await Watch.open({ ...watched, folder: paths.tensorboard, emit }),
      report ? new RunReporter(paths.dir, state, outside) : undefined,
      mirror === undefined ? undefined : new Mirror(paths.dir, mirror, onFailure),
    );
  }

  take(event: TrainEvent): void {
    this.#watch?.take(event);
  }

  /** Draws pictures of validation images, where they are due. */
  async pictures(state: RunState, last: boolean): Promise<void> {
    await this.#watch?.pictures(state, last);
  }

  /** Brings the mirror and, between epochs, the report up to date. Called after each checkpoint, the best so far or not. */
  async saved({ batch }: RunState, best: boolean): Promise<void> {
    const { config, history, last } = this.#paths;
    this.#mirror?.copy([config, history, ...this.#events(), last, ...(best ? [this.#paths.best] : [])]);
    if (batch === 0) await this.#report?.refresh();
  }

  /** Closes the report of a run that stops before its end. */
  async stopped(): Promise<void> {
    await this.#report?.close();
  }

  /** Writes the report in full, and makes the last copies. */
  async finish(seconds: TrainSeconds, score: (hooks: Hooks) => Promise<ReportedScores>): Promise<void> {
    await this.#report?.finish(seconds, score);
    await this.#watch?.flush();
    const { report, scores } = this.#paths;
    this.#mirror?.copy([...this.#events(), ...[report, scores].filter((path) => existsSync(path))]);
    await this.#mirror?.finish();
  }

  async close(): Promise<void> {
    await this.#watch?.close();
  }

  #events(): string[] {
    return this.#watch === undefined ? [] : [this.#watch.path];
  }
}
