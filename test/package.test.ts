/** The package as npm would publish it: what is in it, what is not, and how large it is. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { compile } from './cli/run-cli.js';

interface Packed {
  size: number;
  files: { path: string }[];
}

let packed: Packed;
let paths: string[];

beforeAll(() => {
  compile();
  const listed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { encoding: 'utf8' });
  [packed] = JSON.parse(listed) as [Packed];
  paths = packed.files.map(({ path }) => path);
}, 60_000);

const filesBelow = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

test('it holds all that compiling, reading and trying take', () => {
  const wanted = [
    ...filesBelow('native').filter((path) => !path.startsWith('native/core_test/')),
    ...['cmake', 'docs', 'examples'].flatMap(filesBelow),
    ...['CMakeLists.txt', 'binding.d.ts', 'CHANGELOG.md', 'README.md', 'LICENSE', 'package.json'],
    ...['dist/index.js', 'dist/index.d.ts', 'dist/cli/main.js', 'dist/setup/self-test.js'],
  ];
  expect(wanted.filter((path) => !paths.includes(path))).toEqual([]);
});

test('it holds the scripts that the package calls or sends people to, and no others', () => {
  const scripts = ['scripts/export_encoder.py', 'scripts/prepare.mjs', 'scripts/unpack.py'];
  expect(paths.filter((path) => path.startsWith('scripts/')).sort()).toEqual(scripts);
  const named = execFileSync('grep', ['-rhoE', 'scripts/[a-z_-]+\\.(py|mjs|sh)', 'dist', '--include=*.js'], {
    encoding: 'utf8',
  });
  // The maker of dist/option-types.d.ts is for those who change its sources.
  const mentioned = new Set(named.trim().split('\n'));
  mentioned.delete('scripts/generate-option-types.mjs');
  expect([...mentioned].filter((path) => !scripts.includes(path))).toEqual([]);
});

test('tests, benches and what only a build leaves are not in it', () => {
  const known = /^(dist|native|cmake|scripts|docs|examples|prebuilds)\/|^[^/]+$/;
  expect(paths.filter((path) => !known.test(path))).toEqual([]);
  expect(paths.filter((path) => /core_test|bench.*\.(mjs|py)$|fixtures|(^|\/)\.|\.tgz$/.test(path))).toEqual([]);
});

test('it has less than 10 MB', () => {
  expect(packed.size).toBeLessThan(10e6);
});
