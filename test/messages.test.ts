/** What `lib/` says to people: options by the names of the API, which the CLI turns into flags, and remedies in one style. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';
import yargs from 'yargs';
import type { Command } from '../lib/cli/command.js';
import { camel } from '../lib/core/suggest.js';

/** The command line's own rooms, and pages that hold styles, shell commands, or a run's flags. */
const OTHERS = /^lib\/(cli|setup)\/|reports\/(style|sections\/training)|tasks\/audit\/review-/;
/** What a shell is given, by us or by the reader, begins like this. */
const SHELL = /(^|\s)(sam-native|npm|hf|pip) |^ --re(vision|po-type) |var\(--|^--ratio/;
const MARK = /`([a-z][A-Za-z0-9]*)(: false)?`/g;

interface Said {
  readonly where: string;
  readonly text: string;
}

/** Every text in the sources: strings, and the fixed parts of templates. */
function textsOf(visit: (node: ts.Node, source: ts.SourceFile) => Said[]): Said[] {
  const said: Said[] = [];
  for (const name of readdirSync('lib', { recursive: true, encoding: 'utf8' })) {
    const file = join('lib', name);
    if (!name.endsWith('.ts') || OTHERS.test(file)) continue;
    const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2022, true);
    const walk = (node: ts.Node): void => {
      said.push(...visit(node, source));
      ts.forEachChild(node, walk);
    };
    walk(source);
  }
  return said;
}

function placeOf(node: ts.Node, source: ts.SourceFile): string {
  return `${source.fileName}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
}

/** The text of a string or template, with `…` for what is filled in. */
function wholeText(node: ts.Node): string | undefined {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return undefined;
  return node.head.text + node.templateSpans.map(({ literal }) => `…${literal.text}`).join('');
}

const all = textsOf((node, source) => {
  const text = wholeText(node);
  return text === undefined ? [] : [{ where: placeOf(node, source), text }];
});

/** Names of all options of all commands, as the API has them. */
async function knownOptions(): Promise<Set<string>> {
  const known = new Set<string>();
  for (const name of readdirSync('lib/cli')) {
    if (name === 'main.ts') continue; // it runs
    const { default: command } = (await import(pathToFileURL(resolve('lib/cli', name)).href)) as {
      default?: Partial<Command>;
    };
    if (command?.builder === undefined) continue;
    const parser = command.builder(yargs([]));
    const { key } = (parser as unknown as { getOptions(): { key: Record<string, unknown> } }).getOptions();
    for (const flag of Object.keys(key)) known.add(camel(flag));
  }
  return known;
}

test('no flag of the command line is named, but in whole shell commands', () => {
  const flags = all.filter(({ text }) => /(^|[\s(])--[a-z…]/.test(text) && !SHELL.test(text));
  expect(flags).toEqual([]);
});

test('what stands in backticks is an option', async () => {
  const known = await knownOptions();
  expect(known.size).toBeGreaterThan(80);
  const marks = all.flatMap(({ where, text }) => [...text.matchAll(MARK)].map(([, name]) => ({ where, name: name! })));
  expect(marks.length).toBeGreaterThan(100);
  expect(marks.filter(({ name }) => !known.has(name))).toEqual([]);
});

test('a remedy begins in lower case and ends without a full stop', () => {
  const remedies = textsOf((node, source) => {
    if (!ts.isPropertyAssignment(node) || node.name.getText() !== 'fix') return [];
    const found: Said[] = [];
    const walk = (part: ts.Node): void => {
      const text = wholeText(part);
      if (text !== undefined) found.push({ where: placeOf(part, source), text });
      else ts.forEachChild(part, walk);
    };
    walk(node.initializer);
    return found;
  });
  expect(remedies.length).toBeGreaterThan(100);
  const PROPER = /^(JPEG|COCO|CUDA|CSV|TIFF|LibTorch|Node|Python|[A-Z_]+[:=])/;
  expect(remedies.filter(({ text }) => (/^[A-Z]/.test(text) && !PROPER.test(text)) || /[^.]\.$/.test(text))).toEqual(
    [],
  );
});

test('`@throws` says the class, the codes, and when', async () => {
  const files = readdirSync('lib', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const said = files.flatMap((name) => readFileSync(join('lib', name), 'utf8').match(/@throws .*/g) ?? []);
  expect(said.length).toBeGreaterThan(100);
  const codes = /^@throws (SamError (`\w+`(, `\w+`)*: |as |what )|(Range)?Error: |BadRle: )/;
  expect(said.filter((text) => !codes.test(text))).toEqual([]);
});
