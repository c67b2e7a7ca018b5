/**
 * Tries the package as others get it: packs it, installs the tarball into an empty folder, and lets its `setup` work there, each time
 * with a cache of its own and the LibTorch of this checkout's build.
 *
 *   node scripts/check-package.mjs              with a prebuild, where nothing can compile; without either
 *   node scripts/check-package.mjs --compile    and without a prebuild, where compiling takes its minutes
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readStamp } from '../dist/setup/addon-files.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'sam-package-'));
const installed = join(scratch, 'project');
const libtorch = readStamp(join(root, 'build', 'Release'))?.libtorch;

const run = (program, args, cwd, env = process.env) => spawnSync(program, args, { cwd, env, encoding: 'utf8' });

function must(program, args, cwd, env) {
  const { status, stdout, stderr, error } = run(program, args, cwd, env);
  assert.equal(status, 0, `${program} ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}

/** Makes the prebuild of this checkout's LibTorch, packs, and installs the tarball into the empty folder. */
function install() {
  must(process.execPath, ['scripts/prebuild.mjs'], root);
  const [{ filename, size }] = JSON.parse(
    must('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', scratch], root),
  );
  assert.ok(size < 10e6, `the tarball has ${size} bytes`);
  mkdirSync(installed);
  writeFileSync(join(installed, 'package.json'), '{ "private": true }\n');
  must('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', join(scratch, filename)], installed);
  return `${(size / 1e6).toFixed(1)} MB`;
}

/** A PATH with Node and nothing else: no compiler, no CMake, no Python. */
function bareEnvironment() {
  const bin = join(scratch, 'bin');
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, 'node'));
  return { HOME: scratch, PATH: bin };
}

/** Calls the installed package's `setup`. Returns how it ended, what it said, and its seconds. */
function setup(name, env) {
  const started = performance.now();
  const cli = join(installed, 'node_modules', '.bin', 'sam-native');
  const own = { ...env, SAM_NATIVE_CACHE: join(scratch, name) };
  const { status, stdout, stderr } = run(cli, ['setup', '--libtorch', libtorch, '--json'], installed, own);
  const seconds = (performance.now() - started) / 1000;
  return { status, stderr, seconds, env: own, how: status === 0 ? JSON.parse(stdout).addon.how : undefined };
}

/** Asks the addon that `setup` made which LibTorch it runs with. */
function checkAddon(env) {
  const program = "import { info } from 'sam-native/binding'; process.stdout.write(info().torch);";
  const torch = must(process.execPath, ['--input-type=module', '-e', program], installed, env);
  assert.match(torch, /^2\.\d+$/);
}

function checkPrebuilt(bare) {
  const { status, stderr, how, seconds, env } = setup('prebuilt', bare);
  assert.equal(status, 0, stderr);
  assert.equal(how, 'prebuilt');
  checkAddon(env);
  return `a prebuild is taken in ${seconds.toFixed(1)} s`;
}

function checkNeither(bare) {
  const { status, stderr } = setup('neither', bare);
  assert.equal(status, 1);
  const line = stderr.trim().split('\n').at(-1);
  assert.match(
    line,
    /^error: the package brings no prebuild for LibTorch [\d.]+ on .*apt-get install cmake g\+\+ make/,
  );
  return `without prebuild and compiler: ${line}`;
}

function checkCompiled() {
  const { status, stderr, how, seconds, env } = setup('built', process.env);
  assert.equal(status, 0, stderr);
  assert.equal(how, 'built');
  checkAddon(env);
  return `without a prebuild it compiles, in ${seconds.toFixed(0)} s`;
}

try {
  assert.ok(libtorch, "there is no build: run 'npm ci' first");
  const say = (line) => process.stdout.write(`${line}\n`);
  say(`installed into an empty folder: ${install()}`);
  const bare = bareEnvironment();
  say(checkPrebuilt(bare));
  rmSync(join(installed, 'node_modules', 'sam-native', 'prebuilds'), { recursive: true });
  say(checkNeither(bare));
  if (process.argv.includes('--compile')) say(checkCompiled());
} catch (error) {
  process.stderr.write(`error: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
