/** Errors that a user reads: what happened, where, and what to do, with a stable code. */

import { resolve, sep } from 'node:path';
import type { NativeErrorCode } from '../../binding.js';
import { defaultCacheDir } from './cache-dir.js';

/** Codes of the errors that TypeScript raises. */
export type LibraryErrorCode =
  | 'SAM_BAD_DATA'
  | 'SAM_BAD_OPTION'
  /** A mistake in this package: nothing that the caller did. */
  | 'SAM_INTERNAL'
  | 'SAM_INTERRUPTED'
  | 'SAM_NAN_LOSS'
  | 'SAM_NETWORK'
  /** The Hugging Face Hub wants a token, a better one, or the account's consent to terms. */
  | 'SAM_NO_ACCESS'
  | 'SAM_NO_ADDON'
  | 'SAM_NOT_FOUND'
  /** A Node.js that is too old, as the command line alone says. */
  | 'SAM_OLD_NODE'
  | 'SAM_RUN_EXISTS';

/** Codes of all errors of this package: TypeScript's and the addon's. They stay the same from version to version. */
export type SamErrorCode = NativeErrorCode | LibraryErrorCode;

/** Codes that mean that the call or the input was wrong: exit code 2. Other failures are 1, an interruption is 130. */
const INPUT_ERRORS: ReadonlySet<SamErrorCode> = new Set([
  'SAM_BAD_ARGUMENT',
  'SAM_BAD_CHECKPOINT',
  'SAM_BAD_DATA',
  'SAM_BAD_ENCODER',
  'SAM_BAD_OPTION',
  'SAM_BAD_SHAPE',
  'SAM_NO_ACCESS',
  'SAM_NO_CUDA',
  'SAM_NOT_FOUND',
  'SAM_OLD_NODE',
  'SAM_RUN_EXISTS',
]);

/** What a {@link SamError} says besides its code and message. */
export interface SamErrorOptions {
  /** Advice: what the user can do about it, one sentence or one command. */
  fix?: string | undefined;
  /** LibTorch's or the system's own words. */
  detail?: string | undefined;
  /** Error that this one was made from. */
  cause?: unknown;
}

/** An error of this package: what happened and where (`message`), with a stable code and, where there is any, advice. */
export class SamError extends Error {
  /** Always `SamError`. */
  override readonly name = 'SamError';
  /** Advice: what the user can do about it, one sentence or one command. */
  readonly fix: string | undefined;
  /** LibTorch's or the system's own words. */
  readonly detail: string | undefined;

  constructor(
    /** Code by which programs tell errors apart. */
    readonly code: SamErrorCode,
    message: string,
    options: SamErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.fix = options.fix;
    this.detail = options.detail;
  }

  /** Exit code of the command line: 2 where the call or the input was wrong, 130 for an interruption, else 1. */
  get exitCode(): 1 | 2 | 130 {
    if (this.code === 'SAM_INTERRUPTED') return 130;
    return INPUT_ERRORS.has(this.code) ? 2 : 1;
  }
}

/** Returns `error.code` of a system error (`ENOENT`, `ENOSPC` …); undefined for any other value. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** What a folder refuses that may not be written, or may not be by this user. */
const REFUSED = new Set(['EROFS', 'EACCES', 'EPERM']);
/** Calls that change a folder; those of reading a file alone are others. */
const CHANGES = new Set(['mkdir', 'rmdir', 'copyfile', 'rename', 'link', 'symlink', 'unlink', 'utime', 'mkdtemp']);

/** Says which option leads to another place than one that may not be written. */
export function elsewhere(path: string): string {
  const cache = defaultCacheDir();
  if (resolve(path) === cache || resolve(path).startsWith(cache + sep)) {
    return 'name a folder that can be written with `cacheDir`, or in the environment variable SAM_NATIVE_CACHE';
  }
  return 'name a folder that can be written: `out` for results, `cacheDir` (or SAM_NATIVE_CACHE) for the cache';
}

/** Makes the error of a file or folder that may not be written; undefined where that isn't what went wrong. */
function refusedWriting(error: Error, code: string): SamError | undefined {
  const { syscall, path, dest } = error as NodeJS.ErrnoException & { dest?: string };
  const place = dest ?? path;
  // A folder that can't be made though those above it are there: /proc says so.
  const isRefused = REFUSED.has(code) || (code === 'ENOENT' && syscall === 'mkdir');
  if (!isRefused || place === undefined) return undefined;
  if (code !== 'EROFS' && !CHANGES.has(syscall ?? '') && !place.endsWith('.tmp')) return undefined;
  const why = error.message.replace(/^E[A-Z]+: ([^,]+), .*$/s, '$1');
  const wanted = place.replace(/\.\d+-[0-9a-f]+\.tmp$/, ''); // the name under which it is written first
  return new SamError('SAM_IO', `cannot write ${wanted}: ${why} (${code})`, { fix: elsewhere(wanted), cause: error });
}

const DISK_FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** Turns any thrown value into a `SamError`: system errors by their code, an abort into an interruption, the rest into `SAM_INTERNAL`. */
export function toSamError(error: unknown): SamError {
  if (error instanceof SamError) return error;
  if (!(error instanceof Error)) return new SamError('SAM_INTERNAL', String(error));
  const { message } = error;
  if (error.name === 'AbortError') return new SamError('SAM_INTERRUPTED', 'interrupted', { cause: error });
  const code = systemCode(error) ?? '';
  const refused = refusedWriting(error, code);
  if (refused !== undefined) return refused;
  if (code === 'ENOENT') return new SamError('SAM_NOT_FOUND', message, { fix: 'check the path', cause: error });
  if (DISK_FULL.has(code)) {
    return new SamError('SAM_IO', message, { fix: 'free some space on that disk, then try again', cause: error });
  }
  if (/^E[A-Z]+$/.test(code)) return new SamError('SAM_IO', message, { cause: error });
  return new SamError('SAM_INTERNAL', `unexpected: ${message}`, {
    fix: 'a mistake of sam-native: report it, with its stack',
    cause: error,
  });
}
