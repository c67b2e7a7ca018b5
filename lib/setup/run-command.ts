/** Runs another program and keeps its last words. */
import { spawn } from 'node:child_process';

export interface CommandResult {
  /** Exit code; 127 where there is no such program, 128 + n after signal n. */
  code: number;
  stdout: string;
  /** What it said on stderr; of both, in order, in `output`. */
  stderr: string;
  output: string;
}

export interface CommandOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal | undefined;
  /** Each line of stdout and stderr as it comes. */
  onLine?: (line: string) => void;
  timeoutMs?: number;
}

/** Never rejects but for an abort (with the signal's reason): a program that is missing or fails is a result. */
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

/** The last line that says something, preferring one that says "error": what of a long output to show. */
export function lastWords(output: string): string {
  const lines = output.split(/\r?\n/).filter((line) => line.trim() !== '');
  return (lines.findLast((line) => /\berror\b/i.test(line)) ?? lines.at(-1) ?? 'it said nothing').trim();
}
