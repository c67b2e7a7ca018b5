/** Work in a thread of its own, so that the event loop stays free: requests are answered one by one, in their order. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parentPort, Worker } from 'node:worker_threads';

/** Arrays whose memory goes to the other thread: they are empty afterwards. */
type HandedOver = readonly (NodeJS.TypedArray | undefined)[];

/** One thread, started when first needed; it does not keep the process alive. */
export class Thread<Request, Answer> {
  readonly #script: string;
  #worker: Worker | undefined;
  /** Asked for and not answered yet, in that order. */
  readonly #waiting: { resolve: (answer: Answer) => void; reject: (error: unknown) => void }[] = [];

  /**
   * @param script Of the thread; it calls {@link answerRequests}.
   * @param work What the thread does, done here where there is no script: a test runner that runs the sources has none.
   * @param name What an error calls the thread.
   */
  constructor(
    script: URL,
    private readonly work: (request: Request) => Answer,
    private readonly name: string,
  ) {
    this.#script = fileURLToPath(script);
  }

  ask(request: Request, handedOver: HandedOver = []): Promise<Answer> {
    const worker = this.#start();
    if (worker === undefined) return Promise.resolve().then(() => this.work(request));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      worker.ref();
      worker.postMessage(request, buffersOf(handedOver));
    });
  }

  async stop(): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): Worker | undefined {
    if (this.#worker !== undefined || !existsSync(this.#script)) return this.#worker;
    const worker = new Worker(this.#script);
    worker.unref();
    worker.on('message', (answer: Answer) => {
      this.#waiting.shift()?.resolve(answer);
      if (this.#waiting.length === 0) worker.unref();
    });
    worker.on('error', (error) => this.#failAll(worker, error));
    worker.on('exit', (code) => this.#failAll(worker, new Error(`${this.name} ended with code ${code}`)));
    this.#worker = worker;
    return worker;
  }

  #failAll(worker: Worker, error: unknown): void {
    // One that failed ends later on, when another may be at work.
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

/** In the thread's script: answers every request with what `work` makes of it. */
export function answerRequests<Request, Answer>(
  work: (request: Request) => Answer,
  handedOver: (answer: Answer) => HandedOver,
): void {
  parentPort?.on('message', (request: Request) => {
    const answer = work(request);
    parentPort?.postMessage(answer, buffersOf(handedOver(answer)));
  });
}

/** What can be handed over rather than copied: memory that nothing else uses (Node's small buffers share theirs). */
function buffersOf(arrays: HandedOver): ArrayBuffer[] {
  return arrays.flatMap((array) => {
    const whole = array !== undefined && array.byteLength === array.buffer.byteLength;
    return whole && array.buffer instanceof ArrayBuffer ? [array.buffer] : [];
  });
}
