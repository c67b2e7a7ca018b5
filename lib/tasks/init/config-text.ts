/** The text of a commented config: what was chosen, with reasons, and every other option as a comment, in groups. */
import { stringify } from 'yaml';
import { factsOf } from '../../core/schema-facts.js';
import { kebab } from '../../core/suggest.js';
import { OPTION_GROUPS } from '../../option-groups.js';
import { trainOptionsSchema } from '../../options.js';
import type { Choice } from './choose.js';

/** Most characters of a line of comment. */
const WIDTH = 110;
/** Said by the command line, call by call. */
const NO_CONFIG = new Set(['resume']);

/** Writes the whole config but its first line. */
export function configText(choices: readonly Choice[], { call, doubts }: { call: string; doubts: readonly string[] }) {
  const known = new Set<string>([...NO_CONFIG, ...choices.map(({ name }) => name)]);
  const groups = OPTION_GROUPS.flatMap(([title, names]) => {
    const rest = names.filter((name) => name in trainOptionsSchema.shape && !known.has(name));
    for (const name of rest) known.add(name);
    return rest.length === 0 ? [] : [`# ---- ${title}`, ...rest.map(commented)];
  });
  return `${[
    comment(`${call}\nPaths are seen from the folder that it runs in. A flag goes before what stands here.`),
    ...(doubts.length === 0 ? [] : [`# To look at first:\n${doubts.map(doubt).join('\n')}`]),
    ...choices.map(
      ({ name, value, reason }) => `${comment(reason)}\n${value === undefined ? '# ' : ''}${setting(name, value)}`,
    ),
    comment('All other options, with their defaults: take the # away to set one.'),
    ...groups,
  ].join('\n\n')}\n`;
}

/** Returns an option as a comment: what it is, and its default. */
function commented(name: string): string {
  const {
    description = '',
    choices,
    fallback,
  } = factsOf(trainOptionsSchema.shape[name as keyof typeof trainOptionsSchema.shape]);
  const words = choices === undefined ? '' : ` One of ${choices.join(', ')}.`;
  return `${comment(inConfig(`${description[0]?.toUpperCase()}${description.slice(1)}.${words}`))}\n# ${setting(name, fallback)}`;
}

function setting(name: string, value: unknown): string {
  return value === undefined ? `${kebab(name)}:` : stringify({ [kebab(name)]: value }).trimEnd();
}

/** Returns a text with the options in it as a config names them. */
function inConfig(text: string): string {
  return text.replace(/`([a-z][A-Za-z0-9]*)(: false)?`/g, (_, name: string, off = '') => `${kebab(name)}${off}`);
}

const doubt = (line: string) => comment(inConfig(line)).replace(/^# /, '# - ').replaceAll('\n# ', '\n#   ');

/** Breaks a text into lines of comment. */
function comment(text: string): string {
  const lines = text.split('\n').flatMap((line) => {
    const wrapped: string[] = [''];
    for (const word of line.split(' ')) {
      const last = wrapped.at(-1)!;
      if (last !== '' && last.length + 1 + word.length > WIDTH) wrapped.push(word);
      else wrapped[wrapped.length - 1] = last === '' ? word : `${last} ${word}`;
    }
    return wrapped;
  });
  return lines.map((line) => `# ${line}`).join('\n');
}
