/**
 * Runs the public API's tests on every Node.js that is supported, and shows that an older one is told so. Their binaries come as npm
 * packages, into build/nodes.
 *
 *   node scripts/check-nodes.mjs [VERSION…]
 *
 * Without versions: the newest of each major below; of the one that runs this, itself.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SUPPORTED = ['20', '22', '24'];
const TOO_OLD = '18';
/** What a program that uses the package meets: imports and requires, models, pictures, prompts, worker threads. */
const TESTS = [
  'test/api.test.ts',
  'test/prediction/image-input.test.ts',
  'test/prediction/image-embedding.test.ts',
  'test/worker-threads.test.ts',
];
/** Time that one version may take, milliseconds. */
const LIMIT = 240_000;

/** Path of a Node.js of this version, such as `22` or `22.12.0`, which npm installs where it is not there yet. */
function nodeOf(version) {
  if (process.versions.node.split('.')[0] === version) return process.execPath;
  const folder = join(ROOT, 'build', 'nodes', version);
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const file = join(folder, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
    const how = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--no-save', '--loglevel=error'];
    execFileSync('npm', ['install', ...how, `${name}@${version}`], { cwd: folder, stdio: ['ignore', 2, 2] });
  }
  return file;
}

/** Runs the tests; returns what is wrong, or nothing. */
function problemOf(node) {
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const { status, stdout, stderr } = run(node, [vitest, 'run', ...TESTS]);
  return status === 0 ? undefined : `${stdout}${stderr}`;
}

/** Asks the command line of a Node.js that is too old for help; returns what is wrong with what it says, or nothing. */
function refusalProblemOf(node) {
  const { status, stdout, stderr } = run(node, [join(ROOT, 'dist', 'cli', 'main.js'), '--help']);
  const said = /^error: Node 18\.[\d.]+ is too old for sam-native — install Node 20\.19 or newer\n$/;
  return status === 2 && stdout === '' && said.test(stderr) ? undefined : `exit code ${status}\n${stdout}${stderr}`;
}

function run(node, args) {
  return spawnSync(node, args, { cwd: ROOT, encoding: 'utf8', timeout: LIMIT, maxBuffer: 2 ** 28 });
}

const versions = process.argv.length > 2 ? process.argv.slice(2) : [TOO_OLD, ...SUPPORTED];
for (const version of versions) {
  const started = performance.now();
  const node = nodeOf(version);
  const name = `Node ${run(node, ['--version']).stdout.trim().slice(1)}`;
  const isOld = version.split('.')[0] === TOO_OLD;
  const problem = isOld ? refusalProblemOf(node) : problemOf(node);
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  const good = isOld ? 'refused in one line, exit code 2' : `${TESTS.length} files of tests pass`;
  console.log(`${name}: ${problem === undefined ? good : 'FAILED'} (${seconds} s)`);
  if (problem === undefined) continue;
  console.error(problem);
  process.exitCode = 1;
}
