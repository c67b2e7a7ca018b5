/** `history.jsonl`: one line for each optimisation step and each epoch, in order, appended as they come. */
import { type FileHandle, open } from 'node:fs/promises';
import { SamError } from '../core/errors.js';
import type { EpochEvent, StepEvent } from './events.js';

/** A line of `history.jsonl`: an optimisation step, or an epoch with its seconds. */
export type HistoryLine =
  | Pick<StepEvent, 'type' | 'epoch' | 'step' | 'loss' | 'learningRate' | 'gradientNorm' | 'skipped'>
  | (Omit<EpochEvent, 'epochs'> & { seconds: number; samplesPerSecond: number });

/** The open file `history.jsonl` of a run that goes on. */
export class History {
  readonly #file: FileHandle;
  readonly #path: string;
  #bytes: number;

  private constructor(file: FileHandle, path: string, bytes: number) {
    this.#file = file;
    this.#path = path;
    this.#bytes = bytes;
  }

  /** Opens the file and cuts off what came after the checkpoint that a run goes on from: it will be written again. */
  static async open(path: string, keepBytes: number): Promise<History> {
    const file = await open(path, 'a');
    const { size } = await file.stat();
    if (size > keepBytes) await file.truncate(keepBytes);
    return new History(file, path, Math.min(size, keepBytes));
  }

  /** Length of the file so far, which checkpoints record. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Appends a line. NaN and infinities, which JSON lacks, are written as texts. */
  async append(line: HistoryLine): Promise<void> {
    const exact = (_: string, value: unknown) =>
      typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
    const text = Buffer.from(`${JSON.stringify(line, exact)}\n`);
    try {
      await this.#file.appendFile(text);
    } catch (error) {
      const { message } = error as Error; // of a file in use it names no path
      throw new SamError('SAM_IO', `cannot write ${this.#path}: ${message}`, {
        fix: 'free some space there',
        cause: error,
      });
    }
    this.#bytes += text.length;
  }

  /** Brings what was appended safely onto the disk, before a checkpoint refers to it. */
  async sync(): Promise<void> {
    await this.#file.datasync();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
