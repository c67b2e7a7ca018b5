/** Bad samples: collected, so that all of them are named at once, in one warning where they are left out, else in one error. */
import { SamError } from './errors.js';
import type { Hooks } from './hooks.js';

/** Most messages that are named; the rest is counted. */
const MOST_NAMED = 200;

/** What to do with a bad sample; by default the work fails. */
export interface ProblemOptions {
  /** Whether to leave out every bad sample. */
  readonly skipBad?: boolean | undefined;
  /** Whether to leave out samples that are merely empty, having a mask without a pixel. */
  readonly onEmpty?: 'skip' | 'fail' | undefined;
}

/** A mask, or a rough one, without a pixel to go by. */
export interface EmptyMask {
  readonly message: string;
  readonly empty: true;
  /** What helps against it, besides leaving it out. */
  readonly remedy?: string;
}

/** Messages about bad samples, collected until all are known. */
export class Problems {
  readonly #options: ProblemOptions;
  /** Messages, each once: a folder that is missing is missing for all. */
  readonly #leftOut = new Set<string>();
  readonly #failing = new Set<string>();
  readonly #remedies = new Set<string>();
  #anyEmpty = false;

  constructor(options: ProblemOptions) {
    this.#options = options;
  }

  /** Notes what is wrong with a sample. `empty`: nothing but that its mask, or the rough one, has no pixel; `remedy`: what helps. */
  add(message: string, { empty = false, remedy }: { empty?: boolean; remedy?: string } = {}): void {
    const { skipBad, onEmpty } = this.#options;
    if (skipBad || (empty && onEmpty === 'skip')) {
      this.#leftOut.add(message);
      return;
    }
    this.#failing.add(message);
    this.#anyEmpty ||= empty;
    if (remedy !== undefined) this.#remedies.add(remedy);
  }

  /**
   * Warns of what is left out.
   *
   * @throws SamError `SAM_BAD_DATA`: samples are bad that are not left out; names them all.
   */
  settle({ onWarning }: Pick<Hooks, 'onWarning'>): void {
    if (this.#failing.size > 0) {
      const mend = this.#remedies.size > 0 ? `mend them (${[...this.#remedies].join('; ')})` : 'mend them';
      const leaveOut = this.#anyEmpty ? '`onEmpty` skip for empty masks, `skipBad` for all' : '`skipBad`';
      throw new SamError('SAM_BAD_DATA', named(this.#failing), { fix: `${mend}, or go on without them: ${leaveOut}` });
    }
    if (this.#leftOut.size > 0) onWarning?.(`left out ${named(this.#leftOut)}`);
  }
}

function named(messages: ReadonlySet<string>): string {
  const rest = messages.size - MOST_NAMED;
  return `${[...messages].slice(0, MOST_NAMED).join('; ')}${rest > 0 ? `; and ${rest} more` : ''}`;
}
