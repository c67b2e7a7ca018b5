/** The process with ONNX Runtime: opens and runs what runtime.ts asks it to. Its arguments: the file of the package to load, and the package's name. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import type * as OnnxRuntime from 'onnxruntime-web';
import type { Answer, Request, Tensors } from './runtime-protocol.js';

const [file, name] = process.argv.slice(2) as [string, string];
const { InferenceSession, Tensor } = createRequire(import.meta.url)(file) as typeof OnnxRuntime;
const sessions = new Map<number, OnnxRuntime.InferenceSession>();

async function open(path: string): Promise<OnnxRuntime.InferenceSession> {
  if (name === 'onnxruntime-node') return InferenceSession.create(path);
  // WebAssembly sees no files.
  const beside = `${path}_data`;
  const externalData = existsSync(beside) ? [{ path: basename(beside), data: await readFile(beside) }] : [];
  return InferenceSession.create(await readFile(path), { externalData });
}

async function run(
  session: OnnxRuntime.InferenceSession,
  inputs: Tensors,
  outputs: readonly string[],
): Promise<Tensors> {
  const feeds = Object.entries(inputs).map(([name, { type, data, dims }]) => [name, new Tensor(type, data, dims)]);
  const results = await session.run(Object.fromEntries(feeds) as OnnxRuntime.InferenceSession.FeedsType, outputs);
  const tensors = Object.entries(results).map(([name, { type, data, dims }]) => [name, { type, data, dims }]);
  return Object.fromEntries(tensors) as Tensors;
}

async function answer(request: Request): Promise<Answer> {
  if ('open' in request) {
    sessions.set(request.session, await open(request.open));
    return { outputs: {} };
  }
  return { outputs: await run(sessions.get(request.session)!, request.run, request.outputs) };
}

let turn = Promise.resolve();
process.on('message', (request: Request) => {
  turn = turn
    .then(() => answer(request))
    .catch((error: unknown): Answer => ({ error: error instanceof Error ? error.message : String(error) }))
    .then((answered) => {
      process.send!(answered);
    });
});
process.on('disconnect', () => process.exit());
