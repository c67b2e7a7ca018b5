/** Keeps a run's `report.html` up to date. A report that cannot be written is a warning; it never fails the run. */

import { fromNative } from '../addon/native.js';
import { toSamError } from '../core/errors.js';
import type { Hooks } from '../core/hooks.js';
import type { RunStatus } from '../reports/run-report.js';
import type { ReportedScores } from '../reports/sections/scores-sections.js';
import type { TrainEvent, TrainSeconds } from '../runs/events.js';
import type { RunState } from '../runs/run-state.js';
import { eventHooks } from './environment.js';

/** Least time between two versions of a report, so that they cost next to nothing beside short epochs. */
const SPACING_SECONDS = 10;

export class RunReporter {
  #written = performance.now();
  #failed = false;

  constructor(
    readonly dir: string,
    /** Where the run stands whenever a report is written. */
    readonly state: Pick<RunState, 'untunedIou'>,
    readonly outside: { signal: AbortSignal | undefined; emit(event: TrainEvent): void },
  ) {}

  /** Writes the curves so far, unless that was done a moment ago. Called after each epoch. */
  async refresh(): Promise<void> {
    if (this.#failed || performance.now() - this.#written < SPACING_SECONDS * 1000) return;
    await this.#write(() => ({ ended: false }));
    this.#written = performance.now();
  }

  /** Writes the report of a run that stops before its end. */
  async close(): Promise<void> {
    await this.#write(() => ({ ended: true }));
  }

  /** Writes the report in full, with scores and pictures of validation images, before and after. */
  async finish(seconds: TrainSeconds, score: (hooks: Hooks) => Promise<ReportedScores>): Promise<void> {
    const { signal, emit } = this.outside;
    const hooks = eventHooks(signal, emit);
    const complete = await this.#write(async () => ({ ended: true, seconds, scored: await score(hooks), signal }));
    // The curves at least.
    if (!complete) await this.#write(() => ({ ended: true, seconds }));
  }

  /** Writes the report, and tells whether that worked. The libraries for it are loaded when they are first needed. */
  async #write(status: () => RunStatus | Promise<RunStatus>): Promise<boolean> {
    try {
      const { writeRunReport } = await import('../reports/run-report.js');
      await writeRunReport(this.dir, { ...(await status()), untunedIou: this.state.untunedIou });
      return true;
    } catch (error) {
      if (this.#failed) return false;
      this.#failed = true;
      const { code, message } = toSamError(fromNative(error));
      this.outside.emit({ type: 'warning', code, message: `report.html is not complete: ${message}` });
      return false;
    }
  }
}
