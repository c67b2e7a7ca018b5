/**
 * The embedding cache on disk: `<cacheDir>/embeddings/<encoder and precision>/`, shards written by the addon and an
 * `about.json` for people. Shards that nobody used for longest go first when there are too many bytes.
 */
import { type Dirent, existsSync } from 'node:fs';
import { readdir, readFile, rm, rmdir, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { toSamError } from '../core/errors.js';
import { writeFileWhole } from '../core/files.js';
import { readTensorNames } from '../runs/safetensors-header.js';

/** Content of `about.json`: the encoder and precision that a folder's embeddings are of. */
export interface EmbeddingsAbout {
  /** Name of the model whose encoder made them. */
  model: string;
  encoderHash: string;
  /** Type of the encoder and of the numbers on disk, in words. */
  precision: string;
}

export interface EmbeddingFolder extends EmbeddingsAbout {
  path: string;
  bytes: number;
  shards: number;
  /** Date of the latest use, ISO; null for an empty folder. */
  lastUsed: string | null;
}

interface Shard {
  path: string;
  bytes: number;
  usedAt: number;
}

/** Age, in milliseconds, at which what a killed writer left may be removed. */
const LEFTOVER_AGE = 3600_000;

/** Writes a folder's `about.json`, if there is none yet. */
export async function describeFolder(folder: string, about: EmbeddingsAbout): Promise<void> {
  const path = join(folder, 'about.json');
  if (!existsSync(path)) await writeFileWhole(path, `${JSON.stringify(about, null, 2)}\n`);
}

/** Lists every folder of embeddings in the cache, by name of model. */
export async function listFolders(cacheDir: string): Promise<EmbeddingFolder[]> {
  const folders: EmbeddingFolder[] = [];
  for (const path of await foldersIn(cacheDir)) {
    const shards = await shardsIn(path);
    folders.push({
      ...(await readAbout(path)),
      path,
      bytes: shards.reduce((sum, shard) => sum + shard.bytes, 0),
      shards: shards.length,
      lastUsed: shards.length === 0 ? null : new Date(Math.max(...shards.map(({ usedAt }) => usedAt))).toISOString(),
    });
  }
  return folders.sort((a, b) => a.model.localeCompare(b.model) || a.path.localeCompare(b.path));
}

/**
 * Removes the least recently used shards until at most `maxBytes` are left, what killed writers left, and empty folders.
 *
 * @param keep paths of shards that must stay.
 */
export async function collectGarbage(
  cacheDir: string,
  maxBytes: number,
  keep: ReadonlySet<string> = new Set(),
): Promise<{ removedShards: number; removedBytes: number; bytes: number }> {
  const folders = await foldersIn(cacheDir);
  for (const folder of folders) await removeLeftovers(folder);
  const shards = (await Promise.all(folders.map(shardsIn))).flat().sort((a, b) => a.usedAt - b.usedAt);
  let bytes = shards.reduce((sum, shard) => sum + shard.bytes, 0);
  const total = bytes;
  let removedShards = 0;
  for (const shard of shards) {
    if (bytes <= maxBytes) break;
    if (keep.has(shard.path)) continue;
    await rm(shard.path, { force: true });
    bytes -= shard.bytes;
    removedShards++;
  }
  for (const folder of folders) await removeIfEmpty(folder);
  return { removedShards, removedBytes: total - bytes, bytes };
}

/** Marks the shards of one folder that hold any key in use as used now, and returns their paths. */
export async function touchShards(folder: string, isUsed: (key: string) => boolean): Promise<Set<string>> {
  const used = new Set<string>();
  const now = new Date();
  for (const { path } of await shardsIn(folder)) {
    // A damaged shard is found, and redone, when it is read; one that can't be read just now may be in use.
    const keys = await readTensorNames(path).catch((error: unknown) =>
      toSamError(error).code === 'SAM_IO' ? undefined : [],
    );
    if (keys !== undefined && !keys.some(isUsed)) continue;
    used.add(path);
    await utimes(path, now, now).catch(() => {});
  }
  return used;
}

async function foldersIn(cacheDir: string): Promise<string[]> {
  const parent = join(cacheDir, 'embeddings');
  return (await entries(parent)).filter((entry) => entry.isDirectory()).map(({ name }) => join(parent, name));
}

async function entries(folder: string): Promise<Dirent[]> {
  return readdir(folder, { withFileTypes: true }).catch(() => []);
}

/** Lists the shards of a folder, without those that vanish meanwhile (another process may collect too). */
async function shardsIn(folder: string): Promise<Shard[]> {
  const names = (await entries(folder)).filter(({ name }) => name.endsWith('.safetensors'));
  const shards = names.map(async ({ name }): Promise<Shard[]> => {
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    return found === undefined ? [] : [{ path, bytes: found.size, usedAt: found.mtimeMs }];
  });
  return (await Promise.all(shards)).flat();
}

async function removeLeftovers(folder: string): Promise<void> {
  for (const { name } of await entries(folder)) {
    if (name.endsWith('.safetensors') || name === 'about.json') continue;
    const path = join(folder, name);
    if (await olderThan(path, LEFTOVER_AGE, false)) await rm(path, { recursive: true, force: true });
  }
}

async function removeIfEmpty(folder: string): Promise<void> {
  // A folder that can't be read just now is not known to be empty.
  const names = await readdir(folder).catch(() => undefined);
  if (names === undefined || names.some((name) => name !== 'about.json')) return;
  // A young folder belongs to a process that has not written its first shard yet.
  const about = join(folder, 'about.json');
  if (await olderThan(about, LEFTOVER_AGE, true)) {
    await rm(about, { force: true });
    await rmdir(folder).catch(() => {}); // another process may have begun to write
  }
}

/** Tells whether a file is older than so many milliseconds; `absent` is the answer where there is no such file. */
async function olderThan(path: string, milliseconds: number, absent: boolean): Promise<boolean> {
  return stat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs > milliseconds,
    () => absent,
  );
}

async function readAbout(folder: string): Promise<EmbeddingsAbout> {
  const unknown = { model: 'unknown', encoderHash: '', precision: '' };
  try {
    return { ...unknown, ...(JSON.parse(await readFile(join(folder, 'about.json'), 'utf8')) as EmbeddingsAbout) };
  } catch {
    return unknown;
  }
}
