/** Words that complete a call, for the script that `sam-native completion` prints. yargs' own don't know options that load lazily. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isFile } from '../core/files.js';
import { factsOf } from '../core/schema-facts.js';
import { camel, kebab } from '../core/suggest.js';
import { runPaths } from '../runs/run-folder.js';
import type { Command } from './command.js';
import { COMMON, LETTERS } from './help.js';
import { COMMANDS, nameIn } from './parser.js';

/** Options whose value is a model; those of a run folder, too, are completed from `runs/`. */
const MODELS = new Set(['model', 'models', 'encoder']);
/** Names of models; the Hugging Face Hub has more. */
const MODEL_NAMES = ['mobile-sam', 'facebook/sam-vit-base', 'facebook/sam-vit-large', 'facebook/sam-vit-huge'];
const RUNS = 'runs';

/**
 * Returns what may stand for the last of these words; none where the shell should complete files.
 *
 * @param words words behind `sam-native`, the last one unfinished.
 */
export async function completions(words: readonly string[]): Promise<string[]> {
  const given = words.filter((word) => word !== '='); // bash parts `--schedule=co` in three
  const current = given.at(-1) ?? '';
  const before = given.slice(0, -1);
  const name = before.find((word) => !word.startsWith('-'));
  const offered = name === undefined ? firstWords() : await offersOf(name, before, current);
  return offered.filter((word) => word.startsWith(current));
}

function firstWords(): string[] {
  return [...COMMANDS.map(([usage]) => nameIn(usage)), '--help', '--version'];
}

async function offersOf(name: string, before: readonly string[], current: string): Promise<string[]> {
  const load = COMMANDS.find(([usage]) => nameIn(usage) === name)?.[2];
  if (load === undefined) return [];
  const { default: command } = await load();
  const values = await valuesOf(command, before.at(-1)!);
  if (values !== undefined) return values;
  if (current.startsWith('-')) return flagsOf(command).filter((flag) => !before.includes(flag));
  const [[positional, { choices }] = ['', {}]] = Object.entries(command.positionals);
  if (await hasPositional(command, before.slice(before.indexOf(name) + 1))) return [];
  if (positional === 'model') return models();
  if (positional === 'run') return runFolders();
  return (choices ?? []).map(String);
}

/** Tells whether a positional argument is among the words behind the command's name. */
async function hasPositional(command: Command, words: readonly string[]): Promise<boolean> {
  for (const [index, word] of words.entries()) {
    const isValue = index > 0 && (await valuesOf(command, words[index - 1]!)) !== undefined;
    if (!word.startsWith('-') && !isValue) return true;
  }
  return false;
}

/** Returns what an option may be given; undefined behind a word that is no option, or one without a value. */
async function valuesOf({ options }: Command, word: string): Promise<string[] | undefined> {
  if (!word.startsWith('-')) return undefined;
  const letter = Object.keys(LETTERS).find((name) => `-${LETTERS[name]}` === word && name in { ...options, ...COMMON });
  const name = letter ?? camel(word.replace(/^--/, ''));
  if (name === 'config') return [];
  const schema = options[name];
  if (schema === undefined) return undefined;
  const { kind, choices } = factsOf(schema);
  if (kind === 'boolean') return undefined;
  if (MODELS.has(name)) return models();
  if (name === 'resume') return runFolders();
  return [...(choices ?? [])];
}

function flagsOf({ options }: Command): string[] {
  const own = Object.entries(options).flatMap(([name, schema]) => {
    const isOn = factsOf(schema).fallback === true;
    return [`--${kebab(name)}`, ...(isOn ? [`--no-${kebab(name)}`] : [])];
  });
  return [...own, ...Object.keys(COMMON).map((name) => `--${name}`), '--help', '--version'];
}

async function models(): Promise<string[]> {
  return [...(await runFolders()), ...MODEL_NAMES];
}

/** Lists the run folders where `train` puts them. */
async function runFolders(): Promise<string[]> {
  const names = await readdir(RUNS).catch((): string[] => []);
  const runs = names.sort().map((name) => join(RUNS, name));
  const isRun = await Promise.all(runs.map((run) => isFile(runPaths(run).config)));
  return runs.filter((_, index) => isRun[index]);
}
