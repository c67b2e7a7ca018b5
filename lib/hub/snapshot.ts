/**
 * The files of a repository at one commit, listed at once and fetched one by one: for data sets, of which only some files are wanted.
 * Listings are kept in this package's cache, since Python's has no place for them: offline they tell whether a file is missing.
 */

import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ListFileEntry } from '@huggingface/hub';
import { SamError } from '../core/errors.js';
import { writeFileWhole } from '../core/files.js';
import type { Counted, Hooks } from '../core/hooks.js';
import { CachedRepository, isCommit, isThere } from './cache.js';
import { currentCommit, type FetchFileOptions, fetchFile, filesAt, sizeOf } from './repository.js';
import type { Asked } from './request.js';

/** Where listings are kept, and who hears when the cache stands in for the Hub. */
export interface SnapshotOptions extends Pick<Hooks, 'onNote'> {
  /** Folder of this package's own cache. */
  readonly cacheDir: string;
}

/** How patiently files are fetched. */
export type FetchPacing = Pick<FetchFileOptions, 'attempts' | 'pauseMs' | 'stallMs'>;

/** The files of a repository at one commit. */
export class HubSnapshot {
  private constructor(
    readonly asked: Asked,
    readonly commit: string,
    /** Listed files by path, whether they are in the cache or not. */
    readonly files: ReadonlyMap<string, ListFileEntry>,
  ) {}

  /**
   * Lists the files that the revision has now; offline, or where the Hub can't be reached, those that it had when it was last asked.
   *
   * @throws SamError `SAM_NOT_FOUND`: no such repository or revision, or offline and not in the cache. `SAM_NO_ACCESS`: it is gated or
   * closed. `SAM_NETWORK`: no answer.
   */
  static async open(asked: Asked, options: SnapshotOptions): Promise<HubSnapshot> {
    const { hub, repo, revision } = asked;
    const cached = new CachedRepository(hub, repo);
    const known = await cached.commitOf(revision);
    const local = async () => {
      const files =
        known && ((await storedListing(asked, known, options)) || (await localListing(cached.snapshot(known))));
      return known && files ? new HubSnapshot(asked, known, files) : undefined;
    };
    if (hub.offline !== undefined) return (await local()) ?? notInCache(asked, repo.name);
    try {
      const commit = isCommit(revision) ? revision : await currentCommit(asked);
      const stored = await storedListing(asked, commit, options);
      const files = stored ?? (await filesAt(asked, commit, { recursive: true }));
      if (stored === undefined) {
        await writeFileWhole(listingPath(asked, commit, options), JSON.stringify([...files.values()]));
      }
      return new HubSnapshot(asked, commit, files);
    } catch (error) {
      const unreachable = error instanceof SamError && error.code === 'SAM_NETWORK';
      const found = unreachable ? await local() : undefined;
      if (found === undefined) throw error;
      options.onNote?.(`${(error as SamError).message}: taking ${repo.name} from the cache ${hub.cacheDir}`);
      return found;
    }
  }

  /** Returns where a file of the snapshot is in the cache, or will be. */
  pathOf(path: string): string {
    return join(new CachedRepository(this.asked.hub, this.asked.repo).snapshot(this.commit), path);
  }

  /** Finds those of the files that are not in the cache yet, and their bytes together. */
  async missing(paths: readonly string[]): Promise<{ paths: string[]; bytes: number }> {
    const missing: string[] = [];
    for (const path of paths) {
      if (!(await isThere(this.pathOf(path), sizeOf(this.#entry(path))))) missing.push(path);
    }
    return { paths: missing, bytes: missing.reduce((sum, path) => sum + sizeOf(this.#entry(path)), 0) };
  }

  /**
   * Brings files into the cache and returns where they are. `onProgress` is told of the bytes that have come, of all missing files
   * together.
   *
   * @throws SamError `SAM_NOT_FOUND`: offline, and not in the cache. Else as {@link fetchFile}.
   */
  async fetch(
    paths: readonly string[],
    { onProgress, ...pacing }: FetchPacing & Pick<Hooks<Counted>, 'onProgress'> = {},
  ): Promise<string[]> {
    const { paths: missing, bytes: total } = await this.missing(paths);
    if (missing.length > 0 && this.asked.hub.offline !== undefined) notInCache(this.asked, missing.join(', '));
    let before = 0;
    for (const path of missing) {
      const entry = this.#entry(path);
      await fetchFile(this.asked, this.commit, entry, {
        ...pacing,
        onProgress: ({ done }) => onProgress?.({ done: before + done, total }),
      });
      before += sizeOf(entry);
    }
    return paths.map((path) => this.pathOf(path));
  }

  /** Records in the cache that the revision is this commit, also for those who look offline. */
  async settle(): Promise<void> {
    if (this.asked.hub.offline !== undefined || isCommit(this.asked.revision)) return;
    await new CachedRepository(this.asked.hub, this.asked.repo).setCommitOf(this.asked.revision, this.commit);
  }

  #entry(path: string): ListFileEntry {
    const entry = this.files.get(path);
    if (entry !== undefined) return entry;
    throw new SamError('SAM_NOT_FOUND', `${this.asked.repo.name} has no file ${path}`);
  }
}

function listingPath({ repo }: Asked, commit: string, { cacheDir }: SnapshotOptions): string {
  return join(cacheDir, 'hub', `${repo.type}s--${repo.name.replaceAll('/', '--')}`, `${commit}.json`);
}

async function storedListing(asked: Asked, commit: string, options: SnapshotOptions) {
  try {
    const entries = JSON.parse(await readFile(listingPath(asked, commit, options), 'utf8')) as ListFileEntry[];
    return new Map(entries.map((entry) => [entry.path, entry]));
  } catch {
    return undefined; // not there, or damaged: it is asked for again
  }
}

/** Lists what another program has put into the snapshot: all that can be known of it without the Hub. */
async function localListing(folder: string): Promise<Map<string, ListFileEntry> | undefined> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const files = new Map<string, ListFileEntry>();
  for (const name of names.sort()) {
    const path = name.replaceAll('\\', '/');
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found?.isFile()) files.set(path, { type: 'file', path, size: found.size });
  }
  const torn = [...files.keys()].filter((path) => !hasAllShards(path, files));
  for (const path of torn) files.delete(path);
  return files.size === 0 ? undefined : files;
}

/** Tells whether all shards of a series are there, as `train-00000-of-00002.parquet` names them: a download may have ended halfway. */
function hasAllShards(path: string, files: ReadonlyMap<string, unknown>): boolean {
  const [, before, digits, total, after] = /^(.*-)(\d+)-of-(\d+)(.*)$/.exec(path) ?? [];
  if (before === undefined) return true;
  const names = Array.from({ length: Number(total) }, (_, index) => String(index).padStart(digits!.length, '0'));
  return names.every((name) => files.has(`${before}${name}-of-${total}${after}`));
}

function notInCache({ hub, repo, revision }: Asked, what: string): never {
  const of = what === repo.name ? '' : ` of ${repo.name}`;
  const named = revision === 'main' ? '' : ` --revision ${revision}`;
  throw new SamError(
    'SAM_NOT_FOUND',
    `${what}${of} is not in ${hub.cacheDir}, and ${hub.offline} forbids to download it`,
    {
      fix:
        `unset ${hub.offline?.split('=')[0]}, or run hf download ${repo.name} --repo-type ${repo.type}${named} ` +
        `on a machine with a network and copy its cache to ${hub.cacheDir}`,
    },
  );
}
