/** The package as npm would publish it: what is in it, what is not, and how large it is. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { SUPPORTED_MINORS } from '../lib/setup/libtorch.js';
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
  const named = filesBelow('dist')
    .filter((path) => path.endsWith('.js'))
    .flatMap((path) => readFileSync(path, 'utf8').split('\n'))
    // Comments are for those who change the sources.
    .filter((line) => !/^\s*(\/\*|\*|\/\/)/.test(line))
    .flatMap((line) => line.match(/scripts\/[a-z_-]+\.(py|mjs|sh)/g) ?? []);
  expect(named.filter((path) => !scripts.includes(path))).toEqual([]);
  expect(named).toContain('scripts/unpack.py');
});

test('tests, benches and what only a build leaves are not in it', () => {
  const known = /^(dist|native|cmake|scripts|docs|examples|prebuilds)\/|^[^/]+$/;
  expect(paths.filter((path) => !known.test(path))).toEqual([]);
  expect(paths.filter((path) => /core_test|bench.*\.(mjs|py)$|fixtures|(^|\/)\.|\.tgz$/.test(path))).toEqual([]);
});

test('it has less than 10 MB', () => {
  expect(packed.size).toBeLessThan(10e6);
});

test('the release workflow says that it has not run, and builds for every LibTorch by scripts that there are', () => {
  const text = readFileSync('.github/workflows/release.yml', 'utf8');
  expect(text).toMatch(/^# THIS HAS NOT RUN YET/);
  const { jobs } = parse(text) as {
    jobs: Record<string, { steps: { run?: string }[]; strategy?: { matrix: { torch: string[] } } }>;
  };
  expect(jobs.prebuild!.strategy!.matrix.torch).toEqual(SUPPORTED_MINORS.map((minor) => `2.${minor}`));
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  const run = Object.values(jobs).flatMap(({ steps }) => steps.map((step) => step.run ?? ''));
  const called = run.flatMap((lines) =>
    [...lines.matchAll(/npm (?:run )?(test|[a-z]+:?[a-z]*)/g)].map(([, name]) => name!),
  );
  expect(called.filter((name) => !(name in scripts) && name !== 'ci' && name !== 'pack')).toEqual([]);
  expect(called).toEqual(expect.arrayContaining(['test', 'prebuilds']));
});
