/**
 * Downloads one file, and believes it only when its hash is right. What has come so far stays in `<path>.partial`, and the
 * next attempt, in this process or a later one, asks for the rest.
 */

import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SamError, toSamError } from '../core/errors.js';
import { isGone, makeFolder, OWNER, parseOwner } from '../core/files.js';
import { gitHashFile, sha256File } from '../core/hash.js';
import type { Hooks } from '../core/hooks.js';

/** Hash that a file must have, lower-case hex: its SHA-256, or the hash that git names it by. */
export type Checksum = { sha256: string; gitHash?: never } | { gitHash: string; sha256?: never };

/** What to download, where to, how patiently, and what it must be. */
export type DownloadOptions = Checksum & DownloadSettings;

/** Bytes that have come, of how many; `total` is undefined where the server does not say. */
export interface DownloadProgress {
  readonly done: number;
  readonly total: number | undefined;
}

/** What to download, where to, and how patiently. */
export interface DownloadSettings extends Pick<Hooks<DownloadProgress>, 'signal' | 'onProgress'> {
  url: string;
  /** File that the download becomes; its folder is made. */
  path: string;
  /** Function that asks in the place of `fetch`. A SamError that it throws ends the download. */
  fetch?: typeof fetch | undefined;
  /** Attempts in a row that bring nothing after which the download is given up; 4 by default. */
  attempts?: number | undefined;
  /** Pause in milliseconds: before attempt n it is n times this; 500 by default. */
  pauseMs?: number | undefined;
  /** Milliseconds after which a connection that brings nothing counts as broken; 30,000 by default. */
  stallMs?: number | undefined;
}

/**
 * Downloads a file and checks it. Goes on with what an earlier attempt left.
 *
 * @throws SamError `SAM_NETWORK`: no answer, a refusal or a wrong file. `SAM_IO`: it can't be written (disk full, say). The signal's
 * reason when aborted.
 */
export async function download(options: DownloadOptions): Promise<void> {
  const { path } = options;
  await makeFolder(dirname(path));
  const partial = await claimPartial(path);
  try {
    // A resumed file may be of another version than its rest: one more try from nothing tells.
    for (let last = false; ; last = true) {
      await fetchAll(options, partial);
      const wrong = await whatIsWrong(options, partial);
      if (wrong === undefined) break;
      await rm(partial, { force: true });
      if (!last) continue;
      throw new SamError('SAM_NETWORK', `${options.url} is not the expected file: ${wrong}`, {
        fix: 'try again; if it happens twice, something between here and the server changes the file',
      });
    }
    await rename(partial, path);
  } catch (error) {
    await rename(partial, `${path}.partial`).catch(() => {});
    throw error;
  }
}

/** Hashes the file; returns what is wrong with the hash, undefined where it is the one expected. */
async function whatIsWrong({ sha256, gitHash, signal }: DownloadOptions, path: string): Promise<string | undefined> {
  const actual = await (sha256 === undefined ? gitHashFile : sha256File)(path, signal);
  const expected = sha256 ?? gitHash;
  return actual === expected
    ? undefined
    : `${sha256 === undefined ? 'git hash' : 'SHA-256'} ${actual}, not ${expected}`;
}

/** Tries until the file is whole, the server refuses, or `attempts` in a row brought nothing. */
async function fetchAll(options: DownloadOptions, partial: string): Promise<void> {
  const attempts = options.attempts ?? 4;
  for (let failures = 0; ; ) {
    const before = await sizeOf(partial);
    try {
      await fetchRest(options, partial);
      return;
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof SamError) throw error;
      if (error instanceof Refused) throw networkError(options.url, error);
      failures = (await sizeOf(partial)) > before ? 1 : failures + 1;
      if (failures >= attempts) throw networkError(options.url, error);
      await pause(failures * (options.pauseMs ?? 500), options.signal);
    }
  }
}

/** An answer that another attempt would not change. */
class Refused extends Error {}

/** Asks once for what is missing, and appends it as it comes. */
async function fetchRest(options: DownloadOptions, partial: string): Promise<void> {
  let have = await sizeOf(partial);
  const stall = new Stall(options.stallMs ?? 30_000);
  const signal = options.signal === undefined ? stall.signal : AbortSignal.any([options.signal, stall.signal]);
  try {
    const request = options.fetch ?? fetch;
    // Compressed on the way, a file would be of another length than the server says.
    const headers = { 'accept-encoding': 'identity', ...(have > 0 && { range: `bytes=${have}-` }) };
    const response = await request(options.url, { signal, headers });
    if (response.status === 416) {
      // Longer than the file, or exactly it: the checksum decides for the latter.
      await response.body?.cancel();
      const whole = Number(response.headers.get('content-range')?.split('/')[1]);
      if (whole === have) return;
      await rm(partial, { force: true });
      throw new Error('the part that was there did not fit');
    }
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      const line = `${response.status} ${response.statusText}`.trim();
      throw response.status >= 500 || response.status === 429 ? new Error(line) : new Refused(line);
    }
    if (response.status !== 206) have = 0;
    const length = response.headers.get('content-length');
    const total = length === null ? undefined : have + Number(length);
    const file = await storing(options.path, open(partial, have > 0 ? 'a' : 'w'));
    try {
      for await (const chunk of response.body) {
        stall.reset();
        await storing(options.path, file.appendFile(chunk));
        have += chunk.byteLength;
        options.onProgress?.({ done: have, total });
      }
      await storing(options.path, file.sync());
    } finally {
      await file.close();
    }
    if (total !== undefined && have !== total) throw new Error(`the connection ended after ${have} of ${total} bytes`);
  } finally {
    stall.stop();
  }
}

/** A signal that aborts when nothing has come for a while; a dead connection otherwise hangs for minutes. */
class Stall {
  readonly #controller = new AbortController();
  readonly #milliseconds: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
    this.reset();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  reset(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => this.#controller.abort(new Error(`nothing came for ${this.#milliseconds / 1000} s`)),
      this.#milliseconds,
    );
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

/**
 * Takes over what an earlier attempt left, by renaming it to a name of this process: of several processes one resumes, the
 * others start afresh, and none writes into another's file.
 */
async function claimPartial(path: string): Promise<string> {
  const own = `${path}.${OWNER}-${Math.random().toString(36).slice(2, 8)}.partial`;
  const folder = dirname(path);
  const leftovers = [`${path}.partial`];
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`${basename(path)}.`) || !name.endsWith('.partial')) continue;
    const owner = parseOwner(name.slice(basename(path).length + 1));
    const found = owner && (await stat(join(folder, name)).catch(() => undefined));
    if (found !== undefined && isGone(owner!, found.mtimeMs)) leftovers.push(join(folder, name));
  }
  for (const leftover of leftovers) {
    const claimed = await rename(leftover, own).then(
      () => true,
      () => false,
    );
    if (claimed) break;
  }
  return own;
}

/** Turns a failed write into a SamError, which ends the download: a full disk is no broken connection, asking again would not help. */
async function storing<T>(path: string, work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    const { code, message, fix } = toSamError(error);
    throw new SamError(code, `cannot write ${path}: ${message}`, { fix, cause: error });
  });
}

function networkError(url: string, error: unknown): SamError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SamError('SAM_NETWORK', `cannot download ${url}: ${reason}`, {
    fix: 'check the network, then run it again: what has come so far is kept',
    cause: error,
  });
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    (found) => found.size,
    () => 0,
  );
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
