/**
 * Files that would take a process down, hang it or lose what a cache holds, as a user meets them on the command line: one line that
 * says what is wrong, and an exit code.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readlinkSync, writeSync } from 'node:fs';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compile, type Outcome, runCli } from './run-cli.js';

let dir: string;
let model: string;

beforeAll(async () => {
  compile();
  dir = await mkdtemp(join(tmpdir(), 'sam-native-hostile-'));
  const root = join(import.meta.dirname, '../..');
  const program = join(root, 'build/Release/sam_core_test');
  execFileSync(program, ['--fixtures', join(root, 'test/fixtures'), '--write-inputs', dir], { stdio: 'ignore' });
  model = join(dir, 'model.safetensors');
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const data = ['--data', 'sample:rivers', '--limit', '1', '--precision', 'fp32', '--json'];
const cache = () => ['--cache-dir', join(dir, 'cache')];
const embed = (...more: string[]) => runCli(['embed', ...data, ...cache(), ...more]);

/** The outcome is an error of this code, one line long, that says this. */
function expectFailure(outcome: Outcome, exit: number, code: string, said: RegExp): void {
  expect({ ...outcome, stdout: '', stderr: '' }).toMatchObject({ code: exit, signal: null });
  const { error } = outcome.json<{ error: { code: string; message: string } }>();
  expect(error).toMatchObject({ code, message: expect.stringMatching(said) });
  expect(error.message).not.toContain('\n');
  expect(error.message.length).toBeLessThan(1000);
}

describe('a model that is', () => {
  test('an index that names itself', async () => {
    const path = join(dir, 'self.safetensors.index.json');
    await writeFile(path, JSON.stringify({ weight_map: { a: 'self.safetensors.index.json' } }));
    expectFailure(await embed('--model', path), 2, 'SAM_BAD_CHECKPOINT', /names another index/);
  });

  test.each(['.safetensors', '.pth'])('a named pipe, %s', async (extension) => {
    const path = join(dir, `pipe${extension}`);
    execFileSync('mkfifo', [path]);
    const said = /not a regular file/;
    for (const outcome of [await embed('--model', path), await embed('--model', model, '--encoder', path)]) {
      const { error } = outcome.json<{ error: { code: string } }>();
      expectFailure(outcome, error.code === 'SAM_IO' ? 1 : 2, error.code, said);
    }
  });

  test.each(['.safetensors', '.bin'])('100 MB of header, %s', async (extension) => {
    const path = join(dir, `large${extension}`);
    const file = openSync(path, 'w');
    const length = Buffer.alloc(8);
    const header = Buffer.concat([Buffer.from('{"a":[[]'), Buffer.alloc(99_900_000, ',[]'), Buffer.from(']}')]);
    length.writeBigUInt64LE(BigInt(header.length));
    for (const bytes of [length, header]) writeSync(file, bytes);
    closeSync(file);
    // Far less than what the 33 million values would take.
    const outcome = await runCli(['embed', ...data, ...cache(), '--model', path], { before: 'ulimit -d 4000000 &&' });
    expectFailure(outcome, 2, 'SAM_BAD_CHECKPOINT', /header of 99900010 bytes|more than a million values/);
    await rm(path);
  });

  test('of a tensor whose name has 100,000 characters', async () => {
    const path = join(dir, 'long.bin');
    const name = `mask_decoder.transformer.layers.${'1'.repeat(100_000)}.weight`;
    const header = Buffer.from(JSON.stringify({ [name]: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } }));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    await writeFile(path, Buffer.concat([length, header, Buffer.alloc(4)]));
    expectFailure(await embed('--model', path), 2, 'SAM_BAD_CHECKPOINT', /a tensor's name has 100039 bytes/);
  });
});

test('a run whose optimizer was damaged is not resumed', async () => {
  const run = join(dir, 'run');
  const args = ['--epochs', '1', '--batch-size', '1', '--model', model, '--out', run];
  expect(await runCli(['train', ...data, ...cache(), ...args])).toMatchObject({ code: 0 });
  const last = join(run, 'checkpoints', 'last.safetensors');
  const file = await readFile(last);
  const name = 'optimizer.exp_avg.mask_decoder.transformer.layers.0.mlp.lin1.weight';
  const at = file.indexOf('"shape":[2048,256]', file.indexOf(`"${name}"`));
  // As many bytes as before: 2048 x 256 numbers that claim to be 256 x 2048.
  file.write('"shape":[256,2048]', at);
  await writeFile(last, file);
  const outcome = await runCli(['train', '--resume', run, '--epochs', '2', '--json']);
  expectFailure(outcome, 2, 'SAM_BAD_CHECKPOINT', /exp_avg.*lin1.weight is 256 x 2048 instead of 2048 x 256/);
});

test('a shard of the cache that may not be read is an error; nothing is encoded again, nothing deleted', async () => {
  const own = ['--model', model, '--cache-dir', join(dir, 'shared')];
  expect(await runCli(['embed', ...data, ...own])).toMatchObject({ code: 0 });
  const [folder] = readdirSync(join(dir, 'shared', 'embeddings')).map((name) => join(dir, 'shared/embeddings', name));
  const shard = readdirSync(folder!).find((name) => name.endsWith('.safetensors'))!;
  // A link to itself, which root may not read either.
  await rm(join(folder!, shard));
  await symlink(shard, join(folder!, shard));
  expectFailure(await runCli(['embed', ...data, ...own]), 1, 'SAM_IO', /cannot read .*Too many levels/);
  expect(readlinkSync(join(folder!, shard))).toBe(shard);
  expect(readdirSync(folder!).filter((name) => name.endsWith('.safetensors'))).toEqual([shard]);
});
