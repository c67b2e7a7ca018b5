/** What `setup` decided, kept in the cache: which LibTorch, and the addon built or taken for it. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SetupRecord {
  /** Folder of the LibTorch to use. */
  libtorch?: string;
  /** For a package installed as a dependency (a checkout has its own `build/`): addon file by package version. */
  addons?: Record<string, string>;
}

const fileOf = (cacheDir: string) => join(cacheDir, 'setup.json');

/** Empty where nothing was recorded or the file is damaged: setup then simply looks again. */
export function readSetupRecord(cacheDir: string): SetupRecord {
  try {
    const value: unknown = JSON.parse(readFileSync(fileOf(cacheDir), 'utf8'));
    return typeof value === 'object' && value !== null ? (value as SetupRecord) : {};
  } catch {
    return {};
  }
}

export function writeSetupRecord(cacheDir: string, record: SetupRecord): void {
  mkdirSync(cacheDir, { recursive: true });
  const temporary = `${fileOf(cacheDir)}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify(record, null, 2)}\n`);
  renameSync(temporary, fileOf(cacheDir));
}
