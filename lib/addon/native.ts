/** Loads the native addon: the one file that does. Importing it loads nothing; the first call of {@link native} does. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { NativeBinding } from '../../binding.js';
import { defaultCacheDir } from '../core/cache-dir.js';
import { elsewhere, SamError, type SamErrorCode } from '../core/errors.js';
import { PACKAGE_ROOT, packageVersion } from '../core/package-root.js';
import { readSetupRecord } from './setup-record.js';
import { tryAddon } from './try-addon.js';

export type * from '../../binding.js';

/** Number of the contract in `binding.d.ts` that this code was written for. */
export const CONTRACT = 7;

const SETUP = 'npx sam-native setup';
const require = createRequire(import.meta.url);
let loaded: NativeBinding | undefined;

/**
 * Returns the addon, loaded at the first call.
 *
 * @throws SamError `SAM_NO_ADDON`: it isn't built, was built from other sources or for another LibTorch, or can't be loaded.
 */
export function native(): NativeBinding {
  loaded ??= loadAddon(findAddon(), defaultCacheDir());
  return loaded;
}

/**
 * Finds the addon's file: `SAM_NATIVE_ADDON`, else what node-gyp-build finds in the package (a checkout's build), else what `setup`
 * recorded in the cache.
 *
 * @throws SamError `SAM_NO_ADDON`: there is none.
 */
export function findAddon(env: NodeJS.ProcessEnv = process.env, root: string = PACKAGE_ROOT): string {
  const given = env.SAM_NATIVE_ADDON;
  if (given) {
    if (existsSync(given)) return given;
    throw new SamError('SAM_NO_ADDON', `SAM_NATIVE_ADDON names ${given}, which is not there`, { fix: 'unset it' });
  }
  const nodeGypBuild = require('node-gyp-build') as { path(folder: string): string };
  try {
    return nodeGypBuild.path(root);
  } catch {
    const recorded = readSetupRecord(defaultCacheDir(env)).addons?.[packageVersion(root)];
    if (recorded !== undefined && existsSync(recorded)) return recorded;
  }
  throw new SamError('SAM_NO_ADDON', 'the native addon is not built yet', { fix: SETUP });
}

/**
 * Tries the addon in a child process (the first time), loads it, and checks that it fits.
 *
 * @throws SamError `SAM_NO_ADDON`: it crashes, can't be loaded or doesn't fit.
 */
export function loadAddon(file: string, cacheDir: string): NativeBinding {
  const problem = tryAddon(file, cacheDir);
  if (problem !== undefined) throw new SamError('SAM_NO_ADDON', `${file}: ${problem}`, { fix: SETUP });
  let addon: NativeBinding;
  try {
    addon = require(file) as NativeBinding;
  } catch (cause) {
    const own = fromNative(cause);
    if (own instanceof SamError) throw own;
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new SamError('SAM_NO_ADDON', `${file} cannot be loaded`, { fix: SETUP, detail, cause });
  }
  checkAddon(addon, file);
  return addon;
}

/**
 * Refuses an addon of another contract, or one that runs with another minor version of LibTorch than it was compiled for.
 *
 * @throws SamError `SAM_NO_ADDON`: it doesn't fit.
 */
export function checkAddon(addon: Pick<NativeBinding, 'contract' | 'info'>, file: string): void {
  if (addon.contract !== CONTRACT) {
    const text = `${file} is of another version of sam-native (contract ${addon.contract}, not ${CONTRACT})`;
    throw new SamError('SAM_NO_ADDON', text, { fix: SETUP });
  }
  const { compiledFor, torch } = addon.info();
  // LibTorch's C++ interface changes between minor versions: it may load, and then compute nonsense.
  if (minorOf(compiledFor) !== minorOf(torch)) {
    const text = `${file} was compiled for LibTorch ${compiledFor}, but LibTorch ${torch} was loaded`;
    throw new SamError('SAM_NO_ADDON', text, { fix: SETUP });
  }
}

/** Returns the minor version, such as `2.13`, of `2.13.0`. */
export const minorOf = (version: string) => version.split('.').slice(0, 2).join('.');

/** Advice about the addon's errors by their code, where it doesn't depend on the call. */
const FIXES: Partial<Record<SamErrorCode, string>> = {
  SAM_NO_CUDA: "use `device` cpu, or see what 'npx sam-native doctor' says of the GPU",
  SAM_BAD_ENCODER: 'give `encoder` a TorchScript file of such a module; scripts/export_encoder.py makes them',
  SAM_IO: 'see that there is space on that disk and that you may read and write there, then try again',
  SAM_SECOND_COPY: "run 'npm dedupe', so that one copy of sam-native is installed",
  SAM_OUT_OF_MEMORY: 'lower `batchSize`, or close other programs',
};

/** Turns an error of the addon's into a `SamError`; returns any other value as it is. */
export function fromNative(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof SamError) return error;
  const { code, detail } = error as Error & { code?: unknown; detail?: unknown };
  if (typeof code !== 'string' || !code.startsWith('SAM_')) return error;
  const refused = /^cannot write (.*): (Read-only file system|Permission denied|Operation not permitted)/.exec(
    error.message,
  );
  const fix = refused === null ? FIXES[code as SamErrorCode] : elsewhere(refused[1]!);
  const options = { fix, detail: typeof detail === 'string' ? detail : undefined };
  return new SamError(code as SamErrorCode, error.message, { ...options, cause: error });
}

/** Calls the addon, synchronously or not, and turns its errors into `SamError`s: `await nativeCall(() => model.decode(…))`. */
export async function nativeCall<T>(call: () => T | Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw fromNative(error);
  }
}
