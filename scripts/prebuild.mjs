// npm run prebuilds: makes prebuilds/torch-<minor>/prebuilds/<platform>-<arch>/sam-native.node for the LibTorch that this
// checkout was built with. prebuildify knows node-gyp only, so that is what it is given (--node-gyp); and since it takes the
// addon away from build/Release, it works in a folder of its own.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'build', 'Release', 'stamp.json'), 'utf8'));
const minor = version.split('.').slice(0, 2).join('.');
const staging = join(root, 'build', `prebuild-${minor}`);
mkdirSync(staging, { recursive: true });
copyFileSync(join(root, 'package.json'), join(staging, 'package.json'));

const cli = join(dirname(createRequire(import.meta.url).resolve('prebuildify')), 'bin.js');
const out = join(root, 'prebuilds', `torch-${minor}`);
const shim = join(root, 'scripts', 'prebuild-shim.mjs');
const call = [cli, '--napi', '--strip', '--target', process.versions.node, '--cwd', staging, '--out', out];
process.exitCode = spawnSync(process.execPath, [...call, '--node-gyp', shim], { stdio: 'inherit' }).status ?? 1;
