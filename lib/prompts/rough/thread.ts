/** The thread that makes rough masks, from this side. */
import { Thread } from '../../core/thread.js';
import { computeRoughMask, type RoughPixels, type RoughRequest, type RoughResult } from './compute.js';

export class RoughThread {
  readonly #thread = new Thread(new URL('./worker.js', import.meta.url), computeRoughMask, 'the thread of rough masks');

  /** Makes a rough mask. The request's arrays are handed over: they are empty afterwards. */
  make(request: RoughRequest): Promise<RoughResult> {
    return this.#thread.ask(request, arraysOf(request.source));
  }

  dispose(): Promise<void> {
    return this.#thread.stop();
  }
}

function arraysOf(source: RoughPixels): (Uint8Array | Float32Array)[] {
  if (source.kind === 'hsv') return source.valid === undefined ? [source.pixels] : [source.pixels, source.valid];
  return source.kind === 'mask' ? [source.values] : [source.a, source.b, source.valid];
}
