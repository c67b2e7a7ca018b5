/** Runs another program and keeps its last words. */
import { spawn } from 'node:child_process';

/** How a program ended, and what it said. */
export interface CommandResult {
  /** Exit code; 127 where there is no such program, 128 and more after a signal. */
  code: number;
  stdout: string;
  stderr: string;
  /** Text of stdout and stderr together, in the order in which it came. */
  output: string;
}

/** Where and how a program is run. */
export interface CommandOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal | undefined;
  /** Called with each line of stdout and stderr as it comes. */
  onLine?: (line: string) => void;
  timeoutMs?: number;
}

/**
 * Runs a program and waits for its end. A program that is missing or fails is a result; only an abort rejects, with the signal's
 * reason.
 */
export async function runCommand(command: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const { signal } = options;
  signal?.throwIfAborted();
  const result: CommandResult = { code: 0, stdout: '', stderr: '', output: '' };
  const code = await new Promise<number>((resolve) => {
    const child = spawn(command[0]!, command.slice(1), {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.timeoutMs,
    });
    const stop = () => child.kill();
    signal?.addEventListener('abort', stop, { once: true });
    for (const name of ['stdout', 'stderr'] as const) {
      let rest = '';
      child[name].setEncoding('utf8').on('data', (text: string) => {
        result[name] += text;
        result.output += text;
        const lines = (rest + text).split(/\r?\n/);
        rest = lines.pop() ?? '';
        for (const line of lines) options.onLine?.(line);
      });
    }
    child.on('error', (error: NodeJS.ErrnoException) => {
      result.stderr += error.message;
      result.output += error.message;
      resolve(error.code === 'ENOENT' ? 127 : 126);
    });
    child.on('close', (exit, killedBy) => {
      signal?.removeEventListener('abort', stop);
      resolve(exit ?? (killedBy === 'SIGSEGV' ? 139 : killedBy === 'SIGABRT' ? 134 : 128));
    });
  });
  signal?.throwIfAborted();
  return { ...result, code };
}

/** Picks what to show of a long output: the last line that says "error", else the last that says anything. */
export function lastWords(output: string): string {
  const lines = output.split(/\r?\n/).filter((line) => line.trim() !== '');
  return (lines.findLast((line) => /\berror\b/i.test(line)) ?? lines.at(-1) ?? 'it said nothing').trim();
}
