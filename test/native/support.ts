/** The addon and real weights for the tests of the native side, and processes of their own to try them in. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findAddon, type NativeBinding, native } from '../../lib/addon/native.js';
import { defaultCacheDir } from '../../lib/core/cache-dir.js';
import { PACKAGE_ROOT } from '../../lib/core/package-root.js';
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

const CHILDREN = join(import.meta.dirname, 'children');
const NODE_HEADERS = ['node-api-headers/include', 'node-addon-api'].map((name) =>
  join(PACKAGE_ROOT, 'node_modules', name),
);

/** Compiles `children/neighbour.c` into a folder; returns the addon's file. */
export function compileNeighbour(folder: string): string {
  const file = join(folder, 'neighbour.node');
  const flags = ['-shared', '-fPIC', '-fopenmp', `-I${NODE_HEADERS[0]}`, '-o', file];
  execFileSync('gcc', [...flags, join(CHILDREN, 'neighbour.c')]);
  return file;
}

/** Compiles `children/failing_conversion.cpp`, with the addon's own sources and LibTorch, into a file, unless it is there. */
export function compileTestAddon(file: string): void {
  if (existsSync(file)) return;
  const stamp = readFileSync(join(dirname(findAddon()), 'stamp.json'), 'utf8');
  const { libtorch } = JSON.parse(stamp) as { libtorch: string };
  const native = join(PACKAGE_ROOT, 'native');
  const includes = [...NODE_HEADERS, `${libtorch}/include`, `${libtorch}/include/torch/csrc/api/include`];
  execFileSync('g++', [
    ...['-std=c++20', '-shared', '-fPIC', '-DNAPI_VERSION=8', '-DNODE_ADDON_API_CPP_EXCEPTIONS_ALL', `-I${native}`],
    ...includes.flatMap((folder) => ['-isystem', folder]),
    ...[
      join(CHILDREN, 'failing_conversion.cpp'),
      ...['errors', 'lane'].map((name) => join(native, 'binding', `${name}.cpp`)),
    ],
    ...['-o', file],
    ...[`-L${libtorch}/lib`, '-ltorch_cpu', '-lc10', `-Wl,-rpath,${libtorch}/lib`],
  ]);
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
  /** Variables besides those of this process. */
  env?: NodeJS.ProcessEnv;
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
  const child = spawn(process.execPath, [...(options.flags ?? []), file, ...args], {
    stdio: 'pipe',
    env: { ...process.env, ...options.env },
  });
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
