/** Runs the command line as a user does: the compiled one, in a process of its own. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(ROOT, 'dist', 'cli', 'main.js');

/** Compiles `lib` if anything in it is newer than what was compiled last. */
export function compile(): void {
  const sources = readdirSync(join(ROOT, 'lib'), { recursive: true, encoding: 'utf8' });
  const newest = Math.max(...sources.map((name) => statSync(join(ROOT, 'lib', name)).mtimeMs));
  const compiled = statSync(join(ROOT, 'dist', '.tsbuildinfo'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (newest < compiled) return;
  execFileSync(process.execPath, [join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', ROOT], {
    stdio: 'inherit',
  });
}

export interface Outcome {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  /** stdout as JSON. */
  json<T = Record<string, unknown>>(): T;
}

export interface Running {
  child: ChildProcess;
  /** stderr so far. */
  stderr(): string;
  outcome: Promise<Outcome>;
}

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** A shell command line before ours, e.g. `ulimit -f 100 &&`. */
  before?: string;
}

/** Starts it, to be watched and signalled. */
export function startCli(args: readonly string[], { cwd, env, before }: RunOptions = {}): Running {
  const options = {
    cwd,
    env: { ...process.env, CI: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'] as ('ignore' | 'pipe')[],
  };
  const child =
    before === undefined
      ? spawn(process.execPath, [MAIN, ...args], options)
      : spawn('bash', ['-c', `${before} exec "$0" "$@"`, process.execPath, MAIN, ...args], options);
  let [stdout, stderr] = ['', ''];
  child.stdout!.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr!.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const outcome = new Promise<Outcome>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve({ code, signal, stdout, stderr, json: () => JSON.parse(stdout) });
    });
  });
  return { child, stderr: () => stderr, outcome };
}

export function runCli(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return startCli(args, options).outcome;
}
