import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CONTRACT } from '../../lib/addon/native.js';
import { findPrebuild, glibcVersion, isOlder, manifestFile, prebuildFolder } from '../../lib/setup/prebuild.js';
import { fakePrebuild } from './fakes.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sam-prebuild-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const libtorch = { path: '/opt/libtorch', version: '2.13.1', cuda: false };
const problem = (glibc = '2.36') => (findPrebuild(root, libtorch, glibc) as { problem?: string }).problem;

test('a prebuild of this minor version, contract and glibc is taken', () => {
  const file = fakePrebuild(root, '2.13', Buffer.from('an addon'));
  expect(findPrebuild(root, libtorch, '2.36')).toEqual({ file });
  expect(findPrebuild(root, libtorch, '2.34')).toEqual({ file });
});

test('a missing one is said, with those that there are', () => {
  expect(problem()).toBe(`the package brings no prebuild for LibTorch 2.13 on ${process.platform}-${process.arch}`);
  for (const minor of ['2.14', '2.9', '2.11']) fakePrebuild(root, minor, Buffer.from('an addon'));
  mkdirSync(join(root, 'prebuilds', 'torch-2.12', 'plan9-mips'), { recursive: true });
  expect(problem()).toMatch(/\(there are some for 2\.9, 2\.11, 2\.14\)$/);
});

test.each([
  [{ contract: CONTRACT + 1 }, `is of another version of sam-native (contract ${CONTRACT + 1})`],
  [{ torch: '2.12' }, 'is for LibTorch 2.12'],
  [{ glibc: '2.37' }, 'needs glibc 2.37; here is 2.36'],
  [{ sha256: '0'.repeat(64) }, 'is damaged: its checksum is another'],
  [{ sha256: 5 }, 'is incomplete'],
])('one that says %j of itself is refused', (said, reason) => {
  fakePrebuild(root, '2.13', Buffer.from('an addon'), said);
  expect(problem()).toBe(`the prebuild in ${prebuildFolder(root, '2.13')} ${reason}`);
});

test('one without its addon or its manifest is incomplete', () => {
  const file = fakePrebuild(root, '2.13', Buffer.from('an addon'));
  rmSync(file);
  expect(problem()).toMatch(/is incomplete$/);
  writeFileSync(file, 'an addon');
  rmSync(manifestFile(join(file, '..')));
  expect(existsSync(file)).toBe(true);
  expect(problem()).toMatch(/is incomplete$/);
});

test('versions compare by number, and this machine has a glibc', () => {
  expect(isOlder('2.9', '2.34')).toBe(true);
  expect(isOlder('2.34', '2.34')).toBe(false);
  expect(glibcVersion()).toMatch(/^2\.\d+$/);
});
