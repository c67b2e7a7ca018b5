/**
 * Checks of what callers give: options and hooks against their zod schemas, whatever JavaScript hands over, with one error that names all
 * that is wrong.
 */
import { z } from 'zod';
import { SamError } from './errors.js';
import type { Hooks } from './hooks.js';
import { closest } from './suggest.js';

/** Says in words what zod expected. */
function expectation(issue: z.core.$ZodIssue): string {
  if (issue.message.startsWith('expected ')) return issue.message; // the schema's own words
  if (issue.code === 'invalid_type') {
    const kinds: Record<string, string> = {
      number: 'a number',
      int: 'a whole number',
      boolean: 'true or false',
      array: 'an array',
      object: 'an object',
      tuple: 'an array',
    };
    return `expected ${kinds[issue.expected] ?? `a ${issue.expected}`}`;
  }
  if (issue.code === 'too_small') {
    if (issue.origin === 'string') return 'expected some text';
    return `expected ${issue.inclusive === true ? 'at least' : 'more than'} ${issue.minimum}`;
  }
  if (issue.code === 'too_big')
    return `expected ${issue.inclusive === true ? 'at most' : 'less than'} ${issue.maximum}`;
  if (issue.code === 'invalid_union' && issue.message === 'Invalid input') {
    const reasons = issue.errors.flat().filter(({ code }) => code !== 'invalid_type');
    return reasons[0] === undefined ? 'expected a number or a name' : expectation(reasons[0]);
  }
  return issue.message.replace(/^[A-Z][^:]*: /, '');
}

/** Makes one error of everything that zod found wrong, in the names of the command line. */
function optionError(error: z.ZodError, given: object, known: readonly string[]): SamError {
  let fix: string | undefined;
  const lines = error.issues.map((issue) => {
    if (issue.code === 'unrecognized_keys') {
      const meant = closest(issue.keys[0] ?? '', known);
      if (meant !== undefined) fix = `did you mean \`${meant}\`?`;
      const named = issue.keys.slice(0, MOST_NAMED).map((key) => `\`${key}\``);
      const rest = issue.keys.length - named.length;
      return `unknown option ${named.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
    }
    const name = String(issue.path[0] ?? '');
    const value = (given as Record<string, unknown>)[name];
    if (value === undefined) return `\`${name}\` is missing`;
    return `\`${name}\` ${shown(value)}: ${expectation(issue)}`;
  });
  return new SamError('SAM_BAD_OPTION', [...new Set(lines)].join('; '), { fix });
}

/** Most unknown options that an error names. */
const MOST_NAMED = 10;
/** Most characters of a value, other than text, that an error shows. */
const MOST_SHOWN = 80;

/** Writes a value, whatever it is, for an error's one line. */
function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'function') return '(a function)';
  if (isBinary(value)) return kindOf(value);
  let text: string;
  try {
    text = typeof value === 'object' ? JSON.stringify(value, withoutBytes) : String(value);
  } catch {
    text = '(an object)'; // a circle, or what JSON has no word for
  }
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)} …` : text;
}

function isBinary(value: unknown): value is object {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer;
}

const kindOf = (value: object) => `(a ${value.constructor.name})`;

/** Replaces what may hold millions of numbers by its kind. `value` itself may be what a `toJSON` made of it, such as Buffer's. */
function withoutBytes(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const own = this[key];
  return isBinary(own) ? kindOf(own) : value;
}

/**
 * Returns what a caller gave as options, if it is an object: JavaScript lets anything come.
 *
 * @throws SamError `SAM_BAD_OPTION`: it is none.
 */
export function requireOptions<Given>(given: Given): Given {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given;
  const text = `options must be an object, not ${given === null || given === undefined ? given : shown(given)}`;
  throw new SamError('SAM_BAD_OPTION', text, { fix: "give { name: value, … }, as the function's types say" });
}

/**
 * Checks `given` against a schema and fills in the defaults.
 *
 * @throws SamError `SAM_BAD_OPTION`: options are wrong, all of which it names.
 */
export function parseOptions<Schema extends z.ZodObject>(schema: Schema, given: object): z.output<Schema> {
  requireOptions(given);
  let parsed: z.ZodSafeParseResult<z.output<Schema>>;
  try {
    parsed = schema.safeParse(given);
  } catch (cause) {
    throw notPlain(schema, given, cause);
  }
  if (parsed.success) return parsed.data;
  throw optionError(parsed.error, given, Object.keys(schema.shape));
}

/** Names the typed arrays in the place of lists, of which zod throws a TypeError: it freezes a list, which they do not allow. */
function notPlain({ shape }: z.ZodObject, given: object, cause: unknown): unknown {
  for (const [name, value] of Object.entries(given)) {
    try {
      (shape[name] as z.ZodType | undefined)?.safeParse(value);
    } catch {
      return new SamError('SAM_BAD_OPTION', `\`${name}\` ${shown(value)}: expected plain arrays`, { cause });
    }
  }
  return cause;
}

/** Makes the type of a function that a caller is told by. */
export function listener<Told>() {
  return z.custom<(told: Told) => void>((value) => typeof value === 'function', 'expected a function');
}

/** Hooks by name, as `hooks.ts` has them. */
export const hookOptions = {
  signal: z.custom<AbortSignal>((value) => value instanceof AbortSignal, 'expected an AbortSignal').optional(),
  onProgress: listener<never>().optional(),
  onNote: listener<string>().optional(),
  onWarning: listener<string>().optional(),
} as const;

/**
 * Checks the hooks of a call as its options are: a misspelt `onWarnings` would never be called. What else the object holds, and looks
 * like no hook, is the caller's. A signal that is aborted already ends the call here.
 *
 * @param more other hooks that the call takes.
 * @throws SamError `SAM_BAD_OPTION`: hooks are wrong, all of which it names. The signal's reason when aborted.
 */
export function checkHooks(hooks: object, more: z.ZodRawShape = {}): void {
  const schema = z.strictObject({ ...hookOptions, ...more });
  const known = Object.keys(schema.shape);
  const isMeant = (name: string) => /^on[A-Z]/.test(name) || closest(name, known) !== undefined;
  const meant = Object.entries(requireOptions(hooks)).filter(([name]) => isMeant(name));
  const { signal } = parseOptions(schema, Object.fromEntries(meant)) as Pick<Hooks, 'signal'>;
  signal?.throwIfAborted();
}
