import { execFileSync } from 'node:child_process';
import { rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCheckpointMetadata } from '../../lib/runs/checkpoints.js';
import { readSafetensorsHeader, readTensorNames } from '../../lib/runs/safetensors-header.js';
import { temporaryFolder, writeSafetensors } from '../training/fake.js';

let dir: string;
beforeAll(async () => {
  dir = await temporaryFolder();
});
afterAll(() => rm(dir, { recursive: true }));

const tensor = (from: number, to: number) => ({ dtype: 'F32', shape: [(to - from) / 4], data_offsets: [from, to] });

describe('readSafetensorsHeader', () => {
  test('names tensors and metadata', async () => {
    const path = join(dir, 'good.safetensors');
    await writeSafetensors(path, { __metadata__: { a: 'b' }, w: tensor(0, 8), v: tensor(8, 12) }, Buffer.alloc(12));
    const { metadata, tensors } = await readSafetensorsHeader(path);
    expect(metadata).toEqual({ a: 'b' });
    const end = (await stat(path)).size;
    expect(tensors).toEqual({
      w: { dtype: 'F32', shape: [2], offset: end - 12, bytes: 8 },
      v: { dtype: 'F32', shape: [1], offset: end - 4, bytes: 4 },
    });
    expect(await readTensorNames(path)).toEqual(['w', 'v']);
    await expect(readCheckpointMetadata(path)).rejects.toMatchObject({ code: 'SAM_BAD_CHECKPOINT' });
    await truncate(path, 100);
    await expect(readSafetensorsHeader(path)).rejects.toThrow('cut short');
  });

  test.each([
    ['nothing', Buffer.alloc(0), 'too short'],
    ['a JPEG', Buffer.from('ffd8ffe000104a464946000101', 'hex'), 'not safetensors (a header of'],
    ['a header longer than the file', Buffer.from([200, 0, 0, 0, 0, 0, 0, 0, 123]), 'cut short within its header'],
    ['no JSON', Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3]), 'not JSON'],
  ])('refuses %s', async (_, content, message) => {
    const path = join(dir, 'bad.safetensors');
    await writeFile(path, content);
    await expect(readSafetensorsHeader(path)).rejects.toMatchObject({ code: 'SAM_BAD_CHECKPOINT' });
    await expect(readSafetensorsHeader(path)).rejects.toThrow(message);
  });

  test('refuses offsets that lie, numbers as metadata, folders, and what is not there', async () => {
    const path = join(dir, 'lies.safetensors');
    await writeSafetensors(path, { w: tensor(0, 64) }, Buffer.alloc(8));
    await expect(readSafetensorsHeader(path)).rejects.toThrow('cut short: tensor w');
    await writeSafetensors(path, { w: tensor(8, 0) }, Buffer.alloc(8));
    await expect(readSafetensorsHeader(path)).rejects.toMatchObject({ code: 'SAM_BAD_CHECKPOINT' });
    await writeSafetensors(path, { __metadata__: { a: 1 } }, Buffer.alloc(0));
    await expect(readSafetensorsHeader(path)).rejects.toThrow('metadata');
    await expect(readSafetensorsHeader(dir)).rejects.toMatchObject({ exitCode: 2 });
    await expect(readSafetensorsHeader(join(dir, 'none'))).rejects.toMatchObject({ code: 'SAM_NOT_FOUND' });
  });

  test('refuses a named pipe, and waits for nobody', async () => {
    const path = join(dir, 'pipe.safetensors');
    execFileSync('mkfifo', [path]);
    await expect(readSafetensorsHeader(path)).rejects.toThrow('not a regular file');
  });

  test('refuses a header whose values would fill the memory', async () => {
    const path = join(dir, 'large.safetensors');
    const header = Buffer.alloc(20_000_000, '[],');
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    await writeFile(path, Buffer.concat([length, header]));
    await expect(readSafetensorsHeader(path)).rejects.toThrow('a header of 20000000 bytes');
  });
});
