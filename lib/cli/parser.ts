/** Parser of the command line: names the commands, and loads a command's file only when it is called. */
import yargs, { type ArgumentsCamelCase, type Argv, type CommandModule } from 'yargs';
import { SamError } from '../core/errors.js';
import { packageVersion } from '../core/package-root.js';
import { closest } from '../core/suggest.js';
import type { Command } from './command.js';
import { helpAsked } from './help-asked.js';

/** Commands in the order in which help names them: how each is called, what it does, and its file. */
export const COMMANDS: readonly [usage: string, description: string, load: () => Promise<{ default: Command }>][] = [
  ['setup', 'finds or gets LibTorch and builds the addon', () => import('./setup.js')],
  ['doctor', 'says what is here, and what mends what is missing', () => import('./doctor.js')],
  ['init', 'looks at a data set, and writes a commented config file for it', () => import('./init.js')],
  ['train', 'fine-tunes a model on labelled images', () => import('./train.js')],
  ['tune', 'searches for the learning rate, loss and prompts that train best', () => import('./tune.js')],
  ['split', 'cuts a data set into training, validation and test splits that do not leak', () => import('./split.js')],
  ['embed', 'encodes the images of a data set ahead of training', () => import('./embed.js')],
  ['evaluate', 'compares models on labelled images', () => import('./evaluate.js')],
  ['audit', 'ranks training labels by how far models disagree with them', () => import('./audit.js')],
  ['predict <input..>', 'writes masks for images and folders', () => import('./predict.js')],
  ['prompts [input..]', 'shows prompts and rough masks, and tunes the rough masks', () => import('./prompts.js')],
  ['export <model>', 'writes a model in another format', () => import('./export.js')],
  ['push <run> <to>', 'uploads what a run has tuned to the Hugging Face Hub', () => import('./push.js')],
  ['bench', 'measures this machine, and says how long a training run takes on it', () => import('./bench.js')],
  ['cache <action>', 'lists what is kept on disk (ls), or makes it smaller (gc)', () => import('./cache.js')],
  ['completion', 'completes commands and options in bash and zsh', () => import('./completion.js')],
];

/** What people call commands elsewhere. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  info: 'doctor',
  check: 'doctor',
  install: 'setup',
  build: 'setup',
  new: 'init',
  config: 'init',
  fit: 'train',
  finetune: 'train',
  'fine-tune': 'train',
  search: 'tune',
  encode: 'embed',
  eval: 'evaluate',
  test: 'evaluate',
  compare: 'evaluate',
  infer: 'predict',
  inference: 'predict',
  segment: 'predict',
  convert: 'export',
  benchmark: 'bench',
  help: '--help',
  version: '--version',
};

/** Returns the name in a command's usage. */
export function nameIn(usage: string): string {
  return usage.split(' ')[0]!;
}

/** Function that takes a command and its arguments once they are parsed. */
type Act = (command: Command, argv: ArgumentsCamelCase) => Promise<unknown>;

/**
 * Parses `args` and hands `act` the command that they name, with its arguments. A call without any prints the help.
 *
 * @throws SamError `SAM_BAD_OPTION`: a wrong call.
 */
export async function parse(args: readonly string[], act: Act): Promise<void> {
  try {
    await createParser(args.length === 0 ? ['--help'] : withoutDashes(args), act).parseAsync();
  } catch (error) {
    // yargs throws this one past its own fail handler when the command's options were loaded asynchronously.
    const missing = /^Not enough arguments following: (.*)/.exec(error instanceof Error ? error.message : '');
    throw missing === null ? error : wrongCall(`no value given for ${asGiven(missing[1]!)}`, 'see --help');
  }
}

/** Writes an option as it is given: `-o`, `--out`. */
function asGiven(name: string): string {
  return `${name.length === 1 ? '-' : '--'}${name}`;
}

/**
 * Returns the arguments with those behind `--` as paths, `./-dash.png`, so that none is taken for a flag. (yargs takes them for no
 * positional arguments of a command at all.)
 */
function withoutDashes(args: readonly string[]): string[] {
  const end = args.indexOf('--');
  if (end === -1) return [...args];
  return [...args.slice(0, end), ...args.slice(end + 1).map((arg) => (arg.startsWith('-') ? `./${arg}` : arg))];
}

/** What the help without a command ends in: the way through. */
const EXAMPLES = `Examples:
  sam-native init --data photos
  sam-native train --config sam-native.yaml --out runs/first
  sam-native evaluate --models untuned,runs/first --data photos
  sam-native predict new --model runs/first --out masks

Each command explains itself: sam-native train --help. A missing part of the machine is named by: sam-native doctor`;

/** Makes the parser of one call, not yet run. */
export function createParser(args: readonly string[], act: Act): Argv {
  const parser = yargs([...args])
    .scriptName('sam-native')
    .usage('$0 <command> [options]\n\nFine-tunes the Segment Anything Model on your own images.')
    .parserConfiguration({
      'dot-notation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'greedy-arrays': false,
    })
    .locale('en')
    .version(packageVersion())
    .alias('version', 'v')
    .describe('version', 'print the version')
    .help()
    .alias('help', 'h')
    .describe('help', 'show this help; --help all: every option')
    .epilogue(EXAMPLES)
    .strict()
    .strictCommands()
    .demandCommand(1, 'which command?')
    .wrap(Math.min(120, process.stdout.columns ?? 100))
    .fail((message, error) => {
      if (error !== undefined && error.name !== 'YError') throw error;
      throw parseFailure(message ?? error?.message ?? 'wrong call', args, knownFlags(parser));
    });
  for (const [usage, description, load] of COMMANDS) {
    parser.command({
      command: usage,
      describe: description,
      builder: async (command: Argv) => (await load()).default.builder(command, helpAsked(args)),
      handler: async (argv: ArgumentsCamelCase) => act((await load()).default, argv),
    } as unknown as CommandModule);
  }
  return parser;
}

/** Lists every flag of the command in hand. `getOptions` is not in yargs' types. */
function knownFlags(parser: Argv): string[] {
  const { key } = (parser as unknown as { getOptions(): { key: Record<string, unknown> } }).getOptions();
  return Object.keys(key).filter((name) => name.length > 1);
}

function wrongCall(message: string, fix: string): SamError {
  return new SamError('SAM_BAD_OPTION', message, { fix });
}

/** Puts what yargs says of a wrong call into our words, with the name that was probably meant. */
function parseFailure(message: string, args: readonly string[], known: readonly string[]): SamError {
  const text = message.replace(/\s*\n\s*/g, ' ');
  // yargs takes `-model` for five options of a letter each.
  const long = args.find((arg) => /^-[a-z][a-z-]+(=|$)/.test(arg))?.replace(/=.*$/s, '');
  if (long !== undefined && known.includes(long.slice(1))) {
    return wrongCall(`unknown option ${long}`, `did you mean -${long}?`);
  }
  const wrong = unknownFlags(text, args);
  if (wrong.length > 0) {
    const meant = closest(wrong[0]!, known);
    const names = wrong.map(asGiven).join(', ');
    return wrongCall(`unknown option ${names}`, meant === undefined ? 'see --help' : `did you mean --${meant}?`);
  }
  const choice = /^Invalid values: Argument: (.*?), Given: (.*?), Choices: (.*)$/.exec(text);
  if (choice !== null)
    return wrongCall(
      `${args.some((arg) => arg.startsWith(`--${choice[1]}`)) ? `--${choice[1]} ` : ''}${choice[2]}`,
      `expected one of ${choice[3]!.replaceAll('"', '')}`,
    );
  const unexpected = /^Unknown (?:command|argument)s?: (.*)$/.exec(text);
  const name = args.find((arg) => !arg.startsWith('-'));
  if (unexpected !== null && name !== undefined && !isCommand(name)) return unknownCommand(name);
  if (unexpected !== null) return wrongCall(`${unexpected[1]} is not expected here`, 'see --help');
  if (text.startsWith('Not enough non-option arguments')) return wrongCall(whatIsNeeded(args), 'see --help');
  return wrongCall(text, 'see --help');
}

/** Says which arguments the command takes, in the words of its usage: `push needs <run> <to>`. */
function whatIsNeeded(args: readonly string[]): string {
  const usage = COMMANDS.map(([usage]) => usage).find((usage) => args.includes(nameIn(usage))) ?? '';
  return usage.replace(' ', ' needs ');
}

function isCommand(name: string): boolean {
  return COMMANDS.some(([usage]) => nameIn(usage) === name);
}

function unknownCommand(name: string): SamError {
  const meant =
    OTHER_NAMES[name] ??
    closest(
      name,
      COMMANDS.map(([usage]) => nameIn(usage)),
    );
  const fix = meant === undefined ? 'see --help' : `did you mean ${meant}?`;
  return wrongCall(`unknown command ${name}`, fix);
}

/** Finds the flags in `Unknown arguments: batch-szie, batchSzie`, as the user wrote them. */
function unknownFlags(message: string, args: readonly string[]): string[] {
  const named = /^Unknown arguments?: (.*)$/.exec(message)?.[1]?.split(', ') ?? [];
  const flags = args.filter((arg) => arg.startsWith('-')).map((arg) => arg.replace(/^--?(no-)?|=.*$/gs, ''));
  return named.filter((name) => flags.includes(name));
}
