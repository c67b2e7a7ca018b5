/**
 * The cache that Hugging Face's libraries share:
 *
 *     models--owner--name/refs/main                         the commit that `main` was
 *     models--owner--name/blobs/<etag>                      contents: SHA-256 of big files, git's hash of small ones
 *     models--owner--name/snapshots/<commit>/config.json -> ../../blobs/<etag>
 */
import { copyFile, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { RepoId } from '@huggingface/hub';
import { systemCode } from '../core/errors.js';
import { makeFolder, temporaryName, writeFileWhole } from '../core/files.js';
import type { HubEnvironment } from './environment.js';

/** Tells whether a revision is a commit's full hash: 40 lower-case hex digits. */
export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}

/** One repository's part of the cache. Nothing of it needs to exist. */
export class CachedRepository {
  /** Folder of the repository in the cache. */
  readonly folder: string;

  constructor(hub: HubEnvironment, repo: RepoId) {
    this.folder = join(hub.cacheDir, `${repo.type}s--${repo.name.replaceAll('/', '--')}`);
  }

  /** Returns the folder of a commit's files. */
  snapshot(commit: string): string {
    return join(this.folder, 'snapshots', commit);
  }

  /** Returns the file of a content. */
  blob(etag: string): string {
    return join(this.folder, 'blobs', etag);
  }

  /** Reads which commit a branch or tag was when it was last fetched; undefined where it never was. */
  async commitOf(revision: string): Promise<string | undefined> {
    if (isCommit(revision)) return revision;
    try {
      const commit = (await readFile(join(this.folder, 'refs', revision), 'utf8')).trim();
      return isCommit(commit) ? commit : undefined;
    } catch (error) {
      if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(systemCode(error) ?? '')) return undefined;
      throw error;
    }
  }

  /** Records which commit a branch or tag is. */
  async setCommitOf(revision: string, commit: string): Promise<void> {
    if ((await this.commitOf(revision)) === commit) return;
    await writeFileWhole(join(this.folder, 'refs', revision), commit);
  }

  /** Puts a blob under its name into a snapshot: a link, or a copy where the disk has no links. Returns its path there. */
  async link(commit: string, path: string, etag: string): Promise<string> {
    const place = join(this.snapshot(commit), path);
    await makeFolder(dirname(place));
    const temporary = temporaryName(place);
    try {
      await symlink(relative(dirname(place), this.blob(etag)), temporary).catch(() =>
        copyFile(this.blob(etag), temporary),
      );
      await rename(temporary, place);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    return place;
  }
}

/** Tells whether a file, or what a link leads to, is there; and has this size in bytes, where one is given. */
export async function isThere(path: string, size?: number): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile() && (size ?? found.size) === found.size,
    () => false,
  );
}
