/** Where an export goes: what is there already. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { scratchBeside } from '../../../lib/core/files.js';
import { sha256File } from '../../../lib/core/hash.js';
import { moveToPlace, removeEarlier } from '../../../lib/tasks/export/place.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sam-place-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const text = (path: string) => readFile(path, 'utf8');

/** Writes an earlier export, and its record. */
async function earlier(path: string, names: readonly string[]): Promise<void> {
  await mkdir(join(path, 'onnx'), { recursive: true });
  for (const name of names) await writeFile(join(path, name), `earlier ${name}`);
  const files = await Promise.all(names.map(async (name) => ({ name, sha256: await sha256File(join(path, name)) })));
  await writeFile(join(path, 'export.json'), JSON.stringify({ format: 'onnx', files }));
}

test('what an earlier export wrote, and this does not, goes; what users put there or changed stays', async () => {
  const place = { path: join(dir, 'out'), isFile: false };
  await earlier(place.path, ['decoder.onnx', 'decoder_fp16.onnx', 'onnx/encoder.onnx', 'tuned.yaml', 'source.pt']);
  await writeFile(join(place.path, 'tuned.yaml'), 'mine');
  await writeFile(join(place.path, 'notes.txt'), 'mine');
  const scratch = await scratchBeside(place.path);
  await writeFile(join(scratch.path, 'decoder.onnx'), 'new');
  await removeEarlier(place, 'onnx', { names: ['decoder.onnx'], sources: [join(place.path, 'source.pt'), undefined] });
  expect(await moveToPlace(place, scratch.path, ['decoder.onnx'])).toEqual([join(place.path, 'decoder.onnx')]);
  await scratch.remove();
  const left = ['decoder.onnx', 'export.json', 'notes.txt', 'source.pt', 'tuned.yaml'];
  expect((await readdir(place.path)).sort()).toEqual(left);
  expect(await text(join(place.path, 'decoder.onnx'))).toBe('new');
  expect(await text(join(place.path, 'tuned.yaml'))).toBe('mine');
});

test('a record that is of another format, names files elsewhere, or is none, removes nothing', async () => {
  const place = { path: join(dir, 'out'), isFile: false };
  await mkdir(place.path);
  await writeFile(join(dir, 'mine.txt'), 'mine');
  const record = join(place.path, 'export.json');
  const files = [{ name: '../mine.txt', sha256: await sha256File(join(dir, 'mine.txt')) }];
  await writeFile(join(place.path, 'other.pt'), 'other');
  const beside = [{ name: 'other.pt', sha256: await sha256File(join(place.path, 'other.pt')) }];
  for (const content of [
    JSON.stringify({ format: 'hf', files: beside }),
    JSON.stringify({ format: 'onnx', files }),
    '{"files": 3}',
    'cut sh',
  ]) {
    await writeFile(record, content);
    await removeEarlier(place, 'onnx', { names: [], sources: [] });
    expect(await text(join(dir, 'mine.txt'))).toBe('mine');
    expect((await readdir(place.path)).sort()).toEqual(['export.json', 'other.pt']);
  }
  await rm(record);
  await removeEarlier(place, 'onnx', { names: [], sources: [] });
});
