/** Command lines and configs in texts for readers that the real parser refuses. It does no work. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { blocksOf, linesOfComments, linesOfHelp, linesOfMarkdown } from './command-lines.mjs';

const root = join(import.meta.dirname, '../..');
const load = (path) => import(join(root, 'dist', path));

/** Where configs are written that the parser reads. */
async function inFolder(work) {
  const folder = await mkdtemp(join(tmpdir(), 'sam-native-docs-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The command lines of a text, by what kind of file it is. */
export function linesOf(file, text) {
  return extname(file) === '.md' ? linesOfMarkdown(text) : linesOfComments(text);
}

/** The names of the commands. */
export async function commandNames() {
  const { COMMANDS, nameIn } = await load('cli/parser.js');
  return COMMANDS.map(([usage]) => nameIn(usage));
}

/** The examples in the help of a command; without a name, in that of all. */
export async function linesOfHelpOf(name) {
  const { createParser } = await load('cli/parser.js');
  // Unwrapped: a line of it is a line to copy.
  const parser = createParser(name === undefined ? [] : [name], async () => {}).wrap(null);
  return linesOfHelp(await parser.getHelp());
}

/** Why the parser refuses a line, if it does. Where `config` is given, `--config` means that file. */
async function refusal({ words, nameOnly }, config) {
  const [{ parse }, { inFlags }, { SamError }] = await Promise.all(
    ['cli/parser.js', 'cli/command.js', 'core/errors.js'].map(load),
  );
  try {
    if (nameOnly === true || words.includes('--help') || words.includes('--version')) {
      const name = words.find((word) => !word.startsWith('-'));
      const isThere = name === undefined || (await commandNames()).includes(name);
      return isThere ? undefined : `unknown command ${name}`;
    }
    await inFolder(async (folder) =>
      parse(await withConfig(words, config, folder), (command, argv) => command.read(argv)),
    );
  } catch (error) {
    if (error instanceof SamError) return `${inFlags(error).message} — ${inFlags(error).fix}`;
    throw error;
  }
}

/** The files that `--config` names are those of this repository; others are the reader's, and an empty one stands for them. */
async function withConfig(words, config, folder) {
  const at = words.indexOf('--config') + 1;
  if (at === 0 || at === words.length) return words;
  const empty = join(folder, 'empty.yaml');
  await writeFile(empty, '');
  const own = join(root, words[at]);
  return words.with(at, config ?? (existsSync(own) ? own : empty));
}

/** The refused lines of a text, each with its place and the reason. */
export async function refusedLines(file, lines) {
  const refused = [];
  for (const line of lines) {
    const reason = await refusal(line);
    if (reason !== undefined) refused.push(`${file}:${line.line}: sam-native ${line.words.join(' ')}: ${reason}`);
  }
  return refused;
}

/** The refused YAML of a text: config files of the command that a comment in them names, else of `train`. */
export function refusedConfigs(file, text) {
  const whole = { language: extname(file).slice(1), line: 1, text };
  const blocks = extname(file) === '.md' ? blocksOf(text) : [whole];
  return inFolder(async (folder) => {
    const refused = [];
    for (const block of blocks.filter(({ language }) => /^ya?ml$/.test(language))) {
      const config = join(folder, 'block.yaml');
      await writeFile(config, block.text);
      const [call = { line: 1, words: ['train', '--config', config] }] = linesOfComments(block.text);
      const reason = await refusal(call, config);
      if (reason !== undefined) refused.push(`${file}:${block.line}: ${reason.replace(config, 'this config')}`);
    }
    return refused;
  });
}
