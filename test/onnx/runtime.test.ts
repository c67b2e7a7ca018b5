import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findOnnxRuntime, OnnxRuntime } from '../../lib/onnx/runtime.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sam-runtime-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Installs a package of this name in a folder of its own. */
function installed(name: string, script: string): string {
  const place = join(folder, `${name}-${Math.random()}`);
  const home = join(place, 'node_modules', name);
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'package.json'), JSON.stringify({ name, main: 'index.js' }));
  writeFileSync(join(home, 'index.js'), script);
  return place;
}

describe('where ONNX Runtime is looked for', () => {
  it('nowhere it is not', () => {
    expect(findOnnxRuntime([folder])).toBeUndefined();
  });

  it('the native package comes first, and the first folder', () => {
    const [web, node] = [installed('onnxruntime-web', ''), installed('onnxruntime-node', '')];
    expect(findOnnxRuntime([web])).toMatchObject({ name: 'onnxruntime-web' });
    const file = join(node, 'node_modules/onnxruntime-node/index.js');
    expect(findOnnxRuntime([web, node])).toEqual({ name: 'onnxruntime-node', file });
  });
});

describe('the process with ONNX Runtime', () => {
  const start = (script: string, signal?: AbortSignal) =>
    new OnnxRuntime(findOnnxRuntime([installed('onnxruntime-node', script)])!, signal);

  it('says in one line what it refuses', async () => {
    const runtime = new OnnxRuntime(findOnnxRuntime()!);
    const path = join(folder, 'no.onnx');
    writeFileSync(path, 'this is not ONNX');
    await expect(runtime.open(path)).rejects.toMatchObject({
      code: 'SAM_INTERNAL',
      message: expect.stringMatching(/^onnxruntime-(web|node) failed: [^\n]+$/),
    });
    // It goes on.
    await expect(runtime.open(path)).rejects.toThrow('failed');
    runtime.close();
  });

  it('that dies says so to whoever waits, and later', async () => {
    const runtime = start('process.abort()');
    const dead = { code: 'SAM_INTERNAL', message: expect.stringMatching(/onnxruntime-node failed: it ended with SIG/) };
    await expect(runtime.open('x')).rejects.toMatchObject(dead);
    await expect(runtime.open('x')).rejects.toMatchObject(dead);
  });

  it('whose package cannot be loaded gives its words', async () => {
    const runtime = start('throw new Error("no such processor")');
    const error = {
      message: 'onnxruntime-node failed: it ended with code 1',
      detail: expect.stringContaining('no such processor'),
      fix: 'install it anew; or write the files without a check, with `pictures` 0',
    };
    await expect(runtime.open('x')).rejects.toMatchObject(error);
  });

  it('gives the one of WebAssembly bytes, wherever it is installed', async () => {
    const script = `exports.Tensor = {}; exports.InferenceSession = { create: async (given) => {
      if (typeof given === 'string') throw new Error('no file can be seen here'); } }`;
    const home = installed('onnxruntime-web', script);
    const place = join(folder, 'onnxruntime-node-demo');
    renameSync(home, place);
    const path = join(folder, 'some.onnx');
    writeFileSync(path, 'bytes');
    const runtime = new OnnxRuntime(findOnnxRuntime([place])!);
    await expect(runtime.open(path)).resolves.toBeTypeOf('function');
    runtime.close();
  });

  it('is killed by the signal, and when it is closed', async () => {
    const endless = 'exports.InferenceSession = { create: () => { for (;;); } }';
    const abort = new AbortController();
    const stopped = start(endless, abort.signal).open('x');
    abort.abort(new Error('enough'));
    await expect(stopped).rejects.toThrow('enough');
    const runtime = start(endless);
    const waiting = runtime.open('x');
    runtime.close();
    await expect(waiting).rejects.toMatchObject({ code: 'SAM_INTERRUPTED' });
  });
});
