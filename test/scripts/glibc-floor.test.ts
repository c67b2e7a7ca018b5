/** What a prebuild may ask of glibc and libstdc++. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { findAddon } from '../../lib/addon/native.js';

type Needed = Record<string, string>;
const { FLOOR, checkFloor, neededVersions } = (await import(pathToFileURL('scripts/glibc-floor.mjs').href)) as {
  FLOOR: Needed;
  checkFloor(needed: Needed): void;
  neededVersions(symbols: string): Needed;
};

test('the newest version of each library counts, by number', () => {
  const symbols = [
    '0000 DF *UND* 0000 (GLIBC_2.9)  fwrite',
    '0000 DF *UND* 0000 (GLIBC_2.34) dlopen',
    '0000 DF *UND* 0000 (GLIBCXX_3.4.9) _ZSt',
    '0000 DF *UND* 0000 (GLIBCXX_3.4.21) _ZNSt',
    '0000 DF *UND* 0000 (GLIBC_PRIVATE) x',
    '0000 DF *UND* 0000 (CXXABI_1.3.13) y',
  ];
  expect(neededVersions(symbols.join('\n'))).toEqual({ GLIBC: '2.34', GLIBCXX: '3.4.21' });
});

test('what needs more than the floor is refused', () => {
  expect(() => checkFloor(FLOOR)).not.toThrow();
  expect(() => checkFloor({ GLIBC: '2.9' })).not.toThrow();
  expect(() => checkFloor({ GLIBC: '2.38' })).toThrow('the addon needs GLIBC 2.38, newer than 2.34');
  expect(() => checkFloor({ GLIBCXX: '3.4.32' })).toThrow('compile it on an older system');
});

test('the floor is the one of the documentation, and the addon of this checkout says what it needs', () => {
  const page = readFileSync('docs/installing.md', 'utf8');
  expect(page).toContain(`glibc ${FLOOR.GLIBC}`);
  expect(page).toContain(`GLIBCXX_${FLOOR.GLIBCXX}`);
  const { stdout } = spawnSync('objdump', ['-T', findAddon()], { encoding: 'utf8' });
  expect(Object.keys(neededVersions(stdout)).sort()).toEqual(['GLIBC', 'GLIBCXX']);
});
