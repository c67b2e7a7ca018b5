/** Spans of time that work of JavaScript's takes, told to whoever profiles; while nobody does, this does nothing. */
import { channel } from 'node:diagnostics_channel';

export interface Span {
  name: string;
  /** Milliseconds, by `performance.now()`. */
  start: number;
  end: number;
}

const spans = channel('sam-native:span');

/** Does the work; how long it took is told under that name, on failure too. */
export async function span<T>(name: string, work: () => Promise<T>): Promise<T> {
  if (!spans.hasSubscribers) return work();
  const start = performance.now();
  try {
    return await work();
  } finally {
    spans.publish({ name, start, end: performance.now() } satisfies Span);
  }
}

/** Calls `listener` with every span until the function returned is called. */
export function onSpan(listener: (span: Span) => void): () => void {
  const receive = (message: unknown) => listener(message as Span);
  spans.subscribe(receive);
  return () => void spans.unsubscribe(receive);
}
