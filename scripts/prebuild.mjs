/**
 * Makes prebuilds: prebuilds/torch-<minor>/<platform>-<arch>/ with the addon, stripped, and what it says of itself.
 *
 *   npm run prebuilds                                     for the LibTorch that this checkout was built with
 *   npm run prebuilds -- --libtorch DIR --libtorch DIR    for these, of one minor version each
 *
 * The addon's run path leads to a link to LibTorch that `setup` makes beside it: where that lies is another thing on every machine.
 */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CONTRACT, checkAddon, minorOf } from '../dist/addon/native.js';
import { createReporter } from '../dist/cli/progress.js';
import { defaultCacheDir } from '../dist/core/cache-dir.js';
import { addonFile, addonPlace, readStamp } from '../dist/setup/addon-files.js';
import { compileAddon } from '../dist/setup/compile.js';
import { inspectLibTorch, SUPPORTED_MINORS } from '../dist/setup/libtorch.js';
import { manifestFile, prebuildFolder, sha256 } from '../dist/setup/prebuild.js';
import { checkFloor, neededVersions } from './glibc-floor.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const RUN_PATH = `${process.platform === 'darwin' ? '@loader_path' : '$ORIGIN'}/libtorch/lib`;

function run(program, args) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 2 ** 30 });
  if (status !== 0) throw new Error(`${program} failed: ${error?.message ?? stderr.trim()}`);
  return stdout;
}

function libtorchIn(path) {
  const inspected = inspectLibTorch(resolve(path));
  if ('problem' in inspected) throw new Error(`--libtorch ${path}: ${inspected.problem}`);
  return inspected.libtorch;
}

/** The addon as it lies after `setup`: what it says of itself there. */
function tried(file, libtorch) {
  const scratch = mkdtempSync(join(tmpdir(), 'sam-prebuild-'));
  try {
    copyFileSync(file, addonFile(scratch));
    symlinkSync(libtorch.path, join(scratch, 'libtorch'), 'junction');
    const script =
      'const { contract, info } = require(process.argv[1]); process.stdout.write(JSON.stringify({ contract, info: info() }))';
    const { contract, info } = JSON.parse(run(process.execPath, ['-e', script, addonFile(scratch)]));
    checkAddon({ contract, info: () => info }, file);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Compiles (or, where this checkout is built for this LibTorch, only links), strips, checks, and writes it down. */
async function prebuild(libtorch, reporter) {
  const { work } = addonPlace(root, defaultCacheDir(), libtorch);
  await compileAddon({ root, libtorch, work, reporter, target: 'sam_native', runPath: RUN_PATH });
  const minor = minorOf(libtorch.version);
  const folder = prebuildFolder(root, minor);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const file = addonFile(folder);
  copyFileSync(addonFile(join(work, 'Release')), file);
  if (process.platform !== 'win32') run('strip', [process.platform === 'darwin' ? '-Sx' : '--strip-unneeded', file]);
  tried(file, libtorch);
  const needed = process.platform === 'linux' ? neededVersions(run('objdump', ['-T', file])) : {};
  checkFloor(needed);
  const bytes = readFileSync(file);
  const manifest = { contract: CONTRACT, torch: minor, glibc: needed.GLIBC ?? null, sha256: sha256(bytes) };
  writeFileSync(manifestFile(folder), `${JSON.stringify(manifest, null, 2)}\n`);
  const floor = Object.entries(needed).map(([name, version]) => `, ${name} ${version}`);
  reporter.say(`${folder}: ${(bytes.length / 1e6).toFixed(2)} MB${floor.join('')}`);
  return minor;
}

/** Removes what earlier sources left: a package that carries a prebuild of another contract would compile everywhere. */
function removeStale(reporter) {
  const folder = join(root, 'prebuilds');
  const names = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];
  for (const name of names.filter((name) => name.endsWith('prebuild.json'))) {
    const { contract } = JSON.parse(readFileSync(join(folder, name), 'utf8'));
    if (contract === CONTRACT) continue;
    rmSync(join(folder, name, '..'), { recursive: true });
    reporter.say(`removed prebuilds/${dirname(name)}: it was of contract ${contract}`);
  }
}

const reporter = createReporter(process.stderr);
try {
  const { values } = parseArgs({ options: { libtorch: { type: 'string', multiple: true } } });
  const built = readStamp(join(root, 'build', 'Release'));
  if (values.libtorch === undefined && built === undefined) throw new Error("there is no build: run 'npm ci' first");
  removeStale(reporter);
  const made = [];
  for (const path of values.libtorch ?? [built.libtorch]) made.push(await prebuild(libtorchIn(path), reporter));
  const missing = SUPPORTED_MINORS.map((minor) => `2.${minor}`).filter((minor) => !made.includes(minor));
  if (missing.length > 0) reporter.say(`not made now: prebuilds for LibTorch ${missing.join(', ')}`);
} catch (error) {
  process.stderr.write(`error: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  reporter.stop();
}
