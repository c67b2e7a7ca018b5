/** The rooms of native/ stand on floors: what a file includes lies in its own room or on a lower floor, so that no circle can close. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { expect, test } from 'vitest';
import { PACKAGE_ROOT } from '../../lib/core/package-root.js';

/** Lowest first. '' are the headers of native/ itself: errors, words. */
const FLOORS = [
  '',
  'memory',
  'device',
  'model',
  'storage',
  'weights',
  'export',
  'encoder',
  'training',
  'binding',
  'core_test',
  'addon',
] as const;

interface Include {
  from: string;
  to: string;
}

/** `native/addon.cpp` stands above all others. */
const roomOf = (file: string) => (file === 'addon.cpp' ? 'addon' : file.includes('/') ? file.split('/')[0]! : '');
const floorOf = (file: string) => FLOORS.indexOf(roomOf(file) as (typeof FLOORS)[number]);

function upward(includes: readonly Include[]): string[] {
  const up = includes.filter(({ from, to }) => floorOf(from) < floorOf(to));
  return up.map(({ from, to }) => `${from} includes ${to}`);
}

function withoutFloor(files: readonly string[]): string[] {
  return [...new Set(files.filter((file) => floorOf(file) < 0).map(roomOf))];
}

const native = join(PACKAGE_ROOT, 'native');
const files = readdirSync(native, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.(h|cpp)$/.test(file))
  .map((file) => file.replaceAll(sep, '/'));
const includes = files.flatMap((from) => {
  const lines = readFileSync(join(native, from), 'utf8').matchAll(/^\s*#\s*include\s+"([^"]+)"/gm);
  return [...lines].map(([, to]) => ({ from, to: to! }));
});

test('every room has a floor, and every floor a room', () => {
  expect(withoutFloor(files)).toEqual([]);
  expect(new Set(files.map(roomOf))).toEqual(new Set(FLOORS));
});

test('every include names a file by its path from native/', () => {
  expect(includes.length).toBeGreaterThan(100);
  expect(includes.filter(({ to }) => !files.includes(to))).toEqual([]);
});

test('no include goes up', () => {
  expect(upward(includes)).toEqual([]);
});

test('an include that goes up is named, and so is a room without a floor', () => {
  const found = [...includes, { from: 'model/sam.cpp', to: 'weights/load_sam.h' }];
  expect(upward(found)).toEqual(['model/sam.cpp includes weights/load_sam.h']);
  expect(withoutFloor([...files, 'attic/box.h'])).toEqual(['attic']);
});
