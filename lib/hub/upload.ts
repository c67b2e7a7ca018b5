/**
 * Uploads to the Hub: a repository is made, private unless it may be public, and all files come into it by one commit. Big files lie on
 * the Hub under their SHA-256 before the commit names them, so a broken connection leaves nothing half-published, and whoever goes on
 * sends only what is missing.
 */
import { pathToFileURL } from 'node:url';
import type { CommitProgressEvent, ListFileEntry } from '@huggingface/hub';
import { SamError } from '../core/errors.js';
import { gitHashFile, sha256File } from '../core/hash.js';
import type { Counted, Hooks } from '../core/hooks.js';
import { type Patience, patient } from './patience.js';
import { currentCommit, filesAt } from './repository.js';
import { type Asked, ask, hubFetch, mayNotWrite, pageOf } from './request.js';

/** A file to upload. */
export interface UploadFile {
  /** Path in the repository. */
  readonly path: string;
  /** Path on this machine. */
  readonly file: string;
  /** Size in bytes. */
  readonly bytes: number;
}

/** How an upload is made. `onProgress` is told of bytes. */
export interface UploadOptions extends Patience, Pick<Hooks<Counted>, 'onNote' | 'onProgress'> {
  /** Whether everybody may see the repository. */
  readonly public: boolean;
  /** First line of the commit. */
  readonly message: string;
}

/** What an upload has done. */
export interface Uploaded {
  /** Commit that holds the files. */
  readonly commit: string;
  /** Whether the repository is private. */
  readonly private: boolean;
  /** Paths of the files that were not there yet, or were others. */
  readonly changed: string[];
}

/** Commits of others that are got out of the way of, before it is given up. */
const MOST_CONFLICTS = 3;

/** Token that the library is given: none, since {@link hubFetch} sends it. */
const NO_TOKEN = { accessToken: '' };

/**
 * Finds out, before any work, whether there is a token that may write at all.
 *
 * @throws SamError `SAM_NO_ACCESS`: no token, one that is refused, or one that may only read. `SAM_NETWORK`: no answer.
 */
export async function requireWriter(asked: Asked): Promise<void> {
  const { hub } = asked;
  if (hub.offline !== undefined) {
    throw new SamError('SAM_BAD_OPTION', `${hub.offline} forbids to upload anything`, {
      fix: `unset ${hub.offline.split('=')[0]}, or look at the folder first: \`dryRun\``,
    });
  }
  if (hub.token === undefined) throw mayNotWrite(asked, 401);
  const { whoAmI } = await import('@huggingface/hub');
  const { auth } = await ask(asked, (fetch) => whoAmI({ ...NO_TOKEN, hubUrl: hub.endpoint, fetch }));
  if (auth?.accessToken?.role === 'read') throw mayNotWrite(asked, 403);
}

/**
 * Uploads files to the branch `asked.revision` of a model's repository, which is made where it isn't there. Files that are there already
 * stay as they are, as do others that nobody names.
 *
 * @throws SamError `SAM_NO_ACCESS`: the token may not write. `SAM_BAD_OPTION`: the repository is public and `public` is false.
 * `SAM_NETWORK`: the connection breaks again and again, or somebody else writes all the time.
 */
export async function upload(asked: Asked, files: readonly UploadFile[], options: UploadOptions): Promise<Uploaded> {
  const isPrivate = await requireRepository(asked, options);
  for (let conflicts = 0; ; conflicts++) {
    const parent = await currentCommit(asked);
    const changed = await changedFiles(asked, parent, files);
    const result = { private: isPrivate, changed: changed.map(({ path }) => path) };
    if (changed.length === 0) return { ...result, commit: parent };
    try {
      return { ...result, commit: await commitFiles(asked, parent, changed, options) };
    } catch (error) {
      asked.signal?.throwIfAborted();
      if (error instanceof SamError) throw error;
      // Also where our own commit came through and its answer did not: then nothing is left to do.
      if (!isConflict(error)) throw uploadFailed(asked, error);
      if (conflicts === MOST_CONFLICTS) throw alwaysOthers(asked, error);
      options.onNote?.(`${asked.repo.name} has changed meanwhile: going on from what it is now`);
    }
  }
}

/** Makes the repository and the branch, where they aren't there. Returns whether it is private. */
async function requireRepository(asked: Asked, options: UploadOptions): Promise<boolean> {
  const { hub, repo, revision } = asked;
  const { createBranch, createRepo, modelInfo } = await import('@huggingface/hub');
  const visibility = options.public ? 'public' : 'private';
  const about = { repo, hubUrl: hub.endpoint };
  const made = await unlessThere(asked, options, (fetch) => createRepo({ ...NO_TOKEN, ...about, visibility, fetch }));
  const found = await ask(asked, (fetch) => modelInfo({ name: repo.name, hubUrl: hub.endpoint, fetch }));
  if (!found.private && !options.public) {
    throw new SamError('SAM_BAD_OPTION', `${repo.name} is public: everybody would see what comes into it`, {
      fix: `say that they may (\`public\`), make it private at ${pageOf(asked)}/settings, or name another repository`,
    });
  }
  if (made) options.onNote?.(`made ${pageOf(asked)}, ${visibility}`);
  else if (found.private && options.public) {
    options.onNote?.(`${repo.name} is private and stays so: ${pageOf(asked)}/settings makes it public`);
  }
  if (revision !== 'main') {
    await unlessThere(asked, options, (fetch) => createBranch({ ...about, branch: revision, fetch }));
  }
  return found.private;
}

/** Asks for something to be made. Returns false where it is there already. */
async function unlessThere(asked: Asked, patience: Patience, make: (fetcher: typeof fetch) => Promise<unknown>) {
  try {
    await make(patient(signalled(asked), patience));
    return true;
  } catch (error) {
    asked.signal?.throwIfAborted();
    if (isConflict(error)) return false;
    throw error instanceof SamError ? error : uploadFailed(asked, error);
  }
}

function signalled(asked: Asked): typeof fetch {
  const fetcher = hubFetch(asked);
  return (input, init) => fetcher(input, { ...init, signal: init?.signal ?? asked.signal ?? null });
}

/** Finds the files that the commit hasn't, or has with another content. */
async function changedFiles(asked: Asked, commit: string, files: readonly UploadFile[]): Promise<UploadFile[]> {
  const there = await filesAt(asked, commit, { recursive: true });
  const same = await Promise.all(files.map((file) => isSame(file, there.get(file.path), asked.signal)));
  return files.filter((_, index) => !same[index]);
}

async function isSame({ file }: UploadFile, entry: ListFileEntry | undefined, signal: AbortSignal | undefined) {
  if (entry === undefined) return false;
  return entry.lfs === undefined
    ? (await gitHashFile(file, signal)) === entry.oid
    : (await sha256File(file, signal)) === entry.lfs.oid;
}

/** Sends what isn't there, and makes the one commit that names it all. Returns the commit. */
async function commitFiles(
  asked: Asked,
  parentCommit: string,
  files: readonly UploadFile[],
  options: UploadOptions,
): Promise<string> {
  const { commitIter } = await import('@huggingface/hub');
  const progress = new SentBytes(files, options.onProgress);
  const work = commitIter({
    repo: asked.repo,
    branch: asked.revision,
    parentCommit,
    title: options.message,
    operations: files.map(({ path, file }) => ({ operation: 'addOrUpdate', path, content: pathToFileURL(file) })),
    hubUrl: asked.hub.endpoint,
    // The Hub takes both; LFS resumes by whole files and parts, and any server that speaks the protocol has it.
    useXet: false,
    fetch: progress.watched(patient(hubFetch(asked), options)),
    ...(asked.signal !== undefined && { abortSignal: asked.signal }),
  });
  for (;;) {
    const step = await work.next();
    if (step.done) return step.value!.commit.oid;
    progress.take(step.value);
  }
}

/** Counts what has been sent: whole files by the library's word, parts of big ones by their requests. */
class SentBytes {
  readonly #sent = new Map<string, number>();
  readonly #total: number;

  constructor(
    readonly files: readonly UploadFile[],
    readonly onProgress: UploadOptions['onProgress'],
  ) {
    this.#total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Returns a `fetch` whose parts of files are counted. */
  watched(fetcher: typeof fetch): typeof fetch {
    return async (input, init) => {
      const response = await fetcher(input, init);
      const { path } = (init as { progressHint?: { path?: string } } | undefined)?.progressHint ?? {};
      if (path !== undefined && response.ok && init?.body instanceof Blob) {
        this.#count(path, (this.#sent.get(path) ?? 0) + init.body.size);
      }
      return response;
    };
  }

  take(event: CommitProgressEvent): void {
    if (event.event !== 'fileProgress' || event.state !== 'uploading' || event.progress < 1) return;
    this.#count(event.path, this.files.find(({ path }) => path === event.path)?.bytes ?? 0);
  }

  #count(path: string, bytes: number): void {
    this.#sent.set(path, bytes);
    this.onProgress?.({ done: [...this.#sent.values()].reduce((sum, one) => sum + one, 0), total: this.#total });
  }
}

/** Tells whether the Hub says that something is there already, or that the branch has moved on. */
function isConflict(error: unknown): boolean {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  return status === 409 || status === 412;
}

function uploadFailed({ hub, repo }: Asked, error: unknown): SamError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SamError('SAM_NETWORK', `cannot upload to ${repo.name} on ${hub.endpoint}: ${reason}`, {
    fix: 'check the network, then run it again: files that have arrived are not sent again, and nothing is published yet',
    cause: error,
  });
}

function alwaysOthers({ repo }: Asked, error: unknown): SamError {
  return new SamError('SAM_NETWORK', `somebody else writes to ${repo.name} all the time`, {
    fix: 'run it again when they are done, or name a branch of your own: owner/name@branch',
    cause: error,
  });
}
