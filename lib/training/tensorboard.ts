/**
 * `tensorboard/` of a run: an event file for each part of it, written beside `history.jsonl` with the same numbers. A part that goes on
 * from a checkpoint has a new file, whose beginning takes back what the file before had behind that checkpoint.
 */
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { makeFolder } from '../core/files.js';
import type { EpochEvent, StepEvent } from '../runs/events.js';
import { type EventContent, type EventImage, eventRecord } from './tensorboard-format.js';

const FILE_VERSION = 'brain.Event:2';
const NAME = /^events\.out\.tfevents\.(\d{10})\./;

export class TensorBoard {
  /** Event file of this part of the run. */
  readonly path: string;
  readonly #file: FileHandle;
  readonly #onFailure: (message: string) => void;
  /** Write in progress; the next one waits for it, so that events stand in the file in the order in which they came. */
  #writing: Promise<void> = Promise.resolve();
  #failed = false;
  /** Optimisation steps done, at which all that belongs to no single step is shown. */
  #step: number;

  private constructor(file: FileHandle, path: string, step: number, onFailure: (message: string) => void) {
    this.#file = file;
    this.path = path;
    this.#step = step;
    this.#onFailure = onFailure;
  }

  /**
   * Begins a file in `folder`, which is made.
   *
   * @param from optimisation steps that the run goes on from; undefined where nothing of an earlier part counts.
   * @param onFailure called, once, where nothing can be written any more; the run goes on without.
   */
  static async open(
    folder: string,
    from: number | undefined,
    onFailure: (message: string) => void,
  ): Promise<TensorBoard> {
    await makeFolder(folder);
    const path = join(folder, await nextName(folder));
    const board = new TensorBoard(await open(path, 'ax'), path, from ?? 0, onFailure);
    board.#append(0, { fileVersion: FILE_VERSION });
    board.#append(from === undefined ? 0 : from + 1, { sessionStart: true });
    return board;
  }

  step({ step, loss, learningRate, gradientNorm }: StepEvent): void {
    this.#step = step;
    const values = { 'step/loss': loss, 'step/learning_rate': learningRate, 'step/gradient_norm': gradientNorm };
    this.#append(step, { values });
  }

  /** Adds an epoch at its last optimisation step, so that all curves share an axis. */
  epoch({ trainLoss, validationLoss, validationIou }: EpochEvent): void {
    const values = {
      'epoch/train_loss': trainLoss,
      'epoch/validation_loss': validationLoss,
      'epoch/validation_iou': validationIou,
    };
    this.#append(this.#step, { values });
  }

  pictures(pictures: Readonly<Record<string, EventImage>>): void {
    this.#append(this.#step, { values: pictures });
  }

  /** Waits until all that was told is in the file, or `onFailure` was called. */
  flush(): Promise<void> {
    return this.#writing;
  }

  async close(): Promise<void> {
    await this.flush();
    await this.#file.close();
  }

  #append(step: number, content: EventContent): void {
    const event = eventRecord(Date.now() / 1000, step, content);
    this.#writing = this.#writing.then(async () => {
      if (this.#failed) return;
      try {
        await this.#file.appendFile(event);
      } catch (error) {
        this.#failed = true; // half a record may stand there: nothing can be read behind it
        this.#onFailure(`cannot write ${this.path}: ${(error as Error).message}`);
      }
    });
  }
}

/** Makes up a file name after all that are there: TensorBoard reads a folder's files in the order of their names, which begin with a time. */
async function nextName(folder: string): Promise<string> {
  const times = (await readdir(folder)).map((name) => Number(NAME.exec(name)?.[1] ?? 0));
  const now = Math.max(Math.floor(Date.now() / 1000), ...times.map((time) => time + 1));
  return `events.out.tfevents.${String(now).padStart(10, '0')}.${hostname()}.${process.pid}.0`;
}
