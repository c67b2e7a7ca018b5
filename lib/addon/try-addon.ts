/** Loads an addon in a child process first: one that crashes (a wrong processor, broken libraries) becomes a message. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Program of the child: prints LibTorch's version if the addon can be loaded and asked. */
const SCRIPT = 'process.stdout.write(require(process.argv[1]).info().torch)';

/**
 * Loads the addon in a child process. A success is remembered in the cache, for this very file and Node version, so that only the
 * first start pays the half second.
 *
 * @returns undefined where the addon loads, else what went wrong, in one line.
 */
export function tryAddon(file: string, cacheDir: string): string | undefined {
  const { mtimeMs, size } = statSync(file);
  const key = createHash('sha256')
    .update([file, mtimeMs, size, process.version, process.arch].join('\0'))
    .digest('hex');
  const verdict = join(cacheDir, 'tried', key.slice(0, 24));
  if (existsSync(verdict)) return undefined;
  const child = spawnSync(process.execPath, ['-e', SCRIPT, file], {
    encoding: 'utf8',
    timeout: 120_000,
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  if (child.status !== 0) return describeFailure(child.signal, child.stderr, child.error);
  try {
    mkdirSync(join(cacheDir, 'tried'), { recursive: true });
    writeFileSync(verdict, file);
  } catch {
    // A cache that can't be written to only means that the next start tries again.
  }
  return undefined;
}

function describeFailure(signal: NodeJS.Signals | null, stderr: string, error: Error | undefined): string {
  if (signal !== null) return `it crashes when loaded (${signal})`;
  if (error !== undefined) return error.message;
  const library = /(lib[\w.+-]+): cannot open shared object file/.exec(stderr)?.[1];
  if (library !== undefined) return `the library ${library} that it needs is not there any more`;
  return /^\s*(?:\w*Error: )(.*)$/m.exec(stderr)?.[1] ?? 'it cannot be loaded';
}
