/** Data sets on the Hugging Face Hub, `hf:owner/name[/config][@revision]`: the Parquet files of a split, fetched when it is read. */

import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { SamError } from '../../../core/errors.js';
import type { Hooks } from '../../../core/hooks.js';
import { nameAll } from '../../../core/words.js';
import { hubEnvironment } from '../../../hub/environment.js';
import { parseHubName } from '../../../hub/names.js';
import type { Asked } from '../../../hub/request.js';
import { type FetchPacing, HubSnapshot } from '../../../hub/snapshot.js';
import type { DataSource } from '../../sample.js';
import { noSplit } from '../../splits.js';
import { type ParquetOptions, readParquetSplit } from '../parquet/parquet.js';
import {
  chooseConfig,
  declaredConfigs,
  type RepositorySplits,
  splitsByName,
  splitsOfConfig,
  splitsOfConversion,
} from './hub-splits.js';

export const HUB_SCHEME = 'hf:';
/** Revision where the Hub puts what it converts by itself. */
const CONVERTED = 'refs/convert/parquet';
const README = 'README.md';
/** Time between two lines of progress, milliseconds. */
const PROGRESS_INTERVAL = 5000;

export interface HubSourceOptions extends ParquetOptions, FetchPacing, Hooks {
  readonly cacheDir: string;
  /** Environment's variables; those of this process by default. */
  readonly env?: NodeJS.ProcessEnv | undefined;
}

/** A data set whose files are known. */
interface Located {
  readonly snapshot: HubSnapshot;
  readonly splits: RepositorySplits;
}

/**
 * Makes the data set of a repository on the Hub. Its files are looked up when they are first asked about, and fetched when they are read.
 *
 * @param spec the name, with its `hf:`.
 * @throws SamError `SAM_BAD_OPTION`: not a name.
 */
export function hubSource(spec: string, options: HubSourceOptions): DataSource {
  const { config, ...repository } = parseSpec(spec);
  const root = `${HUB_SCHEME}${repository.name}`;
  const asked: Asked = {
    hub: hubEnvironment(options.env),
    repo: { type: 'dataset', name: repository.name },
    revision: repository.revision,
    signal: options.signal,
  };
  let located: Promise<Located> | undefined;
  const locateOnce = () => {
    located ??= locate(asked, config, root, options);
    return located;
  };
  /** Last download: the next one waits for it, since two at once would only share the line. */
  let turn: Promise<unknown> = Promise.resolve();
  const nameOf = (split: string) => `the split '${split}' of ${root}`;
  return {
    root,
    nameOf,
    splits: async () => (await locateOnce()).splits.names(),
    hasSplit: async (split) => (await locateOnce()).splits.filesOf(split).length > 0,
    async readSplit(split, reading) {
      const found = await locateOnce();
      const paths = found.splits.filesOf(split);
      if (paths.length === 0) throw noSplit(split, root, found.splits.names());
      const fetched = turn.then(() => fetchSplit(found.snapshot, paths, nameOf(split), options));
      turn = fetched.catch(() => {});
      const local = await fetched;
      const files = paths.map((relative, index) => ({ relative, path: local[index]! }));
      return readParquetSplit(files, nameOf(split), options, reading);
    },
  };
}

function parseSpec(spec: string): { name: string; revision: string; config: string | undefined } {
  const [, place = '', config, revision = ''] = /^hf:([^/@]*\/[^/@]*)(?:\/([^/@]+))?(@.*)?$/.exec(spec) ?? [];
  const parsed = parseHubName(`${place}${revision}`);
  if (parsed !== undefined) return { ...parsed, config };
  throw new SamError('SAM_BAD_OPTION', `${spec} names no data set on the Hugging Face Hub`, {
    fix: 'write hf:owner/name, hf:owner/name@revision, or hf:owner/name/config',
  });
}

/** Finds the files of the splits: by the README's word first, then the files' names, then what the Hub has converted. */
async function locate(
  asked: Asked,
  config: string | undefined,
  root: string,
  options: HubSourceOptions,
): Promise<Located> {
  const snapshot = await HubSnapshot.open(asked, options);
  const paths = [...snapshot.files.keys()];
  const declared = snapshot.files.has(README)
    ? declaredConfigs(
        await readFile((await snapshot.fetch([README], { ...options, onProgress: undefined }))[0]!, 'utf8'),
        root,
      )
    : [];
  await snapshot.settle();
  const splits =
    declared.length > 0 ? splitsOfConfig(chooseConfig(declared, config, root), paths) : splitsByName(paths);
  if (splits !== undefined) return { snapshot, splits };
  return converted(asked, config, root, options, paths);
}

async function converted(
  asked: Asked,
  config: string | undefined,
  root: string,
  options: HubSourceOptions,
  own: readonly string[],
): Promise<Located> {
  // What the Hub converts is the main branch, of no other revision.
  if (asked.revision !== 'main') throw noParquet(asked, root, own);
  const snapshot = await HubSnapshot.open({ ...asked, revision: CONVERTED }, options).catch((error: unknown) => {
    if (error instanceof SamError && error.code === 'SAM_NOT_FOUND') throw noParquet(asked, root, own);
    throw error;
  });
  const splits = splitsOfConversion([...snapshot.files.keys()], config, root);
  if (splits === undefined) throw noParquet(asked, root, own);
  await snapshot.settle();
  return { snapshot, splits };
}

/** Makes the error of a repository without Parquet files; it says what there is instead. */
function noParquet({ hub, repo, revision }: Asked, root: string, paths: readonly string[]): SamError {
  const counts = new Map<string, number>();
  for (const path of paths) {
    const extension = extname(path).toLowerCase() || 'other';
    counts.set(extension, (counts.get(extension) ?? 0) + 1);
  }
  const there = [...counts].sort(([, a], [, b]) => b - a).map(([extension, count]) => `${count} ${extension}`);
  const branch = revision === 'main' ? ', and the Hub has converted none' : ` at ${revision}`;
  const offline = hub.offline === undefined ? '' : ` (${hub.offline}: only the cache was looked at)`;
  return new SamError('SAM_BAD_DATA', `${root} has no Parquet files${branch} (there: ${nameAll(there)})${offline}`, {
    fix: `run hf download ${repo.name} --repo-type dataset --local-dir DIR and arrange it as a folder, a COCO JSON or a CSV (docs/data.md)`,
  });
}

async function fetchSplit(
  snapshot: HubSnapshot,
  paths: readonly string[],
  what: string,
  options: HubSourceOptions,
): Promise<string[]> {
  const { asked } = snapshot;
  const missing = await snapshot.missing(paths);
  const megabytes = (bytes: number) => Math.ceil(bytes / 1e6);
  if (missing.paths.length > 0 && asked.hub.offline === undefined) {
    const files = missing.paths.length === 1 ? '1 file' : `${missing.paths.length} files`;
    options.onNote?.(
      `downloading ${what} from ${asked.hub.endpoint} to ${asked.hub.cacheDir} (${files}, ${megabytes(missing.bytes)} MB)`,
    );
  }
  const partial = paths.filter((path) => /(^|\/)partial-/.test(path));
  if (asked.revision === CONVERTED && partial.length > 0) {
    options.onWarning?.(`${what} is large: the Hub has converted only a part of it`);
  }
  let last = Date.now();
  return snapshot.fetch(paths, {
    ...options,
    onProgress({ done, total }) {
      if (Date.now() - last < PROGRESS_INTERVAL) return;
      last = Date.now();
      options.onNote?.(`downloading ${what}: ${megabytes(done)} of ${megabytes(total)} MB`);
    },
  });
}
