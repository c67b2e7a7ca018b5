/** docs/commands.md has a section for every command: purpose, two examples, the keys of its JSON. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createParser } from '../../lib/cli/parser.js';
import { blocksOf } from '../../scripts/docs/command-lines.mjs';

const page = readFileSync('docs/commands.md', 'utf8');
const sections = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map((text) => [text.slice(0, text.indexOf('\n')), text] as const),
);
const help = await createParser([], async () => {})
  .wrap(null)
  .getHelp();
const names = [...help.matchAll(/^ {2}sam-native (\w+)/gm)].map(([, name]) => name!);

test.each(names)('%s', (name) => {
  const section = sections.get(name);
  expect(section, 'a section of its own').toBeDefined();
  const lines = blocksOf(section!).flatMap(({ text }) => text.split('\n'));
  expect(lines.filter((line) => line.includes(`sam-native ${name}`)).length).toBeGreaterThan(1);
  // A script for the shell is no JSON.
  if (name !== 'completion') expect(section).toMatch(/^(#+ )?Result\b/m);
  expect(page).toContain(`[${name}](#${name})`);
});
