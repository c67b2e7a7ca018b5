/** Requests that are made again: after a connection that broke, and where the server is overloaded. */
import { setTimeout } from 'node:timers/promises';
import { SamError } from '../core/errors.js';

/** How patiently a server is asked. */
export interface Patience {
  /** Attempts in a row after which a request is given up; 5 by default. */
  readonly attempts?: number | undefined;
  /** Pause in milliseconds before the second attempt, twice as long before each further one; 500 by default. */
  readonly pauseMs?: number | undefined;
}

/**
 * Makes a `fetch` patient. A SamError that it throws is an answer, and ends the request. The body must be one that can be sent again: a
 * text, or a Blob.
 */
export function patient(fetcher: typeof fetch, { attempts = 5, pauseMs = 500 }: Patience): typeof fetch {
  return async (input, init) => {
    const signal = init?.signal ?? undefined;
    for (let attempt = 1; ; attempt++) {
      try {
        const response = await fetcher(input, init);
        const overloaded = response.status >= 500 || response.status === 429;
        if (!overloaded || attempt >= attempts) return response;
        await response.body?.cancel();
      } catch (error) {
        if (error instanceof SamError || signal?.aborted || attempt >= attempts) throw error;
      }
      await setTimeout(pauseMs * 2 ** (attempt - 1), undefined, { signal });
    }
  };
}
