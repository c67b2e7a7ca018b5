import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseOptions } from '../../lib/core/parse-options.js';
import { decodeMask, imageSize } from '../../lib/data/decode.js';
import type { Sample, Samples } from '../../lib/data/sample.js';
import { toPromptSettings } from '../../lib/models/prompt-options.js';
import { trainOptionsSchema } from '../../lib/options.js';
import { planBatches, prepareBatch, stepsOf } from '../../lib/training/batches.js';
import { LowResMasks } from '../../lib/training/masks.js';
import { fakeEnvironment, temporaryFolder, writeSplits } from './fake.js';

const samples = (n: number): Sample[] =>
  Array.from({ length: n }, (_, i) => ({ name: `${i}`, image: { path: `${i}` } }));

const onlyBatch = (list: Samples) => [...planBatches(list, list.length)][0]!;

describe('planBatches', () => {
  test('the last batch and the last group may be smaller', () => {
    const plan = [...planBatches(samples(9), 2, 2)];
    expect(plan.map((batch) => batch.samples.length)).toEqual([2, 2, 2, 2, 1]);
    expect(plan.map((batch) => batch.update)).toEqual([false, true, false, true, true]);
    expect(plan.map((batch) => batch.scale)).toEqual([0.5, 0.5, 0.5, 0.5, 1]);
  });

  test('every sample once, in order; the scales of each step sum to 1', () => {
    const small = fc.integer({ min: 1, max: 12 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), small, small, (n, batchSize, accumulate) => {
        const plan = [...planBatches(samples(n), batchSize, accumulate)];
        expect(plan.flatMap((batch) => batch.samples.map(({ name }) => Number(name)))).toEqual([...Array(n).keys()]);
        expect(plan.at(-1)!.update).toBe(true);
        const steps = stepsOf(n, batchSize, accumulate);
        expect(plan.filter(({ update }) => update)).toHaveLength(steps);
        const rest = fc.sample(fc.nat(plan.length), 1)[0]!;
        expect([...planBatches(samples(n), batchSize, accumulate, rest)]).toEqual(plan.slice(rest));
        expect(plan.reduce((sum, { scale }) => sum + scale, 0)).toBeCloseTo(steps, 9);
      }),
    );
  });
});

describe('prepareBatch', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await temporaryFolder();
  });
  afterAll(() => rm(dir, { recursive: true }));

  test('prompts depend on seed, epoch and name, not on the batch that an image is in', async () => {
    const { train } = await writeSplits(dir);
    const model = await fakeEnvironment({ train, validation: [] }).openModel({} as never, {} as never, {} as never);
    const prompts = {
      kind: 'points',
      numPositive: 2,
      numNegative: 0,
      erode: true,
      dynamicDistance: false,
      perturbation: 0,
      pointSets: 'joint',
      padTo: 0,
    } as const;
    const source = { masks: new LowResMasks(64, undefined), embeddings: model.embeddings, prompts, seed: 1 };
    const pointsOf = async (list: readonly Sample[], epoch: number) => {
      const prepared = await prepareBatch(source, onlyBatch(list), epoch);
      prepared.dispose();
      return { points: [...prepared.batch.prompts.points!], valid: [...prepared.batch.validSizes] };
    };
    const all = await pointsOf(train, 3);
    expect(all.valid.slice(0, 4)).toEqual([48, 64, 48, 64]); // 16 x 12 on a grid of 64
    const second = await pointsOf([train[1]!], 3);
    expect(all.points.slice(4, 8)).toEqual(second.points);
    expect((await pointsOf([train[1]!], 4)).points).not.toEqual(second.points);
  });

  test('pixels without a label are told, in the view that the epoch sees; where all have one, nothing is', async () => {
    const { train } = await writeSplits(join(dir, 'labelled'));
    const model = await fakeEnvironment({ train, validation: [] }).openModel({} as never, {} as never, {} as never);
    const prompts = toPromptSettings(parseOptions(trainOptionsSchema, { data: 'x' }));
    const labelled = Uint8Array.from({ length: 16 * 12 }, (_, at) => (at % 16 < 4 ? 0 : 1));
    const draw = async () => ({ values: labelled, labelled, width: 16, height: 12 });
    const partly = { ...train[0]!, mask: { path: 'partly', draw } };
    const masks = new LowResMasks(16, undefined);
    const source = { masks, embeddings: model.embeddings, prompts, seed: 1, augment: 'flips' as const };
    const batchOf = async (list: readonly Sample[], epoch: number) => {
      const { batch, dispose } = await prepareBatch(source, onlyBatch(list), epoch);
      dispose();
      return batch;
    };
    expect('labelled' in (await batchOf([train[1]!, train[2]!], 0))).toBe(false);
    const seen = new Set<string>();
    for (let epoch = 0; epoch < 20; epoch++) {
      const { targets, labelled: told } = await batchOf([train[1]!, partly], epoch);
      expect(told!.subarray(0, 256)).toEqual(new Uint8Array(256).fill(1));
      expect(told!.subarray(256, 256 + 16 * 12)).toEqual(targets.subarray(256, 256 + 16 * 12));
      seen.add(told!.subarray(256, 256 + 16).join(''));
    }
    expect([...seen].sort()).toEqual(['0000111111111111', '1111111111110000']);
  });

  test('with --augment each epoch sees a view, its label and its embedding; validation sees the picture as it is', async () => {
    const { train } = await writeSplits(join(dir, 'views'));
    const sample = train[0]!;
    const read: (number | undefined)[] = [];
    const model = await fakeEnvironment({ train, validation: [] }).openModel({} as never, {} as never, {} as never);
    const embeddings = {
      read: (some: readonly Sample[]) => {
        read.push(...some.map(({ view }) => view));
        return model.embeddings.read(some);
      },
    };
    const prompts = { ...toPromptSettings(parseOptions(trainOptionsSchema, { data: 'x' })), erode: false };
    const masks = new LowResMasks(64, undefined);
    const source = { masks, embeddings, prompts, seed: 1, augment: 'dihedral' as const };
    const seen = new Set<number>();
    for (let epoch = 0; epoch < 40; epoch++) {
      const { batch, dispose } = await prepareBatch(source, onlyBatch([sample]), epoch);
      dispose();
      const view = read.at(-1)!;
      seen.add(view);
      // 16 x 12, or 12 x 16 where rows and columns have changed places.
      expect([...batch.validSizes]).toEqual(view < 4 ? [48, 64] : [64, 48]);
      const label = await masks.get({ ...sample, view });
      expect(batch.targets).toEqual(label.values);
      // The point lies in the label of the view, which 64 pixels of the model make a pixel of.
      const { values, width } = await decodeMask({ ...sample, view }, await imageSize({ ...sample, view }));
      const [x, y] = [0, 1].map((axis) => Math.round(batch.prompts.points![axis]! / 64)) as [number, number];
      expect(values[y * width + x]).toBe(1);
    }
    expect(seen.size).toBe(8);
    const { batch, dispose } = await prepareBatch(source, onlyBatch([sample]), 'validation');
    dispose();
    expect(batch.targets).toEqual((await masks.get(sample)).values);
    expect(read.at(-1)).toBeUndefined();
  });
});
