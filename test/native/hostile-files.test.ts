/**
 * Files of weights as someone makes them who wants the process to fall: without an end, larger than the memory, or no files at
 * all. Each is an error of one line. Every file is looked into by a process of its own, since it may take it down.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { NativeBinding } from '../../lib/addon/native.js';
import { loadModel, TRAINING } from './children/inputs.mjs';
import { writePickle } from './pth.js';
import { prepareAddon } from './support.js';

let addon: NativeBinding;
let folder: string;

beforeAll(async () => {
  addon = await prepareAddon();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sam-hostile-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Seen {
  code?: string;
  message?: string;
  tookMiB: number;
}

/** What a process says that looks into the file, with so many file descriptors to spare if that is said. */
function look(path: string, left?: number): Seen {
  const script = join(import.meta.dirname, 'children/weights.mjs');
  const args = ['-c', 'ulimit -n 128 && exec "$0" "$@"', process.execPath, script, path];
  const { stdout, stderr, status, signal } = spawnSync('bash', left === undefined ? args : [...args, String(left)], {
    encoding: 'utf8',
  });
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
  return JSON.parse(stdout) as Seen;
}

function refused(path: string, said: RegExp): void {
  const { code, message, tookMiB } = look(path);
  expect({ code, message }).toEqual({ code: 'SAM_BAD_CHECKPOINT', message: expect.stringMatching(said) });
  expect(message!.length).toBeLessThan(1000);
  expect(message).not.toContain('\n');
  expect(tookMiB).toBeLessThan(700);
}

function safetensors(header: string | Buffer): string {
  const path = join(folder, 'hostile.safetensors');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(header)));
  writeFileSync(path, Buffer.concat([length, Buffer.from(header), Buffer.alloc(64)]));
  return path;
}

function index(name: string, map: Record<string, string>): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify({ weight_map: map }));
  return path;
}

const LONG = `mask_decoder.transformer.layers.${'1'.repeat(100_000)}.norm1.weight`;
const tensor = { dtype: 'F32', shape: [4], data_offsets: [0, 16] };

describe('safetensors', () => {
  it('of a tensor whose name has 100,000 characters', () => {
    refused(safetensors(JSON.stringify({ [LONG]: tensor })), /a tensor's name has 100045 bytes/);
  });

  it('of a type whose name has 100,000 characters', () => {
    refused(safetensors(JSON.stringify({ a: { ...tensor, dtype: LONG } })), /unknown type 'mask_decoder/);
  });

  it('of a tensor with 100,000 sides', () => {
    refused(safetensors(JSON.stringify({ a: { ...tensor, shape: Array(100_000).fill(1) } })), /has 100000 sides/);
  });

  it('of a side of nothing beside one without end', () => {
    refused(safetensors(JSON.stringify({ a: { ...tensor, shape: [0, 2 ** 53, 2 ** 53], data_offsets: [0, 0] } })), /./);
  });

  it.each([
    ['numbers', '{"a":[0', ',0', ']}'],
    ['empty objects', '{"a":[{}', ',{}', ']}'],
    ['brackets', '{"a":[[]', ',[]', ']}'],
  ])('whose header is 100 MB of %s', (_what, start, more, end) => {
    const middle = Buffer.alloc(99_999_000, more);
    const whole = middle.subarray(0, middle.length - (middle.length % more.length));
    refused(safetensors(Buffer.concat([Buffer.from(start), whole, Buffer.from(end)])), /more than a million values/);
  });

  it('are opened once: with one file descriptor to spare', async () => {
    expect(look(process.env.SAM_TEST_WEIGHTS!, 1)).toMatchObject({ tookMiB: expect.any(Number) });
    expect(look(process.env.SAM_TEST_WEIGHTS!, 1).message).toBeUndefined();
  });
});

describe('an index of shards', () => {
  it('that names itself', () => {
    const name = 'self.safetensors.index.json';
    refused(index(name, { a: name }), /names another index, self/);
  });

  it('that names another, which names it', () => {
    index('one.index.json', { a: 'other.index.json' });
    refused(index('other.index.json', { a: 'one.index.json' }), /names another index, one/);
  });

  it('of names with 100,000 characters', () => {
    refused(index('long.index.json', { [LONG]: 'a.safetensors' }), /a name in it has 100045 bytes/);
    refused(index('long.index.json', { a: LONG }), /a name in it has 100045 bytes/);
  });
});

/** A pickle of protocol 2 in a file as torch.save makes it; `a` is the one storage, of 64 bytes. */
function pickle(...parts: (string | Buffer)[]): string {
  const path = join(folder, 'hostile.pth');
  const bytes = parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part));
  writePickle(path, Buffer.concat([Buffer.from([0x80, 2]), ...bytes, Buffer.from('.')]), [Buffer.alloc(64)]);
  return path;
}

/** BINUNICODE. */
function text(value: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(value.length);
  return Buffer.concat([Buffer.from('X'), length, Buffer.from(value)]);
}
/** A tensor of storage 0, of these sides, all of whose strides are 0. */
function repeated(sides: readonly number[], key = '0'): Buffer {
  const number = (value: number) => Buffer.from([0x4a, ...new Uint8Array(Int32Array.of(value).buffer)]);
  const tuple = (values: readonly number[]) => [Buffer.from('('), ...values.map(number), Buffer.from('t')];
  const code = (bytes: string) => Buffer.from(bytes, 'latin1');
  return Buffer.concat([
    ...[code('ctorch._utils\n_rebuild_tensor_v2\n(('), text('storage'), code('ctorch\nFloatStorage\n')],
    ...[text(key), text('cpu'), number(16), code('tQ'), number(0)],
    ...[...tuple(sides), ...tuple(sides.map(() => 0)), code('\x89)tR')],
  ]);
}

describe('a pickle', () => {
  it.each<[string, () => string]>([
    ['that takes a text of 20 MB a hundred times', () => pickle(text('x'.repeat(2e7)), 'q\0', 'h\0'.repeat(100))],
    ['of eight million tuples', () => pickle('('.repeat(8e6), ')')],
    ['of eight million marks', () => pickle(')'.repeat(8e6))],
    ['of a tensor with 100,000 sides', () => pickle('}', text('a'), repeated(Array(100_000).fill(1)), 's')],
    ['of a storage whose name has 100,000 characters', () => pickle('}', text('a'), repeated([1], LONG), 's')],
    ['of a tensor whose name has 100,000 characters', () => pickle('}', text(LONG), repeated([1]), 's')],
    ['that calls what has 100,000 characters', () => pickle(`c${LONG}\nsystem\n`)],
  ])('%s', (_what, make) => {
    refused(make(), /was not written by torch.save|holds no weights/);
  });

  it('of a tensor that repeats its 16 numbers 2^40 times', async () => {
    const weights = pickle('}', text('a'), repeated([2 ** 20, 2 ** 20]), 's');
    const output = join(folder, 'converted.safetensors');
    await expect(addon.convertWeights({ weights, output })).rejects.toMatchObject({
      code: 'SAM_BAD_CHECKPOINT',
      detail: 'a tensor is larger than its data',
    });
  });
});

describe('what is no file', () => {
  const readers = (path: string): [string, () => Promise<unknown>][] => [
    ['inspectWeights', () => addon.inspectWeights({ path })],
    ['loadModel', () => addon.loadModel({ weights: path, device: 'cpu', precision: 'fp32' })],
    ['loadEncoder', () => addon.loadEncoder({ path, device: 'cpu', precision: 'fp32' })],
    ['convertWeights', () => addon.convertWeights({ weights: path, output: join(folder, 'out') })],
    ['of ONNX', () => addon.convertWeights({ weights: path, decoder: path, output: join(folder, 'out') })],
  ];

  it.each(['pipe', 'pipe.safetensors', 'pipe.pth', 'pipe.index.json'])(
    'a named pipe, %s, makes nobody wait',
    async (name) => {
      const path = join(folder, name);
      spawnSync('mkfifo', [path]);
      for (const [call, read] of readers(path))
        await expect(read(), call).rejects.toMatchObject({
          code: 'SAM_IO',
          message: expect.stringMatching(`cannot read ${path}: it is not a regular file`),
        });
      const model = await loadModel(addon);
      const trainer = addon.createTrainer(model, TRAINING);
      await expect(trainer.restore(path)).rejects.toMatchObject({ code: 'SAM_IO' });
      for (const handle of [trainer, model]) handle.dispose();
    },
  );

  it.each([
    ['a folder', () => folder, /Is a directory/],
    ['a device', () => '/dev/null', /not a regular file/],
  ])('%s', async (_what, path, said) => {
    for (const [call, read] of readers(path()))
      await expect(read(), call).rejects.toMatchObject({ code: 'SAM_IO', message: expect.stringMatching(said) });
  });
});
