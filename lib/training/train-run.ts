/** A run in progress: its events to iterate over, its result to await. */
import type { TrainEvent, TrainResult } from '../runs/events.js';

/** Events kept for a reader that is slow, or not there. */
const MOST_KEPT = 1024;

/** Kinds of events that may be left out when nobody reads: the next one of its kind says nearly the same. */
const PASSING: ReadonlySet<TrainEvent['type']> = new Set(['encode', 'step', 'validate']);

/**
 * A run in progress. `for await (const event of run)` gives every event, to one reader. Up to 1024 are kept for a reader that is slow
 * or comes later; beyond that the oldest `step`, `encode` and `validate` events are dropped, never the others. A run that fails
 * throws from the loop and rejects `result`. Leaving the loop early leaves the run going: abort its signal
 * to stop it, or write `await using`.
 */
export class TrainRun implements AsyncIterable<TrainEvent> {
  /** What the run gives back; rejects with a {@link SamError}. */
  readonly result: Promise<TrainResult>;
  readonly #kept: TrainEvent[] = [];
  readonly #stop: () => void;
  #ended = false;
  #wake: () => void = () => {};

  /** Starts the work at once, and gives it the function that takes its events. `stop` asks it to save and end. */
  constructor(work: (emit: (event: TrainEvent) => void) => Promise<TrainResult>, stop: () => void = () => {}) {
    this.#stop = stop;
    this.result = work((event) => this.#keep(event)).finally(() => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** Stops the run, unless it has ended, which saves where it stands; and waits. At the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) this.#stop();
    await this.result.catch(() => {});
  }

  #keep(event: TrainEvent): void {
    if (this.#kept.length >= MOST_KEPT) {
      const passing = this.#kept.findIndex(({ type }) => PASSING.has(type));
      this.#kept.splice(Math.max(0, passing), 1);
    }
    this.#kept.push(event);
    this.#wake();
  }

  /** Iterates over the events, those before the call included. */
  async *[Symbol.asyncIterator](): AsyncGenerator<TrainEvent, void> {
    this.result.catch(() => {}); // thrown from the loop instead
    for (;;) {
      const event = this.#kept.shift();
      if (event !== undefined) yield event;
      else if (this.#ended) break;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
    await this.result;
  }
}
