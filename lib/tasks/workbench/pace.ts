/** Pace of many runs in a row: epochs done and to come, and how long they take; and their events, each warning once. */
import type { Hooks } from '../../core/hooks.js';
import type { TrainEvent } from '../../runs/events.js';

/** Pace: the epochs of all runs together. */
export interface Pace {
  /** Epochs trained so far, of all trials. */
  epochs: number;
  /** Number of epochs done and still to be trained. */
  total: number;
  /** Seconds left, if the other epochs are as quick as those before. */
  secondsLeft: number;
}

export class Pacemaker {
  readonly #started = performance.now();
  #epochs = 0;

  constructor(public total: number) {}

  get epochs(): number {
    return this.#epochs;
  }

  epoch(): Pace {
    const each = (performance.now() - this.#started) / 1000 / ++this.#epochs;
    const left = Math.max(0, this.total - this.#epochs);
    return { epochs: this.#epochs, total: this.total, secondsLeft: each * left };
  }
}

export interface RunHooks<Run> extends Pick<Hooks, 'onNote' | 'onWarning'> {
  /** Takes the pace after each epoch of a run. `samplesPerSecond`: images trained on. */
  onEpoch(run: Run, told: Pace & { samplesPerSecond: number }): void;
}

/** Relays the events of all runs, without what each of them says again. */
export function relay<Run>({ onNote, onWarning, onEpoch }: RunHooks<Run>, pace: Pacemaker) {
  const told = new Set<string>();
  const once = (line: string, tell: ((line: string) => void) | undefined) => {
    if (!told.has(line)) tell?.(line);
    told.add(line);
  };
  let samplesPerSecond = 0;
  return (event: TrainEvent, run: Run) => {
    if (event.type === 'warning') once(event.message, onWarning);
    else if (event.type === 'note') once(event.message, onNote);
    else if (event.type === 'step') ({ samplesPerSecond } = event);
    else if (event.type === 'epoch') onEpoch(run, { samplesPerSecond, ...pace.epoch() });
  };
}
