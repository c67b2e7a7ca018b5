/** What many runs in a row tell: epochs done and to come, how long they take, and each warning once. */
import type { Hooks } from '../../core/hooks.js';
import type { TrainEvent } from '../../runs/events.js';

/** Epochs of all runs together. */
export interface Pace {
  /** Epochs trained so far, of all trials. */
  epochs: number;
  /** What is still meant to be trained, with what is done. */
  total: number;
  /** If the others are as quick as those before. */
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
  /** After each epoch of a run. `samplesPerSecond`: trained images. */
  onEpoch(run: Run, told: Pace & { samplesPerSecond: number }): void;
}

/** Takes the events of all runs, without what each of them says again. */
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
