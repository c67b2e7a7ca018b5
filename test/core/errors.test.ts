/** What becomes of the system's errors. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { defaultCacheDir } from '../../lib/core/cache-dir.js';
import { toSamError } from '../../lib/core/errors.js';

/** An error as Node.js makes it. */
function system(code: string, words: string, syscall: string, path: string, dest?: string): Error {
  const places = dest === undefined ? `'${path}'` : `'${path}' -> '${dest}'`;
  const error = new Error(`${code}: ${words}, ${syscall} ${places}`);
  return Object.assign(error, { code, syscall, path, ...(dest !== undefined && { dest }) });
}

describe('a place that may not be written: the option that leads elsewhere', () => {
  const BOTH = 'name a folder that can be written: `out` for results, `cacheDir` (or SAM_NATIVE_CACHE) for the cache';
  const CACHE = 'name a folder that can be written with `cacheDir`, or in the environment variable SAM_NATIVE_CACHE';
  const cached = join(defaultCacheDir(), 'models', 'a');

  test.each([
    [
      system('EROFS', 'read-only file system', 'mkdir', 'runs'),
      'cannot write runs: read-only file system (EROFS)',
      BOTH,
    ],
    [
      system('EROFS', 'read-only file system', 'open', 'a.png'),
      'cannot write a.png: read-only file system (EROFS)',
      BOTH,
    ],
    [system('EACCES', 'permission denied', 'mkdir', '/a'), 'cannot write /a: permission denied (EACCES)', BOTH],
    [
      system('EACCES', 'permission denied', 'open', '/a.png.7-0f.tmp'),
      'cannot write /a.png: permission denied (EACCES)',
      BOTH,
    ],
    [
      system('EPERM', 'operation not permitted', 'rename', '/a', '/b'),
      'cannot write /b: operation not permitted (EPERM)',
      BOTH,
    ],
    [
      system('ENOENT', 'no such file or directory', 'mkdir', '/proc/a'),
      'cannot write /proc/a: no such file or directory (ENOENT)',
      BOTH,
    ],
    [
      system('EROFS', 'read-only file system', 'mkdir', cached),
      `cannot write ${cached}: read-only file system (EROFS)`,
      CACHE,
    ],
  ])('%s', (error, message, fix) => {
    expect(toSamError(error)).toMatchObject({ code: 'SAM_IO', message, fix });
  });

  test('a file that may not be read is none of these', () => {
    const error = system('EACCES', 'permission denied', 'open', '/etc/shadow');
    expect(toSamError(error)).toMatchObject({ code: 'SAM_IO', message: error.message, fix: undefined });
  });
});
