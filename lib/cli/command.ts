/**
 * The frame of all commands: reads options, prints results and errors, sets exit codes. A command file is
 *
 *   export default command({ options: {...}, positionals: {...}, run: async ({ options, reporter, signal }) => result,
 *                            summary: (result) => 'lines for a human' });
 *
 * and loads what is heavy (sharp, the addon) inside `run`, so that `--help` stays fast. `parser.ts` names and describes commands.
 */
import type { Argv, PositionalOptions } from 'yargs';
import { z } from 'zod';
import { SamError, toSamError } from '../core/errors.js';
import type { Hooks } from '../core/hooks.js';
import { parseOptions } from '../core/parse-options.js';
import type { OptionShape } from '../core/schema-facts.js';
import { asFlags, givenFlags, readConfigFile } from './flags.js';
import { addOptions } from './help.js';
import type { HelpAsked } from './help-asked.js';
import { createReporter, type Reporter } from './progress.js';

/** The options of a command, checked, defaults filled in. */
type Values<Shape extends OptionShape> = z.output<z.ZodObject<Shape, z.core.$strict>>;
/** The options of a command as they were written, checked. */
type Given<Shape extends OptionShape> = z.input<z.ZodObject<Shape, z.core.$strict>>;

export interface CommandContext<Shape extends OptionShape> {
  /** Options from the flags, else from the config file, else the defaults. */
  options: Values<Shape>;
  /** Options without the defaults: what the user really said. */
  given: Given<Shape>;
  /** Positional arguments by name. */
  positionals: Record<string, unknown>;
  json: boolean;
  verbose: boolean;
  /** Signal that the first Ctrl-C aborts, with a `SAM_INTERRUPTED` as its reason. */
  signal: AbortSignal;
  /** Reporter of progress and warnings, on stderr. */
  reporter: Reporter;
  /** Hooks for a task: the signal, and notes and warnings to the reporter. Its progress is the command's to show. */
  hooks: Hooks;
}

export interface CommandSpec<Shape extends OptionShape, Result extends object> {
  options: Shape;
  /** Positional arguments: `{ input: {...} }` for a command written `predict <input..>` in `parser.ts`. */
  positionals?: Record<string, PositionalOptions>;
  /** Lines under the options in the help: examples, two at least, and explanation. */
  epilogue: string;
  /** Does the work. Its result is what `--json` prints. */
  run(context: CommandContext<Shape>): Promise<Result>;
  /** Tells the result to a human, on stdout. */
  summary(result: Result, context: CommandContext<Shape>): string;
  /** Returns the exit code of a result; without it that is 0. (`doctor`: 1 when something is missing.) */
  exitCode?(result: Result): number;
}

/** Command: its options, also for yargs, and what is done with what yargs found. `parser.ts` adds its name and description. */
export interface Command {
  readonly options: OptionShape;
  readonly positionals: Record<string, PositionalOptions>;
  /** Tells yargs what the command takes, and what its help shows, where that is asked for. */
  builder(yargs: Argv, help?: HelpAsked): Argv;
  /** Reads a call: checks its options and its config file, and does no work. */
  read(argv: Arguments): Promise<object>;
  /** Reads a call and does its work. */
  handler(argv: Arguments): Promise<void>;
}

type Arguments = Record<string, unknown>;

/** Makes a command of what it takes, does and says. */
export function command<Shape extends OptionShape, Result extends object>(spec: CommandSpec<Shape, Result>): Command {
  const { options, positionals = {}, epilogue } = spec;
  return {
    options,
    positionals,
    builder(yargs, help) {
      for (const [name, positional] of Object.entries(positionals)) yargs.positional(name, positional);
      return addOptions(yargs, options, { epilogue, help });
    },
    read: (argv) => read(spec, argv),
    handler: (argv) => execute(spec, argv),
  };
}

/** Reads a call: flags before the config file, checked, defaults filled in. */
async function read<Shape extends OptionShape>(
  { options: shape, positionals = {} }: Pick<CommandSpec<Shape, object>, 'options' | 'positionals'>,
  argv: Arguments,
): Promise<Pick<CommandContext<Shape>, 'options' | 'given' | 'positionals'>> {
  const flags = givenFlags(shape, argv);
  const file = typeof argv.config === 'string' ? await readConfigFile(argv.config, shape) : {};
  const given = { ...file, ...flags };
  return {
    options: parseOptions(z.strictObject(shape), given),
    given: given as Given<Shape>,
    positionals: Object.fromEntries(Object.keys(positionals).map((name) => [name, argv[name]])),
  };
}

async function execute<Shape extends OptionShape, Result extends object>(
  spec: CommandSpec<Shape, Result>,
  argv: Arguments,
): Promise<void> {
  const json = argv.json === true;
  const verbose = argv.verbose === true;
  const reporter = createReporter(process.stderr);
  const interruption = watchInterrupts(reporter);
  try {
    const { signal } = interruption;
    const hooks = { signal, onNote: reporter.say, onWarning: reporter.warn };
    const context = { ...(await read(spec, argv)), json, verbose, signal, reporter, hooks };
    const result = await spec.run(context);
    reporter.stop();
    process.stdout.write(`${json ? JSON.stringify(result) : spec.summary(result, context)}\n`);
    process.exitCode = spec.exitCode?.(result) ?? 0;
  } catch (error) {
    reporter.stop();
    process.exitCode = printError(error, { json, verbose });
  } finally {
    interruption.stop();
  }
}

/** Watches for Ctrl-C and SIGTERM: the first asks the work to stop and save, the second ends the process at once. */
function watchInterrupts(reporter: Reporter): { signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(130);
    reporter.say('stopping (again to stop at once without saving)');
    controller.abort(new SamError('SAM_INTERRUPTED', 'interrupted'));
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    stop: () => process.off('SIGINT', onSignal).off('SIGTERM', onSignal),
  };
}

/** Prints an error as one line on stderr, with `--json` as an object on stdout too. Returns the exit code. */
export function printError(thrown: unknown, { json, verbose }: { json: boolean; verbose: boolean }): number {
  const error = toSamError(thrown);
  const { message, fix } = inFlags(error);
  const oneLine = (text: string) => text.replace(/\s*\n\s*/g, ' ');
  process.stderr.write(`error: ${oneLine(message)}${fix === undefined ? '' : ` — ${oneLine(fix)}`}\n`);
  if (verbose) {
    if (error.detail !== undefined) process.stderr.write(`${error.detail}\n`);
    process.stderr.write(`${(error.cause instanceof Error ? error.cause : error).stack}\n`);
  }
  if (json) {
    process.stdout.write(`${JSON.stringify({ error: { code: error.code, message, fix: fix ?? null } })}\n`);
  }
  return error.exitCode;
}

/** Tells an error, and what to do about it, in flags. LibTorch's own words are not ours to translate. */
export function inFlags({ code, message, fix }: SamError): { message: string; fix: string | undefined } {
  const told = code === 'SAM_TORCH' ? message : asFlags(message);
  if (code === 'SAM_INTERNAL') return { message: told, fix: 'run again with --verbose and report what it says' };
  if (fix === undefined) return { message: told, fix: code === 'SAM_BAD_OPTION' ? 'see --help' : undefined };
  return { message: told, fix: asFlags(fix) };
}
