/** `--profile`: what a run's threads do, by LibTorch's own profiler, and JavaScript's spans beside it, as one Chrome trace. */
import { open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { native } from '../addon/native.js';
import { SamError, systemCode } from '../core/errors.js';
import { makeFolder, moveWhole, temporaryName } from '../core/files.js';
import { onSpan, type Span } from '../core/spans.js';
import type { TrainEvent } from '../runs/events.js';

/** Numbers of images and of steps that are recorded: each is thousands of events. A full shard of the cache is written meanwhile. */
export const PROFILED = { images: 20, steps: 20 } as const;

/** An event of the Trace Event Format; `ts` is in microseconds. */
type TraceEvent = Record<string, unknown> & { name?: string; ts?: number };

interface Trace {
  traceName: string;
  traceEvents: TraceEvent[];
  /** Time at which `ts` is 0, Unix time. */
  baseTimeNanoseconds: number;
}

/** A recording of the first images encoded, and the first steps, of one run; only one at a time in a process. */
export class Profile {
  readonly #path: string;
  readonly #temporary: string;
  readonly #spans: Span[] = [];
  #trace: Trace | undefined;
  /** Ends the recording in progress. */
  #stop: (() => void) | undefined;
  #recorded = 0;
  #steps = 0;

  constructor(path: string) {
    this.#path = resolve(path);
    this.#temporary = temporaryName(this.#path);
  }

  /**
   * Refuses, before any work, a file that can't be written. Makes its folder.
   *
   * @throws SamError `SAM_BAD_OPTION`: the file can't be written.
   */
  async check(): Promise<void> {
    try {
      await makeFolder(dirname(this.#path));
      await (await open(this.#temporary, 'wx')).close();
    } catch (error) {
      throw this.#unwritable(error instanceof SamError ? error.message : systemCode(error), error);
    }
    const found = await stat(this.#path).catch(() => undefined);
    if (found?.isDirectory()) throw this.#unwritable('it is a folder');
  }

  /** Begins to record, until `see` was told of as much as {@link PROFILED}, or `stop` is called. */
  start(device: string): void {
    process.env.KINETO_LOG_LEVEL ??= '6'; // above all: its log would go between the lines of progress
    native().startProfile({ device });
    const unsubscribe = onSpan((span) => this.#spans.push(span));
    this.#stop = () => {
      unsubscribe();
      native().stopProfile({ path: `${this.#temporary}.${this.#recorded++}` });
    };
  }

  see(event: TrainEvent): void {
    if (event.type === 'encode' && event.encoded === PROFILED.images) this.stop();
    if (event.type === 'step' && ++this.#steps === PROFILED.steps) this.stop();
  }

  stop(): void {
    const stop = this.#stop;
    this.#stop = undefined;
    stop?.();
  }

  /** Writes the file, if anything was recorded, and returns its path. */
  async finish(): Promise<string | undefined> {
    try {
      this.stop();
      for (let part = 0; part < this.#recorded; part++) await this.#add(`${this.#temporary}.${part}`);
      if (this.#trace === undefined) return undefined;
      this.#trace.traceEvents.push(...spanEvents(this.#spans, this.#trace.baseTimeNanoseconds));
      await writeFile(this.#temporary, JSON.stringify(this.#trace));
      await moveWhole(this.#temporary, this.#path);
      return this.#path;
    } catch (error) {
      throw this.#unwritable(systemCode(error), error);
    } finally {
      await rm(this.#temporary, { force: true });
      for (let part = 0; part < this.#recorded; part++) await rm(`${this.#temporary}.${part}`, { force: true });
    }
  }

  /** Adds what one recording wrote to the trace. */
  async #add(part: string): Promise<void> {
    const trace = JSON.parse(await readFile(part, 'utf8')) as Trace;
    if (this.#trace === undefined) {
      this.#trace = { ...trace, traceName: this.#path };
      return;
    }
    const later = (trace.baseTimeNanoseconds - this.#trace.baseTimeNanoseconds) / 1000;
    for (const event of trace.traceEvents) {
      if (event.ts !== undefined) event.ts += later;
      this.#trace.traceEvents.push(event);
    }
  }

  #unwritable(reason: string | undefined, cause?: unknown): SamError {
    const why = reason === undefined ? '' : ` (${reason})`;
    return new SamError('SAM_BAD_OPTION', `\`profile\` ${this.#path} cannot be written${why}`, {
      fix: 'name a file in a folder that you may write to',
      cause,
    });
  }
}

/** Makes each span a pair of asynchronous events, on tracks of their own: spans may overlap, as slices of a thread may not. */
function spanEvents(spans: readonly Span[], baseTimeNanoseconds: number): TraceEvent[] {
  const microseconds = (time: number) => (performance.timeOrigin + time) * 1000 - baseTimeNanoseconds / 1000;
  return spans.flatMap(({ name, start, end }, id) => {
    const event = { cat: 'javascript', name, id, pid: process.pid, tid: process.pid };
    return [
      { ...event, ph: 'b', ts: microseconds(start) },
      { ...event, ph: 'e', ts: microseconds(end) },
    ];
  });
}
