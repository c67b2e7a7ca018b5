/** Finds LibTorch on this machine, without running or importing it: version and kind are read from its files. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readSetupRecord } from '../addon/setup-record.js';
import { SamError } from '../core/errors.js';

/** Version of LibTorch that is tested, and that `setup` gets. */
export const PINNED_VERSION = '2.13.0';
/** Minor versions of LibTorch 2 that the sources compile against. */
export const SUPPORTED_MINORS = [11, 12, 13, 14];

/** A LibTorch on this machine. */
export interface LibTorch {
  /** Folder with include/ and lib/. */
  path: string;
  /** Version, such as `2.13.0`. */
  version: string;
  /** Whether it has the CUDA library; whether a GPU is there is another matter. */
  cuda: boolean;
}

/** A place that was looked at. */
export interface Candidate {
  /** What named the place: `LIBTORCH`, `active Python` … */
  source: string;
  path: string;
  /** LibTorch that was found there and will do. */
  libtorch?: LibTorch;
  /** Why what is there won't do. */
  problem?: string;
}

/** Where LibTorch is looked for. */
export interface FindOptions {
  /** Folder that `--libtorch` names. */
  explicit?: string | undefined;
  cacheDir: string;
  env?: NodeJS.ProcessEnv;
  /** Folders where a machine's administrator would put it. */
  systemFolders?: readonly string[];
}

/** Returns a library's file name on this platform, such as `libtorch_cpu.so`. */
export function libraryFile(name: string): string {
  if (process.platform === 'win32') return `${name}.dll`;
  return process.platform === 'darwin' ? `lib${name}.dylib` : `lib${name}.so`;
}

/** Looks at what lies in a folder: a LibTorch that will do, or why not. */
export function inspectLibTorch(path: string): { libtorch: LibTorch } | { problem: string } {
  if (!existsSync(path)) return { problem: 'no such folder' };
  const version = headerVersion(path);
  if (version === undefined) {
    const nested = ['libtorch', 'torch'].map((name) => join(path, name)).find((folder) => headerVersion(folder));
    if (nested !== undefined) return { problem: `LibTorch is one folder further: ${nested}` };
    return { problem: 'no LibTorch (it needs include/ with the headers, and lib/)' };
  }
  const [major, minor] = version.split('.').map(Number);
  if (major !== 2 || !SUPPORTED_MINORS.includes(minor!)) {
    return { problem: `version ${version}; 2.${SUPPORTED_MINORS[0]} to 2.${SUPPORTED_MINORS.at(-1)} will do` };
  }
  const missing = ['c10', 'torch_cpu'].find((name) => !existsSync(join(path, 'lib', libraryFile(name))));
  if (missing !== undefined) return { problem: `incomplete: no lib/${libraryFile(missing)}` };
  return { libtorch: { path, version, cuda: existsSync(join(path, 'lib', libraryFile('torch_cuda'))) } };
}

/** Reads the version, such as `2.13.0`, from a header: the one file that both wheels and zips have. */
function headerVersion(path: string): string | undefined {
  for (const header of ['headeronly', 'csrc/api/include/torch']) {
    let text: string;
    try {
      text = readFileSync(join(path, 'include/torch', header, 'version.h'), 'utf8');
    } catch {
      continue;
    }
    const parts = ['MAJOR', 'MINOR', 'PATCH'].map((part) => new RegExp(`TORCH_VERSION_${part} (\\d+)`).exec(text)?.[1]);
    if (parts.every((part) => part !== undefined)) return parts.join('.');
  }
  return undefined;
}

/**
 * Finds the first LibTorch that will do, in this order: `--libtorch`, `SAM_NATIVE_LIBTORCH`, `LIBTORCH`, the recorded choice, the
 * active Python's torch, the cache, the system's folders. Returns everything looked at on the way, too.
 *
 * @throws SamError `SAM_NOT_FOUND`: `--libtorch` or `SAM_NATIVE_LIBTORCH` names one that won't do. Who asks for one shall not get
 * another.
 */
export function findLibTorch(options: FindOptions): { libtorch: LibTorch | undefined; candidates: Candidate[] } {
  const candidates: Candidate[] = [];
  for (const { source, path, insist } of places(options)) {
    const inspected = inspectLibTorch(path);
    if ('libtorch' in inspected) {
      candidates.push({ source, path, libtorch: inspected.libtorch });
      return { libtorch: inspected.libtorch, candidates };
    }
    if (insist === true) {
      throw new SamError('SAM_NOT_FOUND', `${source} ${path}: ${inspected.problem}`, {
        fix: `give another folder, or none: then it is looked for, or gotten`,
      });
    }
    candidates.push({ source, path, problem: inspected.problem });
  }
  return { libtorch: undefined, candidates };
}

/** Names the places to look at, the next one only when asked for: asking Python takes a moment. */
function* places(options: FindOptions): Generator<{ source: string; path: string; insist?: boolean }> {
  const env = options.env ?? process.env;
  if (options.explicit) yield { source: '--libtorch', path: resolve(options.explicit), insist: true };
  if (env.SAM_NATIVE_LIBTORCH) {
    yield { source: 'SAM_NATIVE_LIBTORCH', path: resolve(env.SAM_NATIVE_LIBTORCH), insist: true };
  }
  if (env.LIBTORCH) yield { source: 'LIBTORCH', path: resolve(env.LIBTORCH) };
  const recorded = readSetupRecord(options.cacheDir).libtorch;
  if (recorded !== undefined) yield { source: 'recorded choice', path: recorded };
  const python = torchOfPython(env);
  if (python !== undefined) yield { source: 'active Python', path: python };
  for (const path of cachedLibTorches(options.cacheDir)) yield { source: 'cache', path };
  for (const path of options.systemFolders ?? ['/usr/local/libtorch', '/opt/libtorch'])
    yield { source: 'system', path };
}

/** Asks Python for the folder of the torch that it would import. `find_spec` takes milliseconds where importing takes seconds. */
function torchOfPython(env: NodeJS.ProcessEnv): string | undefined {
  const bin = process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python';
  const interpreters = [env.VIRTUAL_ENV, env.CONDA_PREFIX].filter(Boolean).map((prefix) => join(prefix!, bin));
  const script =
    "import importlib.util as u; s = u.find_spec('torch'); " +
    "print(next(iter(s.submodule_search_locations or []), '') if s else '')";
  for (const python of [...interpreters, 'python3']) {
    // From the root: the current folder is on Python's path and may hold a folder named torch.
    const { stdout, status } = spawnSync(python, ['-c', script], { encoding: 'utf8', env, cwd: '/', timeout: 20_000 });
    if (status === 0 && stdout.trim() !== '') return stdout.trim();
  }
  return undefined;
}

/** Returns the folder that `setup` unpacks a version into. It is laid out as Python's site-packages: `torch/`, `nvidia/` beside it. */
export function cachedTree(cacheDir: string, version: string): string {
  return join(cacheDir, `libtorch-${version}`);
}

function cachedLibTorches(cacheDir: string): string[] {
  let names: string[] = [];
  try {
    names = readdirSync(cacheDir);
  } catch {
    // Nothing cached yet.
  }
  const pinned = `libtorch-${PINNED_VERSION}`;
  return names
    .filter((name) => /^libtorch-[\d.]+$/.test(name))
    .sort((a, b) => Number(b === pinned) - Number(a === pinned) || b.localeCompare(a))
    .map((name) => join(cacheDir, name, 'torch'));
}
