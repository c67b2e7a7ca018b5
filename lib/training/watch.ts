/** What a run shows in TensorBoard, and when. It never fails the run: what cannot be written or drawn is one warning. */
import type { Selection } from '../../binding.js';
import type { Samples } from '../data/sample.js';
import type { TrainEvent } from '../runs/events.js';
import type { RunState } from '../runs/run-state.js';
import type { BatchSource } from './batches.js';
import type { OpenModel } from './environment.js';
import { TensorBoard } from './tensorboard.js';
import { ValidationPictures } from './validation-pictures.js';

export interface Watched {
  readonly folder: string;
  /** Optimisation steps that the run goes on from; undefined for one that begins. */
  readonly from: number | undefined;
  readonly samples: Samples;
  readonly source: BatchSource;
  readonly selection: Selection;
  readonly predict: OpenModel['predict'];
  emit(event: TrainEvent): void;
}

export class Watch {
  readonly #board: TensorBoard;
  readonly #watched: Watched;
  /** Pictures to draw; undefined once they could not be drawn. */
  #pictures: ValidationPictures | undefined;

  private constructor(board: TensorBoard, watched: Watched) {
    this.#board = board;
    this.#watched = watched;
    this.#pictures = new ValidationPictures(watched.samples, watched.source, watched.selection);
  }

  /** Begins the event file; undefined, with a warning, where that fails. */
  static async open(watched: Watched): Promise<Watch | undefined> {
    try {
      const board = await TensorBoard.open(watched.folder, watched.from, (message) => warn(watched, message));
      return new Watch(board, watched);
    } catch (error) {
      warn(watched, (error as Error).message);
      return undefined;
    }
  }

  /** Event file of this part of the run. */
  get path(): string {
    return this.#board.path;
  }

  take(event: TrainEvent): void {
    if (event.type === 'step') this.#board.step(event);
    else if (event.type === 'epoch') this.#board.epoch(event);
  }

  /**
   * Draws pictures before the first epoch, after epochs 1, 2, 4, 8 and so on, and after the last one: TensorBoard keeps ten of each,
   * and a short epoch need not wait for pictures that hardly differ from the last.
   */
  async pictures({ epoch }: RunState, last: boolean): Promise<void> {
    const isDue = last || (epoch & (epoch - 1)) === 0;
    if (!isDue || this.#pictures === undefined) return;
    try {
      this.#board.pictures(await this.#pictures.draw(this.#watched.predict));
    } catch (error) {
      this.#pictures = undefined;
      warn(this.#watched, `no validation pictures: ${(error as Error).message}`);
    }
  }

  flush(): Promise<void> {
    return this.#board.flush();
  }

  close(): Promise<void> {
    return this.#board.close();
  }
}

function warn({ emit }: Watched, message: string): void {
  emit({ type: 'warning', code: 'SAM_IO', message: `TensorBoard: ${message}` });
}
