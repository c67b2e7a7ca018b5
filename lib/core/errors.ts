/** Errors that a user reads: what happened, where, and what to do, with a stable code. */
import type { NativeErrorCode } from '../../binding.js';

/** Codes raised on the TypeScript side. */
export type LibraryErrorCode =
  | 'SAM_BAD_DATA'
  | 'SAM_BAD_OPTION'
  /** A mistake of ours: nothing that the caller did. */
  | 'SAM_INTERNAL'
  | 'SAM_INTERRUPTED'
  | 'SAM_NAN_LOSS'
  | 'SAM_NETWORK'
  /** The Hugging Face Hub wants a (better) token, or its owner's consent to terms. */
  | 'SAM_NO_ACCESS'
  | 'SAM_NO_ADDON'
  | 'SAM_NOT_FOUND'
  | 'SAM_RUN_EXISTS';

export type SamErrorCode = NativeErrorCode | LibraryErrorCode;

/** The call or the input was wrong: exit code 2. Everything else that fails is 1, an interruption 130. */
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
  'SAM_RUN_EXISTS',
]);

export interface SamErrorOptions {
  /** What the user can do about it: one sentence or one command. */
  fix?: string | undefined;
  /** LibTorch's or the system's own words. */
  detail?: string | undefined;
  cause?: unknown;
}

export class SamError extends Error {
  override readonly name = 'SamError';
  readonly fix: string | undefined;
  readonly detail: string | undefined;

  constructor(
    readonly code: SamErrorCode,
    message: string,
    options: SamErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.fix = options.fix;
    this.detail = options.detail;
  }

  /** The exit code of the command line for this error. */
  get exitCode(): 1 | 2 | 130 {
    if (this.code === 'SAM_INTERRUPTED') return 130;
    return INPUT_ERRORS.has(this.code) ? 2 : 1;
  }
}

/** `error.code` of a system error (`ENOENT`, `ENOSPC` …), if it has one. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

const DISK_FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** Any thrown value as a `SamError`: system errors by their code, an abort as an interruption, the rest `SAM_INTERNAL`. */
export function toSamError(error: unknown): SamError {
  if (error instanceof SamError) return error;
  if (!(error instanceof Error)) return new SamError('SAM_INTERNAL', String(error));
  const { message } = error;
  if (error.name === 'AbortError') return new SamError('SAM_INTERRUPTED', 'interrupted', { cause: error });
  const code = systemCode(error) ?? '';
  if (code === 'ENOENT') return new SamError('SAM_NOT_FOUND', message, { fix: 'check the path', cause: error });
  if (DISK_FULL.has(code)) {
    return new SamError('SAM_IO', message, { fix: 'free some space on that disk, then try again', cause: error });
  }
  if (/^E[A-Z]+$/.test(code)) return new SamError('SAM_IO', message, { cause: error });
  return new SamError('SAM_INTERNAL', `unexpected: ${message}`, {
    fix: 'run again with --verbose and report what it says',
    cause: error,
  });
}
