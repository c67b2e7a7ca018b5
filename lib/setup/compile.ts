/**
 * Compiles the addon with cmake-js, in a folder of its own for each LibTorch. cmake-js alone deletes a working build when
 * configuring fails, and keeps using the LibTorch of its first call; here the finished files replace the old ones last.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { SamError } from '../core/errors.js';
import type { LibTorch } from './libtorch.js';
import { type CommandResult, lastWords, runCommand } from './run-command.js';

/** What setup asks of a progress reporter (`lib/cli/progress.ts` has one). */
export interface SetupReporter {
  say(line: string): void;
  task(label: string, total: number): { update(done: number, note?: string, total?: number): void; end(): void };
}

/** What is compiled, for which LibTorch, and where. */
export interface CompileOptions {
  /** Folder of this package. */
  root: string;
  libtorch: LibTorch;
  /** Folder for CMake; the finished files come to lie in `<work>/Release`. */
  work: string;
  reporter: SetupReporter;
  signal?: AbortSignal | undefined;
  /** Target of CMake's; all by default. */
  target?: string;
  /** Run path of the addon, instead of LibTorch's absolute one. */
  runPath?: string;
  /** Why no prebuild was taken, where there might have been one. */
  why?: string | undefined;
}

/** Memory that one compiler process may need at most. */
const BYTES_PER_JOB = 2 * 1024 ** 3;

/**
 * Compiles the addon.
 *
 * @throws SamError `SAM_NO_ADDON`: a tool is missing, or configuring or compiling fails; with CMake's or the compiler's own words.
 */
export async function compileAddon(options: CompileOptions): Promise<void> {
  const missing = missingBuildTools();
  if (missing.length > 0) {
    const because = options.why === undefined ? '' : `${options.why}, and `;
    const needs = `${because}compiling the addon needs ${missing.map((tool) => tool.what).join(' and ')}`;
    throw new SamError('SAM_NO_ADDON', needs, {
      fix: `${aptGet(missing)} (Debian, Ubuntu; elsewhere by other names), then npx sam-native setup`,
    });
  }
  const { work, reporter, libtorch } = options;
  mkdirSync(work, { recursive: true });
  reporter.say(`configuring for LibTorch ${libtorch.version}`);
  let configured = await cmakeJs('configure', options);
  if (configured.code !== 0) {
    // Another generator or compiler than last time: CMake wants a fresh folder.
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work, { recursive: true });
    configured = await cmakeJs('configure', options);
  }
  if (configured.code !== 0)
    fail('CMake could not configure the addon', configureError(configured.output), configured, work);

  const task = reporter.task('compiling', 100);
  const built = await cmakeJs('build', options, (line) => {
    const [, done, total] = /^\[\s*(\d+)(?:\/(\d+)|%)\]/.exec(line) ?? [];
    if (done !== undefined) task.update(Number(done), undefined, Number(total ?? 100));
  });
  task.end();
  if (built.code !== 0) fail('the addon does not compile', firstError(built.output), built, work);
}

/** A program that compiling needs. */
export interface BuildTool {
  /** Name of the tool, for messages. */
  what: string;
  /** Debian's package of the tool. */
  debian: string;
}

/** Finds which of CMake, a compiler and make are missing. */
export function missingBuildTools(env: NodeJS.ProcessEnv = process.env): BuildTool[] {
  const runs = (program: string) => spawnSync(program, ['--version'], { env, stdio: 'ignore' }).status === 0;
  const any = (...programs: (string | undefined)[]) => programs.some((program) => program && runs(program));
  const missing: BuildTool[] = [];
  if (!any('cmake')) missing.push({ what: 'CMake 3.18 or newer', debian: 'cmake' });
  if (!any(env.CXX, 'c++', 'g++', 'clang++')) missing.push({ what: 'a C++20 compiler', debian: 'g++' });
  if (!any('ninja', 'make')) missing.push({ what: 'make or ninja', debian: 'make' });
  return missing;
}

/** Returns the command that installs tools. */
export const aptGet = (tools: BuildTool[]) => `apt-get install ${tools.map(({ debian }) => debian).join(' ')}`;

async function cmakeJs(
  command: 'configure' | 'build',
  options: CompileOptions,
  onLine?: (line: string) => void,
): Promise<CommandResult> {
  const cli = join(dirname(createRequire(import.meta.url).resolve('cmake-js/package.json')), 'bin', 'cmake-js');
  const jobs = Math.max(1, Math.min(availableParallelism(), Math.floor(totalmem() / BYTES_PER_JOB)));
  const call = [process.execPath, cli, command, '--directory', options.root, '--out', options.work];
  call.push(`--CDLIBTORCH=${options.libtorch.path}`, `--CDSAM_RUNPATH=${options.runPath ?? ''}`);
  if (command === 'build') call.push('--parallel', String(jobs));
  if (options.target !== undefined) call.push('--target', options.target);
  return runCommand(call, { cwd: options.root, signal: options.signal, ...(onLine && { onLine }) });
}

function fail(what: string, words: string, { output }: CommandResult, work: string): never {
  const log = join(work, 'error.log');
  writeFileSync(log, output);
  throw new SamError('SAM_NO_ADDON', `${what}: ${words}`, { fix: `the whole output is in ${log}`, detail: output });
}

/** Returns CMake's own message, which it wraps, on one line: everything up to the call stack. */
function configureError(output: string): string {
  const message = /CMake Error[^\n]*\n+((?:[ \t]+\S[^\n]*\n+?)+)/.exec(output)?.[1];
  return message === undefined ? lastWords(output) : message.replace(/\s+/g, ' ').trim();
}

function firstError(output: string): string {
  return (
    output
      .split('\n')
      .find((line) => /\berror:|undefined reference|Killed/.test(line))
      ?.trim() ?? lastWords(output)
  );
}
