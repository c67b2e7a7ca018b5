/**
 * What all commands share: reading options, printing the result, errors and exit codes. A command file is
 *
 *   export default command({ options: {...}, positionals: {...}, run: async ({ options, reporter, signal }) => result,
 *                            summary: (result) => 'lines for a human' });
 *
 * and loads what is heavy (sharp, the addon) inside `run`, so that `--help` stays fast. `main.ts` names and describes it.
 */
import type { Argv, CommandModule, PositionalOptions } from 'yargs';
import { z } from 'zod';
import { SamError, toSamError } from '../core/errors.js';
import { parseOptions } from '../options.js';
import { type GivenOptions, givenFlags, type OptionShape, readConfigFile, yargsOptions } from './flags.js';
import { createReporter, type Reporter } from './progress.js';

/** The options of a command, checked, defaults filled in. */
type Values<Shape extends OptionShape> = z.output<z.ZodObject<Shape, z.core.$strict>>;

export interface CommandContext<Shape extends OptionShape> {
  /** Flags, then the config file, then defaults. */
  options: Values<Shape>;
  /** The same without the defaults: what the user really said. */
  given: GivenOptions;
  /** Positional arguments by name. */
  positionals: Record<string, unknown>;
  json: boolean;
  verbose: boolean;
  /** Aborted by the first Ctrl-C, with a `SAM_INTERRUPTED` as its reason. */
  signal: AbortSignal;
  /** Progress and warnings, on stderr. */
  reporter: Reporter;
}

export interface CommandSpec<Shape extends OptionShape, Result extends object> {
  options: Shape;
  /** `{ input: {...} }` for a command written `predict <input..>` in `main.ts`. */
  positionals?: Record<string, PositionalOptions>;
  /** A few lines of examples or explanation under the options. */
  epilogue?: string;
  /** The work. Its result is what `--json` prints. */
  run(context: CommandContext<Shape>): Promise<Result>;
  /** The result for a human, on stdout. */
  summary(result: Result, context: CommandContext<Shape>): string;
  /** 0 unless this says otherwise (`doctor`: 1 when something is missing). */
  exitCode?(result: Result): number;
}

/** What every command takes besides its own options. */
const COMMON = {
  config: { type: 'string', requiresArg: true, describe: 'read options from this file (YAML or JSON, the same names)' },
  json: { type: 'boolean', describe: 'print the result as one JSON object on stdout' },
  verbose: { type: 'boolean', describe: 'say more, with the stack of an error' },
} as const;

/** The builder and handler of a command; `main.ts` adds its name and description. */
export function command<Shape extends OptionShape, Result extends object>(
  spec: CommandSpec<Shape, Result>,
): Pick<CommandModule, 'handler'> & { builder(yargs: Argv): Argv } {
  return {
    builder(yargs) {
      for (const [name, options] of Object.entries(spec.positionals ?? {})) yargs.positional(name, options);
      yargs.options(yargsOptions(spec.options)).options(COMMON);
      return spec.epilogue === undefined ? yargs : yargs.epilogue(unwrapped(spec.epilogue));
    },
    async handler(argv) {
      await execute(spec, argv);
    },
  };
}

/** Without the line ends inside paragraphs: yargs wraps them to the terminal's width. Indented lines stay. */
function unwrapped(text: string): string {
  return text.replace(/(?<=\S)\n(?=\S)/g, ' ');
}

async function execute<Shape extends OptionShape, Result extends object>(
  spec: CommandSpec<Shape, Result>,
  argv: Record<string, unknown>,
): Promise<void> {
  const json = argv.json === true;
  const verbose = argv.verbose === true;
  const reporter = createReporter(process.stderr);
  const interruption = watchInterrupts(reporter);
  try {
    const flags = givenFlags(spec.options, argv);
    const file = typeof argv.config === 'string' ? await readConfigFile(argv.config, spec.options) : {};
    const given = { ...file, ...flags };
    const options = parseOptions(z.strictObject(spec.options), given);
    const positionals = Object.fromEntries(Object.keys(spec.positionals ?? {}).map((name) => [name, argv[name]]));
    const context = { options, given, positionals, json, verbose, signal: interruption.signal, reporter };
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

/** The first Ctrl-C (or SIGTERM) asks the work to stop and save; the second ends the process at once. */
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
  const oneLine = (text: string) => text.replace(/\s*\n\s*/g, ' ');
  const fix = error.fix === undefined ? '' : ` — ${oneLine(error.fix)}`;
  process.stderr.write(`error: ${oneLine(error.message)}${fix}\n`);
  if (verbose) {
    if (error.detail !== undefined) process.stderr.write(`${error.detail}\n`);
    process.stderr.write(`${(error.cause instanceof Error ? error.cause : error).stack}\n`);
  }
  if (json) {
    const { code, message, fix: remedy = null } = error;
    process.stdout.write(`${JSON.stringify({ error: { code, message, fix: remedy } })}\n`);
  }
  return error.exitCode;
}
