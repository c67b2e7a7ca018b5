/** `--mirror DIR`: a second copy of the run, made in the background, that never holds up or fails the run. */
import { copyFile, rename, rm } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { makeFolder, temporaryName } from '../core/files.js';

/** Time that the end of a run waits for the last copies, milliseconds. */
const PATIENCE_MS = 60_000;

export class Mirror {
  readonly #from: string;
  readonly #to: string;
  readonly #onFailure: (message: string) => void;
  /** Files whose copies are asked for and not begun. Each is copied as it will be then, so asking twice copies once. */
  readonly #waiting = new Set<string>();
  #working: Promise<void> | undefined;
  #failed = false;

  /**
   * @param from the run folder.
   * @param to the folder that becomes its copy.
   * @param onFailure called with the first failure of several in a row.
   */
  constructor(from: string, to: string, onFailure: (message: string) => void) {
    this.#from = from;
    this.#to = to;
    this.#onFailure = onFailure;
  }

  /** Copies these files of the run once earlier copies are done. Returns at once. */
  copy(paths: readonly string[]): void {
    for (const path of paths) this.#waiting.add(path);
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  /** Waits for the copies under way, not longer than `patienceMs` milliseconds. */
  async finish(patienceMs = PATIENCE_MS): Promise<void> {
    if (this.#working === undefined) return;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.#onFailure(`${this.#to} is too slow: the last copies may be missing there`);
        resolve();
      }, patienceMs);
    });
    await Promise.race([this.#working, patience]);
    clearTimeout(timer);
  }

  async #work(): Promise<void> {
    for (let path = this.#next(); path !== undefined; path = this.#next()) {
      try {
        await this.#copyOne(path);
        this.#failed = false;
      } catch (error) {
        if (!this.#failed) this.#onFailure(`cannot copy to ${this.#to}: ${(error as Error).message}`);
        this.#failed = true;
      }
    }
  }

  #next(): string | undefined {
    for (const path of this.#waiting) {
      this.#waiting.delete(path);
      return path;
    }
    return undefined;
  }

  async #copyOne(path: string): Promise<void> {
    const target = join(this.#to, relative(this.#from, path));
    const temporary = temporaryName(target);
    await makeFolder(dirname(target));
    try {
      await copyFile(path, temporary);
      await rename(temporary, target);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw error;
    }
  }
}
