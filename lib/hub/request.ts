/**
 * Requests to the Hub. `hubFetch` is handed to the library in the place of `fetch`: it adds the token, for the Hub's own host
 * only, and turns the Hub's refusals into errors that say what to do.
 */
import type { RepoId } from '@huggingface/hub';
import { SamError } from '../core/errors.js';
import type { HubEnvironment } from './environment.js';

/** A revision of a repository that is asked for, and which Hub is asked. */
export interface Asked {
  hub: HubEnvironment;
  repo: RepoId;
  revision: string;
  /** Whether something is to be written: refusals then say what a token must be allowed to do. */
  writes?: true;
  signal?: AbortSignal | undefined;
}

/** Returns the address of the repository's page, below which its files are. */
export function pageOf({ hub, repo }: Pick<Asked, 'hub' | 'repo'>): string {
  return `${hub.endpoint}/${repo.type === 'model' ? '' : `${repo.type}s/`}${repo.name}`;
}

/**
 * Returns a `fetch` that sends the token, to the Hub's own host only, and throws SamError `SAM_NOT_FOUND` or `SAM_NO_ACCESS` where the
 * Hub refuses. The library's own way with tokens is not used: it takes only those that begin with `hf_`, and sends them to the network
 * that delivers the files too.
 */
export function hubFetch(asked: Asked): typeof fetch {
  const { origin } = new URL(asked.hub.endpoint);
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const headers = new Headers(init?.headers);
    const { token } = asked.hub;
    // A redirect to another host drops this header: fetch sees to that.
    if (token !== undefined && url.origin === origin) headers.set('authorization', `Bearer ${token.value}`);
    const response = await fetch(url, { ...init, headers });
    if (![401, 403, 404].includes(response.status) || new URL(response.url).origin !== origin) return response;
    await response.body?.cancel();
    throw refusal(asked, response);
  };
}

/**
 * Asks the Hub's API through the library.
 *
 * @throws SamError `SAM_NETWORK`: no answer, or none that makes sense. Else as {@link hubFetch}.
 */
export async function ask<Answer>(asked: Asked, question: (fetcher: typeof fetch) => Promise<Answer>): Promise<Answer> {
  const { hub, signal } = asked;
  const fetcher = hubFetch(asked);
  try {
    return await question((input, init) => {
      const timeout = AbortSignal.timeout(hub.timeoutMs);
      return fetcher(input, { ...init, signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]) });
    });
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof SamError) throw error;
    throw new SamError('SAM_NETWORK', `${hub.endpoint} ${whatFailed(error, hub.timeoutMs)}`, {
      fix: 'check the network (and HF_ENDPOINT, if you set it), then try again',
      cause: error,
    });
  }
}

function whatFailed(error: unknown, timeoutMs: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `gave no answer within ${timeoutMs / 1000} s`;
  if (error instanceof Error && 'statusCode' in error) return `answered with status ${error.statusCode}`;
  if (error instanceof SyntaxError) return 'answered something that is not from the Hugging Face Hub';
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return `cannot be reached: ${cause instanceof Error ? cause.message : String(cause)}`;
}

/** Turns the Hub's refusal into an error. Its `X-Error-Code` tells refusals apart better than their status does. */
function refusal(asked: Asked, response: Response): SamError {
  const { hub, repo, revision } = asked;
  const { token, endpoint } = hub;
  const about = response.headers.get('x-error-code');
  if (asked.writes && (response.status === 403 || (response.status === 401 && token !== undefined))) {
    return mayNotWrite(asked, response.status);
  }
  if (about === 'RevisionNotFound') {
    return new SamError('SAM_NOT_FOUND', `${repo.name} has no revision ${revision}`, {
      fix: `name one of ${pageOf(asked)}/branches, or leave out @${revision}`,
    });
  }
  if (about === 'EntryNotFound') {
    return new SamError('SAM_NOT_FOUND', `${repo.name} has no such file: ${response.url}`);
  }
  if (about !== 'GatedRepo' && token !== undefined && response.status === 401) {
    return new SamError('SAM_NO_ACCESS', `the token in ${token.source} was refused by ${endpoint}`, {
      fix: `put a valid token of ${endpoint}/settings/tokens there, or remove it: public ${repo.type}s need none`,
    });
  }
  if (about === 'GatedRepo' || response.status === 403) return noAccess(asked, about === 'GatedRepo');
  const whyUnseen = token === undefined ? 'it is private: set HF_TOKEN' : `the token in ${token.source} may not see it`;
  return new SamError('SAM_NOT_FOUND', `${repo.name}: no such repository on ${endpoint}, or ${whyUnseen}`, {
    fix: 'check the name; a private repository needs HF_TOKEN=<a token of an account that may read it>',
  });
}

/** Makes the error of a token with which nothing can be written to the repository: it is nobody's, or may not. */
export function mayNotWrite({ hub, repo }: Pick<Asked, 'hub' | 'repo'>, status: number): SamError {
  const { endpoint, token } = hub;
  if (token === undefined) {
    return new SamError('SAM_NO_ACCESS', `writing to ${repo.name} on ${endpoint} needs a token, and there is none`, {
      fix: `log in: hf auth login, or set HF_TOKEN to one of ${endpoint}/settings/tokens with the role write`,
    });
  }
  if (status === 401) {
    return new SamError('SAM_NO_ACCESS', `the token in ${token.source} was refused by ${endpoint}`, {
      fix: `log in anew: hf auth login, or put one of ${endpoint}/settings/tokens with the role write there`,
    });
  }
  return new SamError('SAM_NO_ACCESS', `the token in ${token.source} may not write to ${repo.name} on ${endpoint}`, {
    fix: `name a repository of your own or of an organisation that lets you write, and take a token with the role write`,
  });
}

function noAccess(asked: Asked, gated: boolean): SamError {
  const { token } = asked.hub;
  const who = token === undefined ? 'without a token' : `to the owner of the token in ${token.source}`;
  const terms = gated ? `accept its terms at ${pageOf(asked)}, then ` : '';
  return new SamError('SAM_NO_ACCESS', `${asked.repo.name} is ${gated ? 'gated' : 'closed'}: no access ${who}`, {
    fix: `${terms}set HF_TOKEN to a token that may read it`,
  });
}
