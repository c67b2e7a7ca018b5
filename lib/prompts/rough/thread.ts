/** Rough masks are made in a thread of their own, so that the event loop stays free. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { computeRoughMask, type RoughPixels, type RoughRequest, type RoughResult } from './compute.js';

/** One thread, started when first needed; it does not keep the process alive. */
export class RoughThread {
  #worker: Worker | undefined;
  /** Asked for and not answered yet, in that order. */
  readonly #waiting: { resolve: (result: RoughResult) => void; reject: (error: unknown) => void }[] = [];

  /** The request's arrays are handed over: they are empty afterwards. */
  make(request: RoughRequest): Promise<RoughResult> {
    const worker = this.#start();
    // A test runner that runs the sources has no script to start.
    if (worker === undefined) return Promise.resolve().then(() => computeRoughMask(request));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      worker.ref();
      worker.postMessage(request, buffersOf(...arraysOf(request.source)));
    });
  }

  async dispose(): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): Worker | undefined {
    const script = fileURLToPath(new URL('./worker.js', import.meta.url));
    if (this.#worker !== undefined || !existsSync(script)) return this.#worker;
    const worker = new Worker(script);
    worker.unref();
    worker.on('message', (result: RoughResult) => {
      this.#waiting.shift()?.resolve(result);
      if (this.#waiting.length === 0) worker.unref();
    });
    worker.on('error', (error) => this.#failAll(error));
    worker.on('exit', (code) => this.#failAll(new Error(`the thread of rough masks ended with code ${code}`)));
    this.#worker = worker;
    return worker;
  }

  #failAll(error: unknown): void {
    this.#worker = undefined;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

function arraysOf(source: RoughPixels): (Uint8Array | Float32Array)[] {
  if (source.kind === 'hsv') return [source.pixels];
  return source.kind === 'mask' ? [source.values] : [source.a, source.b, source.valid];
}

/** What can be handed over rather than copied: memory that nothing else uses (Node's small buffers share theirs). */
export function buffersOf(...arrays: (NodeJS.TypedArray | undefined)[]): ArrayBuffer[] {
  return arrays.flatMap((array) => {
    const whole = array !== undefined && array.byteLength === array.buffer.byteLength;
    return whole && array.buffer instanceof ArrayBuffer ? [array.buffer] : [];
  });
}
