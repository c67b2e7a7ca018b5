#!/usr/bin/env node
/** The command line: names the commands; each one's file is loaded only when it is called. */
import yargs, { type ArgumentsCamelCase, type Argv, type CommandModule } from 'yargs';
import { packageVersion } from '../core/package-root.js';
import { closest } from '../core/suggest.js';

/** What a command file exports by default: `command({...})` of `command.ts`. */
interface CommandFile {
  default: Pick<CommandModule, 'handler'> & { builder(yargs: Argv): Argv };
}

const COMMANDS: [usage: string, description: string, load: () => Promise<CommandFile>][] = [
  ['setup', 'finds or gets LibTorch and builds the addon', () => import('./setup.js')],
  ['doctor', 'says what is here, and what mends what is missing', () => import('./doctor.js')],
  ['train', 'fine-tunes a model on labelled images', () => import('./train.js')],
  ['tune', 'searches for the learning rate, loss and prompts that train best', () => import('./tune.js')],
  ['split', 'cuts a data set into training, validation and test splits that do not leak', () => import('./split.js')],
  ['embed', 'encodes the images of a data set ahead of training', () => import('./embed.js')],
  ['evaluate', 'compares models on labelled images', () => import('./evaluate.js')],
  ['audit', 'ranks training labels by how far models disagree with them', () => import('./audit.js')],
  ['predict <input..>', 'writes masks for images and folders', () => import('./predict.js')],
  ['prompts [input..]', 'shows prompts and rough masks, and tunes the rough masks', () => import('./prompts.js')],
  ['export <model>', 'writes a model in another format', () => import('./export.js')],
  ['bench', 'measures this machine, and says how long a training run takes on it', () => import('./bench.js')],
  ['cache <action>', 'lists what is kept on disk (ls), or makes it smaller (gc)', () => import('./cache.js')],
];

const args = process.argv.slice(2);
const json = args.includes('--json');
const verbose = args.includes('--verbose');

/** One line on stderr (and the object of a failed `--json` call), exit code 2. */
function refuse(message: string, fix: string): never {
  process.stderr.write(`error: ${message} — ${fix}\n`);
  if (json) process.stdout.write(`${JSON.stringify({ error: { code: 'SAM_BAD_OPTION', message, fix } })}\n`);
  process.exit(2);
}

/** What yargs says of a wrong call in our words, with the name that was probably meant. */
function onParseFailure(message: string | null, error: Error | undefined): never {
  const text = (message ?? error?.message ?? 'wrong call').replace(/\s*\n\s*/g, ' ');
  if (error !== undefined && error.name !== 'YError') throw error;
  const wrong = unknownFlags(text);
  if (wrong.length > 0) {
    const meant = closest(wrong[0]!, knownFlags());
    const names = wrong.map((flag) => `--${flag}`).join(', ');
    refuse(`unknown option ${names}`, meant === undefined ? 'see --help' : `did you mean --${meant}?`);
  }
  const choice = /^Invalid values: Argument: (.*?), Given: (.*?), Choices: (.*)$/.exec(text);
  if (choice !== null)
    refuse(
      `${args.some((arg) => arg.startsWith(`--${choice[1]}`)) ? `--${choice[1]} ` : ''}${choice[2]}`,
      `expected one of ${choice[3]!.replaceAll('"', '')}`,
    );
  const suggestion = /^Did you mean (.*)\?$/.exec(text);
  if (suggestion !== null)
    refuse(`unknown command ${args.find((arg) => !arg.startsWith('-'))}`, `did you mean ${suggestion[1]}?`);
  const unexpected = /^Unknown (?:command|argument)s?: (.*)$/.exec(text);
  if (unexpected !== null) refuse(`${unexpected[1]} is not expected here`, 'see --help');
  if (text.startsWith('Not enough non-option arguments'))
    refuse('something is missing behind the command', 'see --help');
  refuse(text, 'see --help');
}

/** The flags in `Unknown arguments: batch-szie, batchSzie`, as the user wrote them. */
function unknownFlags(message: string): string[] {
  const named = /^Unknown arguments?: (.*)$/.exec(message)?.[1]?.split(', ') ?? [];
  const flags = args.filter((arg) => arg.startsWith('-')).map((arg) => arg.replace(/^--?(no-)?|=.*$/gs, ''));
  return named.filter((name) => flags.includes(name));
}

/** Every flag of the command in hand. `getOptions` is not in yargs' types. */
function knownFlags(): string[] {
  const { key } = (parser as unknown as { getOptions(): { key: Record<string, unknown> } }).getOptions();
  return Object.keys(key);
}

const parser = yargs(args)
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
  .help()
  .strict()
  .strictCommands()
  .recommendCommands()
  .demandCommand(1, 'which command?')
  .wrap(Math.min(120, process.stdout.columns ?? 100))
  .fail(onParseFailure);

for (const [usage, description, load] of COMMANDS) {
  parser.command({
    command: usage,
    describe: description,
    builder: async (command: Argv) => (await load()).default.builder(command),
    handler: async (argv: ArgumentsCamelCase) => (await load()).default.handler(argv),
  } as unknown as CommandModule);
}

try {
  await parser.parseAsync();
} catch (error) {
  // yargs throws this one past its own fail handler when the command's options were loaded asynchronously.
  const missing = /^Not enough arguments following: (.*)/.exec(error instanceof Error ? error.message : '');
  if (missing !== null) refuse(`no value given for --${missing[1]}`, 'see --help');
  const { printError } = await import('./command.js');
  process.exitCode = printError(error, { json, verbose });
}
