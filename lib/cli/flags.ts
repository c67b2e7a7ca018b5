/** Flags: turns the zod schemas of `lib/options.ts` into yargs options, and reads what yargs found or a config file says. */
import { readFile } from 'node:fs/promises';
import type { Options } from 'yargs';
import type { z } from 'zod';
import { SamError, systemCode } from '../core/errors.js';
import { factsOf, type OptionShape } from '../core/schema-facts.js';
import { camel, closest, kebab } from '../core/suggest.js';

/** Options that a user gave, by TypeScript names: not checked yet, without defaults. */
export type GivenOptions = Record<string, unknown>;

/**
 * Returns a text with the options that it names as flags. `lib/` speaks of options as TypeScript callers write them, in
 * backticks: `skipBad` becomes --skip-bad, and `cache: false` --no-cache.
 */
export function asFlags(text: string): string {
  const mark = /`([a-z][A-Za-z0-9]*)(: false)?`/g;
  return text.replace(mark, (_, name: string, off?: string) => `--${off === undefined ? '' : 'no-'}${kebab(name)}`);
}

/**
 * Makes the yargs option of one schema; with `.meta({ bare: true })` the flag may stand without its value. It has no yargs default, so
 * that a flag which was not given leaves the word to the config file. With `.meta({ shownDefault })` help shows that as the default.
 */
function yargsOption(schema: z.ZodType): Options {
  const { kind, choices, fallback, description } = factsOf(schema);
  const option: Options = {};
  if (description !== undefined) option.describe = asFlags(description);
  const shown = schema.meta()?.shownDefault ?? fallback;
  if (shown !== undefined) option.defaultDescription = String(shown);
  if (kind === 'boolean') return { ...option, type: 'boolean' };
  // No yargs type: it adds up `--epochs 2 --epochs 1`, taking the 1 for one more of a counted flag. See `givenFlags`.
  if (kind === 'number') return { ...option, requiresArg: schema.meta()?.bare !== true };
  if (kind === 'array') return { ...option, type: 'string', array: true, requiresArg: true };
  if (choices !== undefined) option.choices = choices;
  return { ...option, type: 'string', requiresArg: schema.meta()?.bare !== true };
}

/** Makes the yargs options of a shape, by their names on the command line (`batch-size`). */
export function yargsOptions(shape: OptionShape): Record<string, Options> {
  return Object.fromEntries(Object.entries(shape).map(([name, schema]) => [kebab(name), yargsOption(schema)]));
}

/**
 * Returns the options of `shape` that yargs found among the flags. Of a flag given twice the last one counts; with
 * `.meta({ once: true })` it is refused.
 *
 * @throws SamError `SAM_BAD_OPTION`: a flag is given twice that may be given once.
 */
export function givenFlags(shape: OptionShape, argv: Record<string, unknown>): GivenOptions {
  const given: GivenOptions = {};
  for (const [name, schema] of Object.entries(shape)) {
    const value = argv[kebab(name)];
    if (value === undefined) continue;
    const { kind } = factsOf(schema);
    if (Array.isArray(value) && value.length > 1 && schema.meta()?.once === true) {
      throw new SamError('SAM_BAD_OPTION', `--${kebab(name)} is given ${value.length} times: ${value.join(' ')}`, {
        fix: 'give one, and the others in calls of their own',
      });
    }
    const last: unknown = Array.isArray(value) && kind !== 'array' ? value.at(-1) : value;
    // Without its value, or with `=true`.
    const bare = schema.meta()?.bare === true && ['', 'true', true].includes(last as string | true);
    given[name] = kind !== 'number' ? last : bare || toNumber(last);
  }
  return given;
}

/**
 * Reads a number. What is none stays as it is: a schema of a number refuses it and the error can show it, others take words too.
 */
function toNumber(text: unknown): unknown {
  const number = String(text).trim() === '' ? Number.NaN : Number(text);
  return Number.isNaN(number) ? text : number;
}

/** Reads the options in a `--config` file: YAML or JSON, names as on the command line or as in TypeScript. */
export async function readConfigFile(path: string, shape: OptionShape): Promise<GivenOptions> {
  const values = await parseFile(path);
  const given: GivenOptions = {};
  for (const [key, value] of Object.entries(values)) {
    if (key === '$schema') continue; // an editor's
    const name = camel(key);
    if (!(name in shape)) {
      const meant = closest(kebab(name), Object.keys(shape).map(kebab));
      throw new SamError('SAM_BAD_OPTION', `${path}: unknown option ${key}`, {
        fix: meant === undefined ? 'see --help for the options' : `did you mean ${meant}?`,
      });
    }
    if (value !== null) given[name] = value;
  }
  return given;
}

async function parseFile(path: string): Promise<Record<string, unknown>> {
  let values: unknown;
  const { parse: parseYaml } = await import('yaml'); // here, so that `--help` need not wait for it
  try {
    values = parseYaml(await readFile(path, 'utf8')) ?? {};
  } catch (error) {
    if (systemCode(error) === 'ENOENT') {
      throw new SamError('SAM_NOT_FOUND', `--config: no such file: ${path}`, { fix: 'check the path' });
    }
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new SamError('SAM_BAD_OPTION', `--config: cannot read ${path}: ${reason}`, { fix: 'write YAML or JSON' });
  }
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    throw new SamError('SAM_BAD_OPTION', `--config: ${path} holds no options`, {
      fix: 'write lines such as epochs: 20',
    });
  }
  return values as Record<string, unknown>;
}
