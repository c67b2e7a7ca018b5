/** docs/commands.md has a section for every command: purpose, two examples, the keys of its JSON. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createParser } from '../../lib/cli/parser.js';
import { linesOfMarkdown } from '../cli/docs-lines.js';

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
  const calls = linesOfMarkdown(section!).filter(({ words, nameOnly }) => words[0] === name && nameOnly !== true);
  expect(calls.length).toBeGreaterThan(1);
  expect(section).toMatch(/^(#+ )?(Its )?Result\b/m);
  expect(page).toContain(`[${name}](#${name})`);
});
