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

/** Messages about bad samples, collected until all are known. */
export class Problems {
  readonly #options: ProblemOptions;
  /** Messages, each once: a folder that is missing is missing for all. */
  readonly #leftOut = new Set<string>();
  readonly #failing = new Set<string>();
  #anyEmpty = false;

  constructor(options: ProblemOptions) {
    this.#options = options;
  }

  /** Notes what is wrong with a sample. `empty`: nothing but that its mask, or the rough one, has no pixel. */
  add(message: string, { empty = false }: { empty?: boolean } = {}): void {
    const { skipBad, onEmpty } = this.#options;
    if (skipBad || (empty && onEmpty === 'skip')) {
      this.#leftOut.add(message);
      return;
    }
    this.#failing.add(message);
    this.#anyEmpty ||= empty;
  }

  /**
   * Warns of what is left out.
   *
   * @throws SamError `SAM_BAD_DATA`: samples are bad that are not left out; names them all.
   */
  settle({ onWarning }: Pick<Hooks, 'onWarning'>): void {
    if (this.#failing.size > 0) {
      throw new SamError('SAM_BAD_DATA', named(this.#failing), {
        fix: this.#anyEmpty
          ? 'mend them (a rough mask: change its thresholds), or go on without them: `onEmpty` skip for empty masks, `skipBad` for all'
          : 'mend them, or go on without them: `skipBad`',
      });
    }
    if (this.#leftOut.size > 0) onWarning?.(`left out ${named(this.#leftOut)}`);
  }
}

function named(messages: ReadonlySet<string>): string {
  const rest = messages.size - MOST_NAMED;
  return `${[...messages].slice(0, MOST_NAMED).join('; ')}${rest > 0 ? `; and ${rest} more` : ''}`;
}
