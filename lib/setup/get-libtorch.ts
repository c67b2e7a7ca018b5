/**
 * Gets LibTorch as pip's wheel of torch, through whatever index, proxy and certificates the user's pip has, and unpacks what
 * compiling and running need (libraries and headers) into the cache. Python only fetches and unzips; nothing runs it later.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SamError } from '../core/errors.js';
import { cachedTree, inspectLibTorch, type LibTorch, PINNED_VERSION } from './libtorch.js';
import { glibcVersion } from './prebuild.js';
import { lastWords, runCommand } from './run-command.js';

/** Where LibTorch is gotten from. */
export interface GetOptions {
  cacheDir: string;
  /** Index for pip, as its `--index-url`: one with CPU builds only, say. */
  indexUrl?: string | undefined;
  /** Wheel or libtorch zip that is already here. */
  from?: string | undefined;
  /** Asks the user before a download; false ends the work. */
  consent(question: string): Promise<boolean>;
  say(line: string): void;
  signal?: AbortSignal | undefined;
  env?: NodeJS.ProcessEnv;
}

const UNPACK = fileURLToPath(new URL('../../scripts/unpack.py', import.meta.url));
/** Parts of the wheel that are unpacked (and of the zip, whose `libtorch/` becomes `torch/`): nothing of the Python package itself. */
const TORCH_PARTS = 'torch/lib/,torch/include/,torch/version.py,torch/build-version';

/** What the user is asked before LibTorch is downloaded. */
export const DOWNLOAD_QUESTION =
  `Get LibTorch ${PINNED_VERSION} with pip? About 190 MB where pip's index has the CPU build; about 2.5 GB, NVIDIA's libraries ` +
  'included, where it has the CUDA build (the usual one on Linux x86-64; --index-url names another index).';

/**
 * Downloads LibTorch, or takes the archive that is given, and unpacks it into the cache. Finished downloads are kept over an
 * interruption; a tree is unpacked under another name and renamed when it is complete.
 *
 * @throws SamError `SAM_NO_ADDON`: no Python, no pip, or the user refused. `SAM_NETWORK`: pip failed. `SAM_IO`: the disk is full, or an
 * archive is damaged. `SAM_NOT_FOUND`: no such archive, or no LibTorch in it that will do.
 */
export async function getLibTorch(options: GetOptions): Promise<LibTorch> {
  await checkTools(options);
  const downloads = join(options.cacheDir, 'downloads', 'libtorch');
  const archive = options.from === undefined ? await torchWheel(downloads, options) : localArchive(options.from);

  const partial = `${cachedTree(options.cacheDir, PINNED_VERSION)}.partial`;
  rmSync(partial, { recursive: true, force: true });
  options.say(`unpacking ${basename(archive)}`);
  const { requirements } = await unpack(partial, TORCH_PARTS, [archive], options);

  const nvidia = requirements.filter((line) => /^(nvidia-|cuda-toolkit)/.test(line)).map(withoutMarker);
  if (nvidia.length > 0) {
    const wheels = await nvidiaWheels(join(downloads, 'nvidia'), nvidia, options);
    options.say(`unpacking ${wheels.length} packages of NVIDIA's libraries`);
    await unpack(partial, 'nvidia/', wheels, options);
  }

  const inspected = inspectLibTorch(join(partial, 'torch'));
  if ('problem' in inspected) {
    rmSync(partial, { recursive: true, force: true });
    throw new SamError('SAM_NOT_FOUND', `${archive} holds no LibTorch that will do: ${inspected.problem}`, {
      fix: `give pip's wheel of torch ${PINNED_VERSION}, or the libtorch zip (cxx11-abi, shared)`,
    });
  }
  const tree = cachedTree(options.cacheDir, inspected.libtorch.version);
  rmSync(tree, { recursive: true, force: true });
  renameSync(partial, tree);
  rmSync(downloads, { recursive: true, force: true });
  return { ...inspected.libtorch, path: join(tree, 'torch') };
}

async function checkTools({ from, signal, env = process.env }: GetOptions): Promise<void> {
  if (from === undefined && isMusl()) {
    throw new SamError('SAM_NO_ADDON', 'there is no LibTorch for musl (Alpine Linux)', {
      fix: 'use a system with glibc, such as Debian or Ubuntu, or build LibTorch yourself and pass --libtorch FOLDER',
    });
  }
  const call = from === undefined ? ['python3', '-m', 'pip', '--version'] : ['python3', '--version'];
  const { code, output } = await runCommand(call, { signal, env });
  if (code === 0) return;
  const what = code === 127 ? 'python3 is missing' : `Python's pip is missing (${lastWords(output)})`;
  throw new SamError('SAM_NO_ADDON', `${what}; it is used once, to get LibTorch`, {
    fix: "apt-get install python3-pip, or unpack LibTorch yourself and run 'npx sam-native setup --libtorch FOLDER'",
  });
}

const isMusl = () => process.platform === 'linux' && glibcVersion() === undefined;

function localArchive(from: string): string {
  const path = resolve(from);
  if (!existsSync(path)) {
    throw new SamError('SAM_NOT_FOUND', `--from ${from}: no such file`, {
      fix: 'give a torch wheel or a libtorch zip',
    });
  }
  return path;
}

/** Returns the pinned version's wheel in `downloads`, kept from an earlier try or gotten by pip. */
async function torchWheel(downloads: string, options: GetOptions): Promise<string> {
  const find = () => wheelsIn(downloads).find((name) => name.startsWith(`torch-${PINNED_VERSION}`));
  if (find() === undefined) {
    if (!(await options.consent(DOWNLOAD_QUESTION))) throw refused();
    options.say(`getting torch ${PINNED_VERSION} with pip`);
    await pipDownload(downloads, ['--no-deps', `torch==${PINNED_VERSION}`], options);
  }
  const name = find();
  if (name === undefined) throw new SamError('SAM_NETWORK', `pip ended well, but left no torch wheel in ${downloads}`);
  return join(downloads, name);
}

async function nvidiaWheels(folder: string, requirements: string[], options: GetOptions): Promise<string[]> {
  const question =
    "This is a CUDA build. Get NVIDIA's libraries too, about 2 GB? (--index-url may name an index with CPU builds.)";
  if (!(await options.consent(question))) throw refused();
  options.say("getting NVIDIA's libraries with pip, about 2 GB");
  await pipDownload(folder, requirements, options);
  return wheelsIn(folder).map((name) => join(folder, name));
}

const refused = () =>
  new SamError('SAM_NO_ADDON', 'LibTorch is missing, and nothing is downloaded unasked', {
    fix: 'npx sam-native setup --yes (or --libtorch FOLDER, --from FILE)',
  });

/** Takes the condition off `nvidia-x==1; platform_system == "Linux"`: it holds, since the wheel is made for this machine. */
const withoutMarker = (requirement: string) => requirement.split(';')[0]!.trim();

function wheelsIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.whl')) : [];
}

/** Lets pip download into a folder. It moves a wheel to its place when it is complete, so that what lies there is whole. */
async function pipDownload(folder: string, requirements: string[], options: GetOptions): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const index = options.indexUrl === undefined ? [] : ['--index-url', options.indexUrl];
  const call = ['python3', '-m', 'pip', 'download', '--disable-pip-version-check', '--progress-bar', 'off'];
  const { code, output } = await runCommand([...call, '-d', folder, ...index, ...requirements], {
    signal: options.signal,
    env: options.env ?? process.env,
    onLine: (line) => {
      if (/^\s*(Downloading|Collecting)/.test(line)) options.say(`  ${line.trim()}`);
    },
  });
  if (code === 0) return;
  throwIfDiskFull(output, folder);
  throw new SamError('SAM_NETWORK', `pip could not get ${requirements.at(-1)}: ${lastWords(output)}`, {
    fix: "mend pip's network or index (--index-url URL), or give a wheel with --from FILE; then 'npx sam-native setup' goes on",
    detail: output,
  });
}

async function unpack(
  target: string,
  prefixes: string,
  archives: string[],
  options: GetOptions,
): Promise<{ requirements: string[] }> {
  mkdirSync(target, { recursive: true });
  const { code, output, stdout } = await runCommand(['python3', UNPACK, target, prefixes, ...archives], {
    signal: options.signal,
    env: options.env ?? process.env,
  });
  if (code === 0) return JSON.parse(stdout) as { requirements: string[] };
  rmSync(target, { recursive: true, force: true });
  throwIfDiskFull(output, target);
  // A damaged download would be found again and again; the user's own file is left alone.
  if (options.from === undefined) for (const archive of archives) rmSync(archive, { force: true });
  throw new SamError(
    'SAM_IO',
    `${archives.map((file) => basename(file)).join(', ')}: cannot be unpacked: ${lastWords(output)}`,
    {
      fix: options.from === undefined ? "run 'npx sam-native setup' again: it is downloaded anew" : 'give a whole file',
      detail: output,
    },
  );
}

function throwIfDiskFull(output: string, folder: string): void {
  if (!/No space left on device|Disk quota exceeded/i.test(output)) return;
  throw new SamError('SAM_IO', `the disk of ${folder} is full`, {
    fix: "free some space, or set SAM_NATIVE_CACHE to a folder on another disk, then 'npx sam-native setup' goes on",
  });
}
