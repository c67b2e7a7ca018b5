/**
 * Where the addon lies, and whether it still fits its sources and LibTorch.
 *
 * In a checkout it is `build/Release/sam_native.node` (where node-gyp-build looks first), compiled in `build/<key>/`. A package
 * in node_modules is left as npm made it (it may be read-only, and npm may replace it): there the addon lies in the cache, in
 * `addon-<version>-<key>/`, and `setup.json` names it.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { readSetupRecord } from '../addon/setup-record.js';
import { isCheckout, packageVersion } from '../core/package-root.js';
import { inspectLibTorch, type LibTorch } from './libtorch.js';

/** Folders of an addon that is built for one LibTorch. */
export interface AddonPlace {
  /** Folder that the finished files go to. */
  folder: string;
  /** Folder that CMake works in. */
  work: string;
}

/** What a finished addon was made from. */
export interface Stamp {
  /** Folder of the LibTorch that it was compiled for. */
  libtorch: string;
  /** Version of that LibTorch. */
  version: string;
  /** Digest of the sources. */
  sources: string;
}

/** Returns the addon's file in a folder. */
export const addonFile = (folder: string) => join(folder, 'sam_native.node');
const stampFile = (folder: string) => join(folder, 'stamp.json');

/** Returns the folders of an addon for this LibTorch. */
export function addonPlace(root: string, cacheDir: string, libtorch: LibTorch): AddonPlace {
  const key = digest([root, libtorch.path, libtorch.version, process.platform, process.arch]).slice(0, 12);
  if (isCheckout(root)) return { folder: join(root, 'build', 'Release'), work: join(root, 'build', key) };
  const folder = join(cacheDir, `addon-${packageVersion(root)}-${key}`);
  return { folder, work: join(folder, 'build') };
}

/** Returns the folder that the addon was last put into; undefined where there was none. */
function currentFolder(root: string, cacheDir: string): string | undefined {
  if (isCheckout(root)) return join(root, 'build', 'Release');
  const file = readSetupRecord(cacheDir).addons?.[packageVersion(root)];
  return file === undefined ? undefined : join(file, '..');
}

/** Returns a digest of everything that the addon is compiled from, LibTorch aside. */
export function sourcesDigest(root: string): string {
  const files = ['CMakeLists.txt', ...filesBelow(join(root, 'cmake')), ...filesBelow(join(root, 'native'))];
  const parts = files.map((file) => (file === 'CMakeLists.txt' ? join(root, file) : file)).sort();
  return digest(parts.flatMap((file) => [relative(root, file), readFileSync(file, 'utf8')]));
}

/** Makes the stamp of an addon compiled now, from these sources and for this LibTorch. */
export function makeStamp(root: string, libtorch: LibTorch): Stamp {
  return { libtorch: libtorch.path, version: libtorch.version, sources: sourcesDigest(root) };
}

/** Reads the stamp in a folder; undefined where there is none or it is damaged. */
export function readStamp(folder: string): Stamp | undefined {
  try {
    return JSON.parse(readFileSync(stampFile(folder), 'utf8')) as Stamp;
  } catch {
    return undefined;
  }
}

/** Writes the stamp into a folder, wholly or not at all. */
export function writeStamp(folder: string, stamp: Stamp): void {
  const temporary = `${stampFile(folder)}.${process.pid}`;
  writeFileSync(temporary, JSON.stringify(stamp));
  renameSync(temporary, stampFile(folder));
}

/** Tells whether the addon in `folder` is there and was made from exactly what the stamp says. */
export function isBuilt(folder: string, stamp: Stamp): boolean {
  const found = readStamp(folder);
  return existsSync(addonFile(folder)) && JSON.stringify(found) === JSON.stringify(stamp);
}

/**
 * Tells whether setup has nothing to do: addon and stamp are there, the sources are the same, the addon's LibTorch still lies there in
 * the same version, and the environment doesn't name another one. Takes milliseconds.
 */
export function isUpToDate(root: string, cacheDir: string, env: NodeJS.ProcessEnv = process.env): boolean {
  const folder = currentFolder(root, cacheDir);
  const stamp = folder === undefined ? undefined : readStamp(folder);
  if (folder === undefined || stamp === undefined) return false;
  const wanted = env.SAM_NATIVE_LIBTORCH || env.LIBTORCH;
  if (wanted && wanted !== stamp.libtorch && 'libtorch' in inspectLibTorch(wanted)) return false;
  const inspected = inspectLibTorch(stamp.libtorch);
  return 'libtorch' in inspected && isBuilt(folder, makeStamp(root, inspected.libtorch));
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

function digest(parts: string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex');
}
