/** Pictures of the documentation: there, shown somewhere, described, and small enough for the package. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const FOLDER = 'docs/pictures';
const pages = [
  'README.md',
  ...readdirSync('docs').flatMap((name) => (name.endsWith('.md') ? [join('docs', name)] : [])),
];
const shown = pages.flatMap((page) =>
  [...readFileSync(page, 'utf8').matchAll(/!\[([^\]]*)\]\(([^)]+)\)/g)].map(([, words, target]) => ({
    words: words!,
    file: join(page.startsWith('docs') ? 'docs' : '.', target!),
  })),
);

test('every picture is shown on a page, and every one that is shown is there', () => {
  const there = readdirSync(FOLDER).map((name) => join(FOLDER, name));
  expect([...new Set(shown.map(({ file }) => file))].toSorted()).toEqual(there.toSorted());
  expect(there.length).toBeGreaterThan(5);
});

test('each says in words what is in it', () => {
  for (const { words, file } of shown) expect(words.length, file).toBeGreaterThan(15);
});

test('they are small: 60 kB each, 600 kB in all', () => {
  const sizes = readdirSync(FOLDER).map((name) => statSync(join(FOLDER, name)).size);
  expect(Math.max(...sizes)).toBeLessThan(60_000);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(600_000);
});
