/** Prebuilds: addons that the package brings, each for one minor version of LibTorch, and whether one of them will do here. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CONTRACT, minorOf } from '../addon/native.js';
import { addonFile } from './addon-files.js';
import type { LibTorch } from './libtorch.js';

const MANIFEST = z.object({
  /** Number of the contract in `binding.d.ts` that it was compiled for. */
  contract: z.number(),
  /** Minor version of LibTorch that it was compiled for, such as `2.13`. */
  torch: z.string(),
  /** Oldest glibc that it runs with; null elsewhere than on Linux. */
  glibc: z.string().nullable(),
  /** SHA-256 of the addon's file. */
  sha256: z.string(),
});

/** What a prebuild says of itself in the `prebuild.json` beside it. */
export type PrebuildManifest = z.infer<typeof MANIFEST>;

const PLATFORM = `${process.platform}-${process.arch}`;

/** Returns the folder of the prebuild for a minor version of LibTorch, on this kind of machine. */
export const prebuildFolder = (root: string, minor: string) => join(root, 'prebuilds', `torch-${minor}`, PLATFORM);
/** Returns the manifest's file in a prebuild's folder. */
export const manifestFile = (folder: string) => join(folder, 'prebuild.json');
/** Returns the digest that a manifest holds of the addon's file. */
export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Finds the addon that the package brings for this LibTorch; or says why there is none that will do. */
export function findPrebuild(
  root: string,
  libtorch: LibTorch,
  glibc: string | undefined = glibcVersion(),
): { file: string } | { problem: string } {
  const minor = minorOf(libtorch.version);
  const folder = prebuildFolder(root, minor);
  if (!existsSync(folder)) {
    const others = prebuiltMinors(root);
    const has = others.length === 0 ? '' : ` (there are some for ${others.join(', ')})`;
    return { problem: `the package brings no prebuild for LibTorch ${minor} on ${PLATFORM}${has}` };
  }
  let manifest: PrebuildManifest;
  let bytes: Uint8Array;
  try {
    manifest = MANIFEST.parse(JSON.parse(readFileSync(manifestFile(folder), 'utf8')));
    bytes = readFileSync(addonFile(folder));
  } catch {
    return { problem: `the prebuild in ${folder} is incomplete` };
  }
  const misfit = misfitOf(manifest, { contract: CONTRACT, torch: minor, glibc, sha256: sha256(bytes) });
  return misfit === undefined ? { file: addonFile(folder) } : { problem: `the prebuild in ${folder} ${misfit}` };
}

/** Says what is wrong with a prebuild, where this is what is wanted and what was found. */
function misfitOf(
  manifest: PrebuildManifest,
  here: { contract: number; torch: string; glibc: string | undefined; sha256: string },
): string | undefined {
  const { contract, torch, glibc } = manifest;
  if (manifest.sha256 !== here.sha256) return 'is damaged: its checksum is another';
  if (contract !== here.contract) return `is of another version of sam-native (contract ${contract})`;
  if (torch !== here.torch) return `is for LibTorch ${torch}`;
  if (glibc !== null && (here.glibc === undefined || isOlder(here.glibc, glibc)))
    return `needs glibc ${glibc}; here is ${here.glibc ?? 'none'}`;
  return undefined;
}

/** Tells whether a version such as `2.9` is older than another. */
export const isOlder = (a: string, b: string) => a.localeCompare(b, 'en', { numeric: true }) < 0;

/** Lists the minor versions of LibTorch that the package brings prebuilds for, on this kind of machine. */
function prebuiltMinors(root: string): string[] {
  const folder = join(root, 'prebuilds');
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const minors = names.map((name) => name.replace('torch-', ''));
  return minors.filter((minor) => existsSync(prebuildFolder(root, minor))).sort((a, b) => (isOlder(a, b) ? -1 : 1));
}

/** Returns the version of the glibc that Node runs with, as its own report has it; undefined on musl and elsewhere than on Linux. */
export function glibcVersion(): string | undefined {
  const report = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  return report.header.glibcVersionRuntime;
}
