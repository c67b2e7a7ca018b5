// Makes a checkout ready to run: compiles the TypeScript, finds or gets LibTorch, compiles the addon. npm calls it after
// `npm ci` (and npx, in a checkout, at every call): when nothing changed it says nothing and takes a fraction of a second.
// `--force` does everything again.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const force = process.argv.includes('--force');
const say = (line) => process.stderr.write(`sam-native: ${line}\n`);

/** Compiles `lib/` to `dist/` unless it was compiled from exactly these files. False when that can't be done. */
function prepareTypeScript() {
  const stamp = join(root, 'dist', '.sources');
  const digest = sourcesDigest();
  if (!force && existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return true;
  const compiler = findTypeScript();
  if (compiler === undefined) {
    say("the TypeScript compiler is not installed (development dependencies were left out): run 'npm ci' to build");
    return false;
  }
  say('compiling TypeScript');
  const { status } = spawnSync(process.execPath, [compiler, '-p', root], { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(1);
  const main = join(root, 'dist', 'cli', 'main.js');
  if (existsSync(main)) chmodSync(main, 0o755);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, digest);
  return true;
}

function sourcesDigest() {
  const files = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const hash = createHash('sha256');
  for (const file of [
    ...files.sort().map((name) => join('lib', name)),
    'tsconfig.json',
    'binding.d.ts',
    'package-lock.json',
  ]) {
    hash.update(file).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

function findTypeScript() {
  try {
    return createRequire(import.meta.url).resolve('typescript/bin/tsc');
  } catch {
    return undefined;
  }
}

const dist = (file) => import(pathToFileURL(join(root, 'dist', file)).href);

async function prepareAddon() {
  const [{ isUpToDate }, { defaultCacheDir }] = await Promise.all([
    dist('setup/addon-files.js'),
    dist('core/cache-dir.js'),
  ]);
  if (!force && isUpToDate(root, defaultCacheDir())) return;
  const [{ setup }, { createReporter }] = await Promise.all([dist('setup/setup.js'), dist('cli/progress.js')]);
  const reporter = createReporter(process.stderr);
  const named = { ...reporter, say: (line) => reporter.say(`sam-native: ${line}`) };
  try {
    // Whoever runs `npm ci` in a checkout asked for all of it.
    const consent = async (question) => {
      named.say(`${question} Yes.`);
      return true;
    };
    await setup({ root, force, reporter: named, consent });
  } finally {
    reporter.stop();
  }
}

if (existsSync(join(root, 'lib')) && prepareTypeScript()) {
  try {
    await prepareAddon();
  } catch (error) {
    say(`error: ${error.message}${error.fix ? ` — ${error.fix}` : ''}`);
    process.exitCode = 1;
  }
}
