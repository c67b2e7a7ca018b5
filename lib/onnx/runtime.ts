/** ONNX Runtime in a process of its own: it and LibTorch don't share one. */
import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { SamError } from '../core/errors.js';
import { PACKAGE_ROOT } from '../core/package-root.js';
import type { Answer, Request, Tensors } from './runtime-protocol.js';

/** Packages that hold ONNX Runtime, the faster first. */
const PACKAGES = ['onnxruntime-node', 'onnxruntime-web'] as const;

/** How to get what {@link findOnnxRuntime} looks for. */
export const GET_ONNX_RUNTIME =
  'npm install --save-dev onnxruntime-node (with ONNXRUNTIME_NODE_INSTALL=skip in the environment where its script cannot download)';

/** ONNX Runtime as it is installed here. */
export interface OnnxRuntimePackage {
  readonly name: (typeof PACKAGES)[number];
  /** What `require` loads of it. */
  readonly file: string;
}

/** Looks for ONNX Runtime where `from` sees packages, then where this package does. */
export function findOnnxRuntime(
  from: readonly string[] = [process.cwd(), PACKAGE_ROOT],
): OnnxRuntimePackage | undefined {
  for (const name of PACKAGES) {
    for (const folder of from) {
      try {
        return { name, file: createRequire(join(folder, 'package.json')).resolve(name) };
      } catch {
        // Not installed there.
      }
    }
  }
  return undefined;
}

/** Process with ONNX Runtime, which answers one request after the other. */
export class OnnxRuntime {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #waiting: { resolve: (outputs: Tensors) => void; reject: (error: unknown) => void }[] = [];
  #sessions = 0;
  #ended: unknown;
  #errors = '';

  /** Starts the process. @param signal ends it. */
  constructor({ name, file }: OnnxRuntimePackage, signal?: AbortSignal) {
    this.#name = name;
    this.#child = fork(join(PACKAGE_ROOT, 'dist', 'onnx', 'runtime-child.js'), [file, name], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, NODE_OPTIONS: '' },
      ...(signal && { signal, killSignal: 'SIGKILL' }),
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-4096);
    });
    this.#child.on('message', (answer: Answer) => {
      const { resolve, reject } = this.#waiting.shift()!;
      if ('error' in answer) reject(this.#failed(answer.error));
      else resolve(answer.outputs);
    });
    this.#child.on('error', (error) => this.#end(error.name === 'AbortError' ? (signal!.reason ?? error) : error));
    this.#child.on('close', (code, killed) => this.#end(this.#failed(`it ended with ${killed ?? `code ${code}`}`)));
  }

  /** Opens a file of ONNX. Returns what runs it, and gives back the outputs that are named. @throws SamError `SAM_INTERNAL`: ONNX Runtime refuses it, or is gone. */
  async open(path: string): Promise<(inputs: Tensors, outputs: readonly string[]) => Promise<Tensors>> {
    const session = this.#sessions++;
    await this.#ask({ open: path, session });
    return (inputs, outputs) => this.#ask({ run: inputs, outputs, session });
  }

  /** Ends the process. */
  close(): void {
    this.#end(new SamError('SAM_INTERRUPTED', `${this.#name} was ended`));
    this.#child.kill('SIGKILL');
  }

  #ask(request: Request): Promise<Tensors> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      this.#waiting.push({ resolve, reject });
      this.#child.send(request, (error) => error && this.#end(this.#failed(error.message)));
    });
  }

  #failed(why: string): SamError {
    const words = (this.#errors || why).trim().split('\n');
    const other = this.#name === 'onnxruntime-web' ? `try the larger one: ${GET_ONNX_RUNTIME}` : 'install it anew';
    const fix = `${other}; or write the files without a check, with \`pictures\` 0`;
    return new SamError('SAM_INTERNAL', `${this.#name} failed: ${why.split('\n')[0]}`, {
      fix,
      detail: words.join('\n'),
    });
  }

  #end(error: unknown): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
