/** Trial: a run of `train` that is stopped at a rung and goes on from there if it is promoted. */

import type { SamError } from '../../core/errors.js';
import type { Hooks } from '../../core/hooks.js';
import type { ResolvedTrainOptions } from '../../options.js';
import type { EpochEvent, TrainEvent } from '../../runs/events.js';
import { runPaths } from '../../runs/run-folder.js';
import type { TrainEnvironment } from '../../training/environment.js';
import { trainWith } from '../../training/train.js';
import type { Setting } from './options.js';

export class Trial {
  /** Number of epochs trained. */
  epochs = 0;
  /** Last rung that the trial took part in, from 0 on. */
  rung = 0;
  /** Seconds spent on the trial in all rungs. */
  seconds = 0;
  /** Epoch of least validation loss so far: that of the best checkpoint. */
  #best: EpochEvent | undefined;
  #failure: string | undefined;

  /** @param options options of `train` with `out`, the trial's run folder. */
  constructor(
    readonly number: number,
    readonly setting: Setting,
    readonly options: ResolvedTrainOptions & { out: string },
  ) {}

  /** Mean IoU of the best checkpoint over the validation images; null for a trial that failed. */
  get iou(): number | null {
    return this.#failure === undefined ? (this.#best?.validationIou ?? null) : null;
  }

  get bestEpoch(): number | null {
    return this.#best?.epoch ?? null;
  }

  /** Reason why the trial failed; null if it did not. */
  get failure(): string | null {
    return this.#failure ?? null;
  }

  get checkpoint(): string {
    return runPaths(this.options.out).best;
  }

  /**
   * Trains until so many epochs are done, from where the trial stands. The rate follows its schedule over all epochs of `options`, so
   * that a trial which is promoted to the end is the run that `train` would have made. A loss that is not finite fails the trial; every
   * other error is thrown.
   */
  async trainTo(epochs: number, { signal, onProgress }: Hooks<TrainEvent>, from: TrainEnvironment): Promise<void> {
    const started = performance.now();
    const rungEnds = new AbortController();
    const take = (event: TrainEvent) => {
      onProgress?.(event);
      if (event.type !== 'epoch') return;
      this.epochs = event.epoch;
      if (event.best) this.#best = event;
      if (event.epoch >= epochs && event.epoch < this.options.epochs) rungEnds.abort(new Error('the rung ends'));
    };
    const signals = [rungEnds.signal, ...(signal === undefined ? [] : [signal])];
    const given = this.epochs === 0 ? this.options : { resume: this.options.out };
    try {
      const control = { signal: AbortSignal.any(signals), onProgress: take };
      await trainWith(given, control, { ...from, measuresUntuned: false }).result;
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (!rungEnds.signal.aborted || (error as SamError).cause !== rungEnds.signal.reason) this.#failOr(error);
    } finally {
      this.seconds += (performance.now() - started) / 1000;
    }
  }

  /** Fails the trial if the loss was not finite, else rethrows. `train` rejects with nothing but a {@link SamError}. */
  #failOr(error: unknown): void {
    const { code, message } = error as SamError;
    if (code !== 'SAM_NAN_LOSS') throw error;
    this.#failure = message;
  }
}
