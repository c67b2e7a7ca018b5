/** `setup`: finds or gets LibTorch, takes a matching prebuild or compiles the addon, and tries it in a child process. */
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { readSetupRecord, writeSetupRecord } from '../addon/setup-record.js';
import { tryAddon } from '../addon/try-addon.js';
import { defaultCacheDir } from '../core/cache-dir.js';
import { SamError } from '../core/errors.js';
import { isCheckout, PACKAGE_ROOT, packageVersion } from '../core/package-root.js';
import { addonFile, addonPlace, isBuilt, makeStamp, writeStamp } from './addon-files.js';
import { compileAddon, type SetupReporter } from './compile.js';
import { getLibTorch } from './get-libtorch.js';
import { findLibTorch, type LibTorch } from './libtorch.js';
import { withLock } from './lock.js';
import { findPrebuild } from './prebuild.js';

/** Which LibTorch to take, and where things lie. */
export interface SetupOptions {
  /** Folder of a LibTorch to use. */
  libtorch?: string | undefined;
  /** Index for pip, for a download. */
  indexUrl?: string | undefined;
  /** Torch wheel or libtorch zip to take instead of a download. */
  from?: string | undefined;
  /** Whether to compile even if nothing changed. */
  force?: boolean | undefined;
  /** Asks the user before a download; false ends the work. */
  consent(question: string): Promise<boolean>;
  reporter: SetupReporter;
  signal?: AbortSignal | undefined;
  cacheDir?: string | undefined;
  /** Folder of this package. */
  root?: string | undefined;
}

/** What `setup` took and made. */
export interface SetupResult {
  /** LibTorch that the addon uses, and what named it. */
  libtorch: LibTorch & { source: string };
  /** Addon's file, and where it came from: compiled now, taken from the package, or there already. */
  addon: { path: string; how: 'built' | 'prebuilt' | 'unchanged' };
}

/**
 * Finds or gets LibTorch, takes a matching prebuild or compiles the addon, tries it, and records it. Waits while another process does
 * the same. Nothing that worked before is lost; calling it again goes on where it stopped.
 *
 * @throws SamError as {@link findLibTorch}, {@link getLibTorch} and {@link compileAddon}; `SAM_NO_ADDON`: the new addon doesn't work.
 */
export async function setup(options: SetupOptions): Promise<SetupResult> {
  const cacheDir = options.cacheDir ?? defaultCacheDir();
  const root = options.root ?? PACKAGE_ROOT;
  const { reporter, signal } = options;
  const lock = join(isCheckout(root) ? join(root, 'build') : cacheDir, 'setup.lock');
  const onWait = (pid: number) => reporter.say(`waiting for the setup of process ${pid}`);
  return withLock(lock, () => locked(options, root, cacheDir), { onWait, signal });
}

async function locked(options: SetupOptions, root: string, cacheDir: string): Promise<SetupResult> {
  const { reporter } = options;
  const libtorch = await chooseLibTorch(options, cacheDir);
  reporter.say(
    `LibTorch ${libtorch.version}${libtorch.cuda ? ' (CUDA build)' : ''}: ${libtorch.path} (${libtorch.source})`,
  );

  const place = addonPlace(root, cacheDir, libtorch);
  const stamp = makeStamp(root, libtorch);
  const path = addonFile(place.folder);
  let how: SetupResult['addon']['how'] = 'unchanged';
  if (options.force === true || !isBuilt(place.folder, stamp)) {
    const fresh = await makeAddon(options, root, cacheDir, libtorch, place.work);
    how = fresh.how;
    install(fresh.folder, place.folder);
    if (how === 'prebuilt') linkLibTorch(place.folder, libtorch);
    writeStamp(place.folder, stamp);
    if (!isCheckout(root)) rmSync(place.work, { recursive: true, force: true });
  }
  const problem = tryAddon(path, cacheDir);
  if (problem !== undefined) {
    throw new SamError('SAM_NO_ADDON', `${path}: ${problem}`, { fix: 'npx sam-native setup --force' });
  }
  record(root, cacheDir, libtorch, path);
  reporter.say(`addon ${how}: ${path}`);
  return { libtorch, addon: { path, how } };
}

/** Chooses a LibTorch that is here, unless the user names an archive or an index; else gets it by pip. */
async function chooseLibTorch(options: SetupOptions, cacheDir: string): Promise<LibTorch & { source: string }> {
  const { reporter } = options;
  if (options.from === undefined && options.indexUrl === undefined) {
    const { libtorch, candidates } = findLibTorch({ explicit: options.libtorch, cacheDir });
    for (const { source, path, problem } of candidates) {
      if (problem !== undefined && source !== 'system') reporter.say(`not ${path} (${source}): ${problem}`);
    }
    if (libtorch !== undefined) return { ...libtorch, source: candidates.at(-1)!.source };
    reporter.say('no LibTorch found on this machine');
  }
  const { from, indexUrl, signal, consent } = options;
  const say = (line: string) => reporter.say(line);
  return { ...(await getLibTorch({ cacheDir, from, indexUrl, consent, signal, say })), source: 'cache' };
}

/**
 * Makes an addon that works: a prebuild of the package's, if one will do, beside a link to LibTorch, which is where its run path
 * looks; else by compiling. Returns the folder in which it lies.
 */
async function makeAddon(
  { reporter, signal }: SetupOptions,
  root: string,
  cacheDir: string,
  libtorch: LibTorch,
  work: string,
): Promise<{ folder: string; how: 'built' | 'prebuilt' }> {
  let why: string | undefined;
  if (!isCheckout(root)) {
    const prebuild = findPrebuild(root, libtorch);
    if ('file' in prebuild) {
      mkdirSync(work, { recursive: true });
      copyFileSync(prebuild.file, addonFile(work));
      linkLibTorch(work, libtorch);
      const problem = tryAddon(addonFile(work), cacheDir);
      if (problem === undefined) return { folder: work, how: 'prebuilt' };
      why = `the prebuild ${prebuild.file} does not work here (${problem})`;
    } else why = prebuild.problem;
    reporter.say(`${why}: compiling the addon`);
  }
  // The core's test program is for those who work on it.
  const target = isCheckout(root) ? {} : { target: 'sam_native' };
  await compileAddon({ root, libtorch, work, reporter, signal, why, ...target });
  const folder = join(work, 'Release');
  const problem = tryAddon(addonFile(folder), cacheDir);
  if (problem === undefined) return { folder, how: 'built' };
  throw new SamError('SAM_NO_ADDON', `the new addon does not work: ${problem}`, {
    fix: `check that ${libtorch.path} is whole, or pass another with --libtorch FOLDER`,
  });
}

function linkLibTorch(folder: string, libtorch: LibTorch): void {
  rmSync(join(folder, 'libtorch'), { force: true });
  symlinkSync(libtorch.path, join(folder, 'libtorch'), 'junction');
}

/** Replaces the old files by renaming, which a process that has them loaded survives. */
function install(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of ['sam_core_test', 'sam_native.node']) {
    if (!existsSync(join(from, name))) continue;
    copyFileSync(join(from, name), join(to, `${name}.new`));
    renameSync(join(to, `${name}.new`), join(to, name));
  }
}

function record(root: string, cacheDir: string, libtorch: LibTorch, addon: string): void {
  const recorded = readSetupRecord(cacheDir);
  const addons = isCheckout(root) ? recorded.addons : { ...recorded.addons, [packageVersion(root)]: addon };
  writeSetupRecord(cacheDir, { libtorch: libtorch.path, ...(addons && { addons }) });
}
