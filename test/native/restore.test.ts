/** Checkpoints that were damaged or edited: what a trainer takes of them, and that nothing of the others reaches it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NativeBinding, Precision, StepResult, Trainer } from '../../lib/addon/native.js';
import { batchOf, loadModel, STEP, TRAINING } from './children/inputs.mjs';
import { prepareAddon } from './support.js';

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}
type Entries = Record<string, Entry>;

let addon: NativeBinding;
let folder: string;
let saved: string;
/** What the second step of any trainer gives. */
let second: StepResult;

const LAYER = 'mask_decoder.transformer.layers.0.mlp.lin1.weight';
const opened: { dispose(): void }[] = [];

async function trainer(precision: Precision = 'fp32'): Promise<Trainer> {
  const model = await loadModel(addon, precision);
  const made = addon.createTrainer(model, TRAINING);
  opened.push(made, model);
  return made;
}

beforeAll(async () => {
  addon = await prepareAddon();
  folder = mkdtempSync(join(tmpdir(), 'sam-restore-'));
  saved = join(folder, 'saved.safetensors');
  const first = await trainer();
  await first.step(batchOf(addon), STEP);
  second = await first.step(batchOf(addon), STEP);
  await first.save(saved, {});
});
afterAll(() => {
  for (const handle of opened) handle.dispose();
  rmSync(folder, { recursive: true, force: true });
});

/** The checkpoint with another header over the same numbers. */
function edited(change: (entries: Entries, data: Buffer) => void, from = saved): string {
  const file = readFileSync(from);
  const start = 8 + Number(file.readBigUInt64LE(0));
  const entries = JSON.parse(file.toString('utf8', 8, start)) as Entries;
  const data = Buffer.from(file.subarray(start));
  change(entries, data);
  const header = Buffer.from(JSON.stringify(entries));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const path = join(folder, 'edited.safetensors');
  writeFileSync(path, Buffer.concat([length, header, data]));
  return path;
}

/** The first numbers of a tensor, in another shape. */
function reshape(entry: Entry, shape: number[]): void {
  const bytes = (entry.dtype === 'I64' || entry.dtype === 'F64' ? 8 : 4) * shape.reduce((all, side) => all * side, 1);
  entry.shape = shape;
  entry.data_offsets = [entry.data_offsets[0], entry.data_offsets[0] + bytes];
}

describe('a checkpoint that does not fit', () => {
  it.each<[string, (entries: Entries, data: Buffer) => void, RegExp]>([
    [
      'a first moment of one number',
      (entries) => reshape(entries[`optimizer.exp_avg.${LAYER}`]!, [1]),
      /exp_avg.*lin1.weight is 1 instead of 2048 x 256/,
    ],
    [
      'a second moment the other way round',
      (entries) => reshape(entries[`optimizer.exp_avg_sq.${LAYER}`]!, [256, 2048]),
      /exp_avg_sq.*lin1.weight is 256 x 2048 instead of 2048 x 256/,
    ],
    [
      'steps of no size',
      (entries) => reshape(entries[`optimizer.step.${LAYER}`]!, [0]),
      /optimizer.step.*lin1.weight is 0 instead of one number/,
    ],
    [
      'a negative number of steps',
      (entries, data) => data.writeBigInt64LE(-1n, entries[`optimizer.step.${LAYER}`]!.data_offsets[0]),
      /optimizer.step.*lin1.weight is not a number of steps/,
    ],
    ...['exp_avg', 'exp_avg_sq', 'step'].map((kind): [string, (entries: Entries) => void, RegExp] => [
      `${kind} missing`,
      (entries) => void delete entries[`optimizer.${kind}.${LAYER}`],
      RegExp(`lacks optimizer.${kind}.*lin1.weight and cannot be resumed`),
    ]),
    ['a weight of another shape', (entries) => reshape(entries[LAYER]!, [256, 2048]), /lin1.weight is 256 x 2048/],
  ])('%s: is refused by name, and leaves the trainer as it was', async (_what, change, said) => {
    const batch = batchOf(addon);
    const tried = await trainer();
    await tried.step(batch, STEP);
    const path = edited(change);
    await expect(tried.restore(path)).rejects.toMatchObject({
      code: 'SAM_BAD_CHECKPOINT',
      message: expect.stringMatching(said),
    });
    await expect(tried.restore(path)).rejects.toThrow(path);
    expect(await tried.step(batch, STEP)).toEqual(second);
  });

  it.each<[string, (entry: Entry, data: Buffer) => void]>([
    ['one number', (entry) => reshape(entry, [1])],
    ['none', (entry) => reshape(entry, [0])],
    ['a scale of 0', (entry, data) => data.writeDoubleLE(0, entry.data_offsets[0])],
    ['a scale without end', (entry, data) => data.writeDoubleLE(Number.POSITIVE_INFINITY, entry.data_offsets[0])],
  ])('a loss scale of fp16 with %s', async (_what, change) => {
    const half = await trainer('fp16');
    const path = join(folder, 'half.safetensors');
    await half.save(path, {});
    await half.restore(path);
    const scale = 'optimizer.loss_scale';
    const wrong = edited((entries, data) => change(entries[scale]!, data), path);
    await expect(half.restore(wrong)).rejects.toMatchObject({
      code: 'SAM_BAD_CHECKPOINT',
      message: expect.stringMatching(/optimizer.loss_scale is not a scale and a number of steps/),
    });
  });
});

it('moments that a checkpoint lacks begin anew', async () => {
  const batch = batchOf(addon);
  const path = edited((entries) => {
    for (const name of Object.keys(entries)) if (name.startsWith('optimizer.')) delete entries[name];
  });
  const [used, fresh] = [await trainer(), await trainer()];
  for (let i = 0; i < 3; i++) await used.step(batch, STEP);
  for (const each of [used, fresh]) await each.restore(path);
  for (let i = 0; i < 2; i++) expect(await used.step(batch, STEP)).toEqual(await fresh.step(batch, STEP));
});
