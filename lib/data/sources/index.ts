/** Kinds of data sources, and which of them `--data SRC` is. */

import { readdir } from 'node:fs/promises';
import { defaultCacheDir } from '../../core/cache-dir.js';
import { SamError } from '../../core/errors.js';
import { isFile, isFolder } from '../../core/files.js';
import type { Hooks } from '../../core/hooks.js';
import type { SourceOptions } from '../../option-types.js';
import { makeRivers } from '../../samples/sample-rivers.js';
import type { DataSource } from '../sample.js';
import { findCoco } from './coco/coco.js';
import { folderSource, hasMasks } from './folder.js';
import { HUB_SCHEME, hubSource } from './hub/hub-source.js';
import { isManifest, manifestSource } from './manifest.js';
import { findParquet, type ParquetOptions } from './parquet/parquet.js';

/** What is needed to find a data set. */
export interface OpenSourceOptions extends SourceOptions {
  /** Where data sets are kept that are fetched or drawn. Default: {@link defaultCacheDir}. */
  cacheDir?: string | undefined;
}

type Found = DataSource | undefined | Promise<DataSource | undefined>;

interface SourceKind {
  /** Tells whether a data set is of this kind by its name or its layout; where this is missing, opening the set tells. */
  matches?(data: string): boolean | Promise<boolean>;
  /** Opens a data set, of which nothing is read yet; undefined where it is none of this kind. */
  open(options: OpenSourceOptions & ParquetOptions & { cacheDir: string }, hooks: Hooks): Found;
}

const RIVERS = 'sample:rivers';
/** Scheme of `scheme:rest`, of two letters or more: a single one is a drive of Windows. */
const SCHEME = /^[a-z][a-z0-9+.-]+:/i;

/** Kinds in the order in which they are tried: a folder of several kinds is read by the folder layout, else as Parquet. */
const SOURCES: readonly SourceKind[] = [
  {
    matches: (data) => data.startsWith(HUB_SCHEME),
    open: ({ data, cacheDir, imageColumn, labelColumn }, hooks) =>
      hubSource(data, { cacheDir, imageColumn, labelColumn, ...hooks }),
  },
  {
    matches: (data) => data === RIVERS,
    open: async ({ cacheDir }, hooks) => folderSource(await makeRivers(cacheDir, hooks)),
  },
  {
    matches: async (data) => isManifest(data) && !(await isFolder(data)),
    open: ({ data }) => manifestSource(data),
  },
  { matches: hasMasks, open: ({ data }) => folderSource(data) },
  { open: (options) => findParquet(options.data, options) },
  { open: (options) => findCoco(options.data, options) },
];

/**
 * Finds the data set and its splits; reads nothing yet.
 *
 * @throws SamError `SAM_BAD_OPTION`: a source of an unknown kind.
 */
export async function findSource(options: OpenSourceOptions, hooks: Hooks): Promise<DataSource> {
  const { data, cacheDir = defaultCacheDir(), imageColumn = 'image', labelColumn = 'label' } = options;
  for (const { matches, open } of SOURCES) {
    if (matches !== undefined && !(await matches(data))) continue;
    const source = await open({ ...options, cacheDir, imageColumn, labelColumn }, hooks);
    if (source !== undefined) return source;
  }
  if (await isArrow(data)) {
    throw new SamError(
      'SAM_BAD_OPTION',
      `${data} holds Arrow files, as save_to_disk of datasets writes them, which are not read`,
      {
        fix: "write Parquet instead: load_from_disk(DIR)['train'].to_parquet('SRC/train.parquet'), and so for each split",
      },
    );
  }
  if (await isFile(data)) throw unknownKind(`the file ${data} is no data set of a kind that can be read`);
  const scheme = SCHEME.exec(data)?.[0];
  // What is missing of a folder is told as it is read.
  if (scheme === undefined || (await isFolder(data))) return folderSource(data);
  if (scheme === 'sample:') throw unknownKind(`there is no sample data set '${data}'`);
  throw unknownKind(`data of the kind '${scheme}' cannot be read: ${data}`);
}

/** Tells whether data is an Arrow file, or a folder with such, itself or in its splits' folders. */
async function isArrow(data: string): Promise<boolean> {
  if (data.endsWith('.arrow')) return isFile(data);
  const names: readonly string[] = await readdir(data).catch(() => []);
  if (names.includes('dataset_dict.json')) return true;
  return names.includes('state.json') && names.some((name) => name.endsWith('.arrow'));
}

function unknownKind(message: string): SamError {
  return new SamError('SAM_BAD_OPTION', message, {
    fix: 'give a folder SRC/<split>/{images,masks}, Parquet files, COCO JSON, a CSV or JSONL file, hf:owner/name, or sample:rivers',
  });
}
