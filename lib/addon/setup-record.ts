/** What `setup` decided, kept in the cache: which LibTorch, and the addon built or taken for it. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What is in `setup.json` of the cache folder. */
export interface SetupRecord {
  /** Folder of the LibTorch to use. */
  libtorch?: string;
  /** Addon's file by version of this package, where it is installed as a dependency; a checkout has its own `build/`. */
  addons?: Record<string, string>;
}

const fileOf = (cacheDir: string) => join(cacheDir, 'setup.json');

/** Reads the record; an empty one where there is none or it is damaged: `setup` then simply looks again. */
export function readSetupRecord(cacheDir: string): SetupRecord {
  try {
    const value: unknown = JSON.parse(readFileSync(fileOf(cacheDir), 'utf8'));
    return typeof value === 'object' && value !== null ? (value as SetupRecord) : {};
  } catch {
    return {};
  }
}

/** Writes the record wholly or not at all. Makes the cache folder. */
export function writeSetupRecord(cacheDir: string, record: SetupRecord): void {
  mkdirSync(cacheDir, { recursive: true });
  const temporary = `${fileOf(cacheDir)}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify(record, null, 2)}\n`);
  renameSync(temporary, fileOf(cacheDir));
}
