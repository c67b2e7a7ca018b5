/** How long pieces of work in JavaScript take, told to whoever profiles; costs nothing while nobody does. */
import { channel } from 'node:diagnostics_channel';

/** A piece of work and when it ran, in milliseconds of `performance.now()`. */
export interface Span {
  name: string;
  start: number;
  end: number;
}

const spans = channel('sam-native:span');

/** Does the work and tells the listeners how long it took, on failure too. */
export async function span<T>(name: string, work: () => Promise<T>): Promise<T> {
  if (!spans.hasSubscribers) return work();
  const start = performance.now();
  try {
    return await work();
  } finally {
    spans.publish({ name, start, end: performance.now() } satisfies Span);
  }
}

/** Calls `listener` with every span, until the function that is returned is called. */
export function onSpan(listener: (span: Span) => void): () => void {
  const receive = (message: unknown) => listener(message as Span);
  spans.subscribe(receive);
  return () => void spans.unsubscribe(receive);
}
