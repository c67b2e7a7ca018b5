/** The addon and real weights for the tests of the native side, and processes of their own to try them in. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { findAddon, type NativeBinding, native } from '../../lib/addon/native.js';
import { defaultCacheDir } from '../../lib/core/cache-dir.js';
import { resolveModel } from '../../lib/models/resolve.js';

/**
 * The addon, after naming it and MobileSAM's weights in the environment, where `children/inputs.mjs` looks for them: here
 * and in every process and worker started later.
 */
export async function prepareAddon(): Promise<NativeBinding> {
  const { weights, encoder } = await resolveModel('mobile-sam', { cacheDir: defaultCacheDir() });
  process.env.SAM_TEST_WEIGHTS = weights;
  process.env.SAM_TEST_ENCODER = encoder;
  const addon = native();
  process.env.SAM_NATIVE_ADDON = findAddon();
  return addon;
}

export interface ChildEnd {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  /** It had to be killed. */
  hung: boolean;
}

export interface ChildSignal {
  name: NodeJS.Signals;
  afterMs: number;
}

export interface ChildOptions {
  /** Flags of Node itself. */
  flags?: readonly string[];
  /** Sent to the child when that time has passed since it printed its first line. */
  signal?: ChildSignal;
  /** Then it is killed. */
  patienceMs?: number;
}

/** Runs a script of `children` with Node until it ends, or kills it when patience runs out (a minute and a half, if not said otherwise). */
export function runChild(script: string, args: readonly string[], options: ChildOptions = {}): Promise<ChildEnd> {
  const file = join(import.meta.dirname, 'children', script);
  const child = spawn(process.execPath, [...(options.flags ?? []), file, ...args], { stdio: 'pipe' });
  const end: ChildEnd = { status: null, signal: null, stdout: '', stderr: '', hung: false };
  const timer = setTimeout(() => {
    end.hung = true;
    child.kill('SIGKILL');
  }, options.patienceMs ?? 90_000);
  const { signal } = options;
  if (signal) child.stdout.once('data', () => setTimeout(() => child.kill(signal.name), signal.afterMs));
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    end.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    end.stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      resolve({ ...end, status, signal });
    });
  });
}
