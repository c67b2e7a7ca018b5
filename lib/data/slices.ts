/** Long loops over pixels that let the event loop turn. */
import { setImmediate } from 'node:timers/promises';

/** Number of pixels handled between two turns of the event loop: some milliseconds. */
const SLICE = 2 ** 20;

/** Runs a loop over `length` pixels piece by piece, the event loop turning in between. */
export async function inSlices(length: number, body: (start: number, end: number) => void): Promise<void> {
  for (let start = 0; start < length; start += SLICE) {
    if (start > 0) await setImmediate();
    body(start, Math.min(length, start + SLICE));
  }
}

/** Runs a loop over the rows of a picture, in order, the event loop turning now and then. */
export async function inRows(width: number, height: number, body: (y: number) => void): Promise<void> {
  const rows = Math.max(1, Math.floor(SLICE / Math.max(1, width)));
  for (let y = 0; y < height; y++) {
    if (y > 0 && y % rows === 0) await setImmediate();
    body(y);
  }
}
