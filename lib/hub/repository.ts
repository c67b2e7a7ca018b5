/** One repository of the Hub at one commit: its files, and how they come into the shared cache. */
import type { ListFileEntry } from '@huggingface/hub';
import { SamError } from '../core/errors.js';
import { CachedRepository, isCommit, isThere } from './cache.js';
import { type DownloadOptions, download } from './download.js';
import { type Asked, ask, hubFetch, pageOf } from './request.js';

/** How patiently a file is fetched, and who hears of its progress. */
export type FetchFileOptions = Pick<DownloadOptions, 'attempts' | 'pauseMs' | 'stallMs' | 'onProgress'>;

/**
 * Asks the Hub which commit the revision is now.
 *
 * @throws SamError as {@link ask}.
 */
export async function currentCommit(asked: Asked): Promise<string> {
  const { datasetInfo, modelInfo } = await import('@huggingface/hub');
  const { repo, revision, hub } = asked;
  const about = { name: repo.name, revision, additionalFields: ['sha' as const], hubUrl: hub.endpoint };
  const { sha } = await ask<{ sha?: string }>(asked, (fetch) =>
    repo.type === 'dataset' ? datasetInfo({ ...about, fetch }) : modelInfo({ ...about, fetch }),
  );
  if (typeof sha === 'string' && isCommit(sha)) return sha;
  throw notTheHub(asked, 'does not say which commit it has');
}

/**
 * Asks the Hub for the repository's files at the commit, by path; with `recursive` also those in folders.
 *
 * @throws SamError as {@link ask}.
 */
export async function filesAt(
  asked: Asked,
  commit: string,
  { recursive = false }: { recursive?: boolean } = {},
): Promise<Map<string, ListFileEntry>> {
  const { listFiles } = await import('@huggingface/hub');
  const { repo, hub } = asked;
  return ask(asked, async (fetch) => {
    const files = new Map<string, ListFileEntry>();
    for await (const entry of listFiles({ repo, revision: commit, recursive, hubUrl: hub.endpoint, fetch })) {
      if (entry.type === 'file') files.set(entry.path, entry);
    }
    return files;
  });
}

/** Returns the bytes of a file's content, which are not those of its LFS pointer. */
export function sizeOf(entry: ListFileEntry): number {
  return entry.lfs?.size ?? entry.size;
}

/**
 * Brings a file into the cache, if it isn't there, and returns its path in the snapshot.
 *
 * The library only lists: its own download prints on stdout, starts over when a connection breaks, and believes whatever came.
 *
 * @throws SamError as {@link download} and {@link hubFetch}.
 */
export async function fetchFile(
  asked: Asked,
  commit: string,
  entry: ListFileEntry,
  options: FetchFileOptions = {},
): Promise<string> {
  const cached = new CachedRepository(asked.hub, asked.repo);
  const etag = entry.lfs?.oid ?? entry.oid;
  if (etag === undefined || !/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(etag) || !isSafePath(entry.path)) {
    throw notTheHub(asked, `lists a file that it can't have: ${entry.path}`);
  }
  const blob = cached.blob(etag);
  if (!(await isThere(blob, sizeOf(entry)))) {
    await download({
      ...options,
      url: `${pageOf(asked)}/resolve/${commit}/${entry.path.split('/').map(encodeURIComponent).join('/')}`,
      path: blob,
      ...(entry.lfs === undefined ? { gitHash: etag } : { sha256: etag }),
      fetch: hubFetch(asked),
      signal: asked.signal,
    });
  }
  return cached.link(commit, entry.path, etag);
}

/** Tells whether a path stays within the folder that it is put into. */
function isSafePath(path: string): boolean {
  return path.split('/').every((part) => /^[^\\:\p{Cc}]+$/u.test(part) && part !== '.' && part !== '..');
}

function notTheHub({ hub, repo }: Asked, what: string): SamError {
  return new SamError('SAM_NETWORK', `${hub.endpoint}: ${repo.name} ${what}`, {
    fix: 'check that HF_ENDPOINT is a Hugging Face Hub',
  });
}
