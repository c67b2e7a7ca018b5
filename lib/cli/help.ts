/** What `--help` shows of a command: its options in groups, of many only those that most calls need. `--help all` shows the others. */
import type { Argv, Options } from 'yargs';
import type { OptionShape } from '../core/schema-facts.js';
import { kebab } from '../core/suggest.js';
import { groupOf, OPTION_GROUPS } from '../option-groups.js';
import { yargsOptions } from './flags.js';
import type { HelpAsked } from './help-asked.js';

/** Options that every command takes besides its own. */
export const COMMON = {
  config: { type: 'string', requiresArg: true, describe: 'read options from this file (YAML or JSON, the same names)' },
  json: { type: 'boolean', describe: 'print the result as one JSON object on stdout' },
  verbose: { type: 'boolean', describe: 'say more, with the stack of an error' },
} as const;

/** Single letters for options, in every command that has them. */
export const LETTERS: Readonly<Record<string, string>> = {
  config: 'c',
  data: 'd',
  model: 'm',
  models: 'm',
  out: 'o',
};

/** Most options that are all shown: a screen and a half. */
const MOST_SHOWN = 32;
/** Shared options that most calls need; those that a command has of its own are always shown. */
const ESSENTIAL = new Set(
  [
    ['data', 'validationFraction', 'groupBy', 'instances', 'class', 'bands', 'split', 'limit', 'skipBad', 'testSplit'],
    ['model', 'encoder', 'device', 'precision', 'prompt', 'numPositive', 'numNegative', 'seed'],
    ['promptSource', 'roughMask', 'roughMasks', 'hue', 'nir'],
    ['preset', 'loss', 'epochs', 'batchSize', 'lr', 'schedule', 'augment', 'earlyStop'],
    ['out', 'resume', 'overwrite', 'report'],
  ].flat(),
);

const OWN = 'Options';

/** Tells yargs the options of a command, laid out for the help that was asked for. */
export function addOptions(
  yargs: Argv,
  shape: OptionShape,
  { epilogue, help }: { epilogue: string; help: HelpAsked },
): Argv {
  const names = Object.keys(shape);
  const isShort = help === 'short' && names.length > MOST_SHOWN;
  const hidden = isShort ? names.filter((name) => groupOf(name) !== undefined && !ESSENTIAL.has(name)) : [];
  const options = yargsOptions(shape);
  for (const name of names) {
    const option = options[kebab(name)]!;
    if (name in LETTERS) option.alias = LETTERS[name]!;
    if (hidden.includes(name)) option.hidden = true;
    if (help !== undefined) nameType(option);
  }
  yargs.options(options).options(COMMON).alias('config', LETTERS.config!);
  for (const title of [OWN, ...OPTION_GROUPS.map(([group]) => group)]) {
    const members = names.filter((name) => (groupOf(name) ?? OWN) === title && !hidden.includes(name));
    if (members.length > 0) yargs.group(members.map(kebab), `${title}:`);
  }
  yargs.group([...Object.keys(COMMON), 'help', 'version'], 'Every command:');
  return yargs.epilogue([...moreOf(hidden.length), unwrapped(epilogue)].join('\n\n'));
}

/** Names the type of a number, which yargs may know for the help alone: see `yargsOption`. */
function nameType(option: Options): void {
  if (option.type === undefined) option.type = 'number';
}

function moreOf(count: number): string[] {
  return count === 0 ? [] : [`${count} more options, which most calls leave as they are: --help all`];
}

/** Joins the lines of each paragraph, since yargs wraps to the terminal's width. Indented lines stay. */
function unwrapped(text: string): string {
  return text.replace(/(?<=\S)\n(?=\S)/g, ' ');
}
