/** Event files of runs, read back as TensorBoard reads them. */
import { writeFileSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TrainOptions } from '../../lib/options.js';
import type { TrainEvent } from '../../lib/runs/events.js';
import { TensorBoard } from '../../lib/training/tensorboard.js';
import { maskedChecksum } from '../../lib/training/tensorboard-format.js';
import { trainWith } from '../../lib/training/train.js';
import { fakeEnvironment, temporaryFolder, writeSplits } from './fake.js';

let dir: string;
beforeEach(async () => {
  dir = await temporaryFolder();
});
afterEach(() => rm(dir, { recursive: true }));

interface Read {
  step: number;
  start: boolean;
  version: string;
  values: Record<string, number | Buffer>;
}

type Field = { number: number; value: number | Buffer };

/** Every field of a protobuf message: numbers of 4 and 8 bytes as their bytes. */
function fieldsOf(message: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = () => {
    let [value, place] = [0, 1];
    for (; message[at]! >= 128; place *= 128) value += (message[at++]! - 128) * place;
    return value + message[at++]! * place;
  };
  while (at < message.length) {
    const head = varint();
    const kind = head % 8;
    const length = kind === 1 ? 8 : kind === 5 ? 4 : kind === 2 ? varint() : 0;
    const value = kind === 0 ? varint() : message.subarray(at, at + length);
    at += length;
    fields.push({ number: Math.floor(head / 8), value });
  }
  return fields;
}

const only = (fields: Field[], number: number) => fields.find((field) => field.number === number)?.value;

function eventOf(data: Buffer): Read {
  const fields = fieldsOf(data);
  const summary = only(fields, 5) as Buffer | undefined;
  const values = (summary === undefined ? [] : fieldsOf(summary)).map(({ value }) => {
    const parts = fieldsOf(value as Buffer);
    const number = only(parts, 2) as Buffer | undefined;
    const image = only(parts, 4) as Buffer | undefined;
    const content = number?.readFloatLE(0) ?? (only(fieldsOf(image!), 4) as Buffer);
    return [String(only(parts, 1)), content] as const;
  });
  const step = (only(fields, 2) as number | undefined) ?? 0;
  const version = String(only(fields, 3) ?? '');
  return { step, start: only(fields, 7) !== undefined, version, values: Object.fromEntries(values) };
}

/** Up to a record that is cut short. */
function eventsOf(file: Buffer): Read[] {
  const events: Read[] = [];
  for (let at = 0; at + 12 <= file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    const data = file.subarray(at + 12, at + 12 + length);
    if (at + 16 + length > file.length) break;
    expect(file.readUInt32LE(at + 8)).toBe(maskedChecksum(file.subarray(at, at + 8)));
    expect(file.readUInt32LE(at + 12 + length)).toBe(maskedChecksum(data));
    events.push(eventOf(data));
    at += 16 + length;
  }
  return events;
}

/** File after file in the order of their names, a start taking back what came from its step on; by tag. */
async function shown(folder: string): Promise<Record<string, { step: number; value: number | Buffer }[]>> {
  const tags: Record<string, { step: number; value: number | Buffer }[]> = {};
  for (const name of (await readdir(folder)).sort()) {
    for (const { step, start, values } of eventsOf(await readFile(join(folder, name)))) {
      if (start) for (const tag of Object.keys(tags)) tags[tag] = tags[tag]!.filter((one) => one.step < step);
      for (const [tag, value] of Object.entries(values)) {
        tags[tag] ??= [];
        tags[tag].push({ step, value });
      }
    }
  }
  return tags;
}

const failing = (message: string) => {
  throw new Error(message);
};

describe('files', () => {
  test('begin with their version and with where they go on', async () => {
    const board = await TensorBoard.open(dir, 12, failing);
    await board.close();
    const events = eventsOf(await readFile(board.path));
    expect(events).toMatchObject([{ version: 'brain.Event:2' }, { step: 13, start: true }]);
  });

  test('sort behind all that are there, whatever the clock says', async () => {
    const late = 'events.out.tfevents.4000000000.host.1.0';
    await writeFile(join(dir, late), '');
    const board = await TensorBoard.open(dir, undefined, failing);
    await board.close();
    expect((await readdir(dir)).sort()).toEqual([late, board.path.slice(dir.length + 1)]);
  });
});

describe('a run', () => {
  const out = () => join(dir, 'run');
  const folder = () => join(out(), 'tensorboard');
  const start = async (more: Partial<TrainOptions>, stopAtStep?: number) => {
    const splits = await writeSplits(join(dir, 'data'));
    const controller = new AbortController();
    const environment = fakeEnvironment(splits);
    const events: TrainEvent[] = [];
    const onProgress = (event: TrainEvent) => {
      events.push(event);
      if (event.type === 'step' && event.step === stopAtStep) controller.abort();
    };
    const options = { data: 'fake', epochs: 3, batchSize: 2, out: out(), ...more };
    const { result } = trainWith(options, { signal: controller.signal, onProgress }, environment);
    return { events, outcome: await result.catch((error: unknown) => error) };
  };
  const historyOf = async () =>
    (await readFile(join(out(), 'history.jsonl'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));

  /** The numbers of `history.jsonl`, as TensorBoard is to show them. */
  const expectHistory = async () => {
    const lines = await historyOf();
    const steps = lines.filter(({ type }) => type === 'step');
    const epochs = lines.filter(({ type }) => type === 'epoch');
    const tags = await shown(folder());
    const pairs = (tag: string) => tags[tag]?.map(({ step, value }) => [step, value]);
    const curve = (key: string) => steps.map((line) => [line.step, Math.fround(line[key])]);
    expect(pairs('step/loss')).toEqual(curve('loss'));
    expect(pairs('step/learning_rate')).toEqual(curve('learningRate'));
    expect(pairs('step/gradient_norm')).toEqual(curve('gradientNorm'));
    const perEpoch = (key: string) => epochs.map((line) => [line.epoch * 4, Math.fround(line[key])]);
    expect(pairs('epoch/train_loss')).toEqual(perEpoch('trainLoss'));
    expect(pairs('epoch/validation_loss')).toEqual(perEpoch('validationLoss'));
    expect(pairs('epoch/validation_iou')).toEqual(perEpoch('validationIou'));
    return tags;
  };

  test('shows what its history says, and pictures before, after epochs 1, 2, 4 … and at the end', async () => {
    await start({ epochs: 5 });
    const tags = await expectHistory();
    for (const name of ['v0', 'v1', 'v2']) {
      const pictures = tags[`validation/${name}`]!;
      expect(pictures.map(({ step }) => step)).toEqual([0, 4, 8, 16, 20]);
      expect([...(pictures[0]!.value as Buffer).subarray(0, 3)]).toEqual([0xff, 0xd8, 0xff]); // JPEG
    }
  });

  test('that was stopped within an epoch and goes on doubles no step', async () => {
    await start({}, 6);
    await start({ resume: out() });
    expect(await readdir(folder())).toHaveLength(2);
    const tags = await expectHistory();
    expect(tags['validation/v0']!.map(({ step }) => step)).toEqual([0, 4, 8, 12]);
  });

  test('that was killed takes back what came after its checkpoint, and half a record does no harm', async () => {
    await start({ epochs: 1 });
    const [name] = await readdir(folder());
    const path = join(folder(), name!);
    const whole = await readFile(path);
    const ahead = await TensorBoard.open(join(dir, 'ahead'), 4, failing); // steps that no checkpoint holds
    ahead.step({ step: 5, loss: 9, learningRate: 9, gradientNorm: 9 } as Parameters<TensorBoard['step']>[0]);
    await ahead.close();
    const further = await readFile(ahead.path);
    await writeFile(path, Buffer.concat([whole, further, further.subarray(0, 20)]));
    await start({ resume: out(), epochs: 2 });
    await expectHistory();
  });

  test('--overwrite begins a new folder', async () => {
    await start({});
    await start({ overwrite: true });
    expect(await readdir(folder())).toHaveLength(1);
    await expectHistory();
  });

  test('goes on with one warning where the folder cannot be written', async () => {
    const blocked = join(out(), 'tensorboard');
    const splits = await writeSplits(join(dir, 'data'));
    const environment = fakeEnvironment(splits);
    const warnings: string[] = [];
    const onProgress = (event: TrainEvent) => {
      if (event.type === 'warning') warnings.push(event.message);
    };
    const openModel = environment.openModel;
    environment.openModel = async (...args) => {
      const model = await openModel(...args);
      const { createTrainer } = model;
      return {
        ...model,
        createTrainer: (options) => {
          // The run folder is there by now; a file stands where the event files should go.
          writeFileSync(blocked, '');
          return createTrainer(options);
        },
      };
    };
    const run = trainWith({ data: 'fake', epochs: 1, batchSize: 2, out: out() }, { onProgress }, environment);
    expect((await run.result).epochs).toBe(1);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^TensorBoard: .*tensorboard/);
  });
});
