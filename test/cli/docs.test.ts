/** Command lines that a reader copies: those of README, docs, examples and `--help` go through the real parser, and do no work. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inFlags } from '../../lib/cli/command.js';
import { createParser, parse } from '../../lib/cli/parser.js';
import { SamError } from '../../lib/core/errors.js';
import { blocksOf, type CommandLine, linesOfComments, linesOfHelp, linesOfMarkdown } from './docs-lines.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const filesIn = (folder: string, type = '') =>
  readdirSync(join(ROOT, folder)).flatMap((name) => (name.endsWith(type) ? [join(folder, name)] : []));
const FILES = ['README.md', 'CONTRIBUTING.md', ...filesIn('docs', '.md'), ...filesIn('examples')];

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sam-native-docs-'));
});
afterAll(() => rm(dir, { recursive: true }));

const textOf = (file: string) => readFileSync(join(ROOT, file), 'utf8');

/** What `--help` prints behind `words`, unwrapped: a line of it is a line to copy. */
const helpOf = (...words: string[]) =>
  createParser(words, async () => {})
    .wrap(null)
    .getHelp();

async function commandNames(): Promise<string[]> {
  return [...(await helpOf()).matchAll(/^ {2}sam-native (\w+)/gm)].map(([, name]) => name!);
}

/** The command lines of a text, by what kind of file it is. */
function linesOf(file: string, text: string): CommandLine[] {
  return extname(file) === '.md' ? linesOfMarkdown(text) : linesOfComments(text);
}

/** Why the parser refuses a line, if it does. Where `config` is given, `--config` means that file. */
async function refusal({ words, nameOnly }: CommandLine, config?: string): Promise<string | undefined> {
  try {
    if (nameOnly === true || words.includes('--help') || words.includes('--version')) {
      const name = words.find((word) => !word.startsWith('-'));
      const isThere = name === undefined || (await commandNames()).includes(name);
      return isThere ? undefined : `unknown command ${name}`;
    }
    await parse(await withConfig(words, config), (command, argv) => command.read(argv));
  } catch (error) {
    if (error instanceof SamError) return `${inFlags(error).message} — ${inFlags(error).fix}`;
    throw error;
  }
}

/** The files that `--config` names are those of this repository; others are the reader's, and an empty one stands for them. */
async function withConfig(words: string[], config?: string): Promise<string[]> {
  const at = words.indexOf('--config') + 1;
  if (at === 0 || at === words.length) return words;
  const empty = join(dir, 'empty.yaml');
  await writeFile(empty, '');
  const own = join(ROOT, words[at]!);
  return words.with(at, config ?? (existsSync(own) ? own : empty));
}

/** The refused lines of a text, each with its place and the reason. */
async function refusedIn(file: string, lines: CommandLine[]): Promise<string[]> {
  const refused: string[] = [];
  for (const line of lines) {
    const reason = await refusal(line);
    if (reason !== undefined) refused.push(`${file}:${line.line}: sam-native ${line.words.join(' ')}: ${reason}`);
  }
  return refused;
}

/** The refused YAML of a text: config files of the command that a comment in them names, else of `train`. */
async function refusedYaml(file: string, text: string): Promise<string[]> {
  const whole = { language: extname(file).slice(1), line: 1, text };
  const blocks = extname(file) === '.md' ? blocksOf(text) : [whole];
  const refused: string[] = [];
  for (const block of blocks.filter(({ language }) => /^ya?ml$/.test(language))) {
    const config = join(dir, 'block.yaml');
    await writeFile(config, block.text);
    const [call = { line: 1, words: ['train', '--config', config] }] = linesOfComments(block.text);
    const reason = await refusal(call, config);
    if (reason !== undefined) refused.push(`${file}:${block.line}: ${reason.replace(config, 'this config')}`);
  }
  return refused;
}

test.each(FILES)('%s: the parser takes every command line and config', async (file) => {
  const text = textOf(file);
  expect(await refusedIn(file, linesOf(file, text))).toEqual([]);
  expect(await refusedYaml(file, text)).toEqual([]);
});

test('--help: the parser takes every example', async () => {
  for (const name of await commandNames()) {
    const lines = linesOfHelp(await helpOf(name));
    if (!['setup', 'doctor'].includes(name)) expect(lines.length, name).toBeGreaterThan(1);
    expect(await refusedIn(`${name} --help`, lines)).toEqual([]);
  }
});

test('the lines are seen: every command has some', async () => {
  const calls = FILES.flatMap((file) => linesOf(file, textOf(file))).filter(({ nameOnly }) => nameOnly !== true);
  expect(calls.length).toBeGreaterThan(60);
  for (const name of await commandNames()) expect(calls.map(({ words }) => words[0])).toContain(name);
  expect(calls).toContainEqual({ line: 1, words: ['train', '--config', 'examples/config.yaml'] });
});

test('a wrong line is refused, wherever it stands', async () => {
  const text = [
    '`sam-native splt` cuts, `npx sam-native train --data photos',
    '--epohcs 3` trains; `sam-native <command> [options]` is schematic, `sam-native` the package.',
    '',
    '```sh',
    "npm ci && npx sam-native train --data photos --group-by '^(.*)_[ab]; # $' --gain 2   # --not-seen",
    '$ sam-native train --data "my photos" \\',
    '    --lr 0',
    '```',
    '',
    "    don't sam-native nothing",
    '    SAM_NATIVE_CACHE=/tmp sam-native tain; npx --yes sam-native predict *.jpg --schedule no',
    '    sam-native train --config river.yaml --data photos >log.txt 2>&1; sam-native --version',
    '',
    '```yaml',
    'batch-szie: 4',
    '```',
  ].join('\n');
  expect(await refusedIn('a.md', linesOf('a.md', text))).toEqual([
    'a.md:5: sam-native train --data photos --group-by ^(.*)_[ab]; # $ --gain 2: unknown option --gain — see --help',
    'a.md:6: sam-native train --data my photos --lr 0: --lr 0: expected more than 0 — see --help',
    'a.md:11: sam-native tain: unknown command tain — did you mean train?',
    'a.md:11: sam-native predict *.jpg --schedule no: unknown option --schedule — see --help',
    'a.md:1: sam-native splt: unknown command splt',
    'a.md:1: sam-native train --data photos --epohcs 3: unknown option --epohcs — did you mean --epochs?',
  ]);
  expect(await refusedYaml('a.md', text)).toEqual([
    'a.md:15: this config: unknown option batch-szie — did you mean batch-size?',
  ]);
});
