/** Several models, threads and calls at once: nothing of one shows in the results of another. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NativeBinding, Precision, SamModel, Trainer } from '../../lib/addon/native.js';
import { batchOf, loadModel, STEP, TRAINING } from './children/inputs.mjs';
import { prepareAddon } from './support.js';

const STEPS = 4;
let addon: NativeBinding;
let defaultThreads: number;

beforeAll(async () => {
  addon = await prepareAddon();
  defaultThreads = addon.info().threads;
});

afterAll(() => addon.setThreads(defaultThreads));

/** A trainer of a model of its own, stepping on batches of its own. */
class Training {
  readonly losses: number[] = [];
  private constructor(
    private readonly model: SamModel,
    private readonly trainer: Trainer,
    private readonly seed: number,
  ) {}

  static async start(precision: Precision, seed: number): Promise<Training> {
    const model = await loadModel(addon, precision);
    return new Training(model, addon.createTrainer(model, TRAINING), seed);
  }

  async step(): Promise<void> {
    const batch = batchOf(addon, this.seed);
    const result = this.trainer.step(batch, STEP);
    batch.embeddings.dispose();
    this.losses.push((await result).loss);
  }

  end(): number[] {
    this.trainer.dispose();
    this.model.dispose();
    return this.losses;
  }
}

async function alone(precision: Precision, seed: number): Promise<number[]> {
  const training = await Training.start(precision, seed);
  for (let i = 0; i < STEPS; i++) await training.step();
  return training.end();
}

describe('two models in one process', () => {
  let expected: { fp32: number[]; bf16: number[] };

  beforeAll(async () => {
    expected = { fp32: await alone('fp32', 1), bf16: await alone('bf16', 2) };
  });

  it('learn, each by itself', () => {
    expect(expected.fp32.at(-1)).toBeLessThan(expected.fp32[0]!);
    expect(expected.bf16.at(-1)).toBeLessThan(expected.bf16[0]!);
    expect(expected.fp32).not.toEqual(expected.bf16);
  });

  it('give bit for bit the same losses alternately', async () => {
    const [fp32, bf16] = [await Training.start('fp32', 1), await Training.start('bf16', 2)];
    for (let i = 0; i < STEPS; i++) {
      await fp32.step();
      await bf16.step();
    }
    expect({ fp32: fp32.end(), bf16: bf16.end() }).toEqual(expected);
  });

  it('give bit for bit the same losses at the same time, with all their steps asked for at once', async () => {
    const [fp32, bf16] = [await Training.start('fp32', 1), await Training.start('bf16', 2)];
    const all = Array.from({ length: STEPS }, () => [fp32.step(), bf16.step()]);
    await Promise.all(all.flat());
    expect({ fp32: fp32.end(), bf16: bf16.end() }).toEqual(expected);
  });

  it('are there as little afterwards as before', () => {
    expect(addon.info().liveHandles).toBe(0);
  });
});

describe('worker threads', () => {
  it('train at the same time, each with the losses of the main thread; three times over', async () => {
    const expected = await alone('fp32', 1);
    const script = new URL('./children/worker.mjs', import.meta.url);
    for (let round = 0; round < 3; round++) {
      const workers = [0, 1].map(() => new Worker(script, { workerData: { steps: STEPS } }));
      const losses = await Promise.all(
        workers.map(async (worker) => {
          await once(worker, 'message'); // it works
          const [{ losses }] = (await once(worker, 'message')) as [{ losses: number[] }];
          await worker.terminate();
          return losses;
        }),
      );
      expect(losses).toEqual([expected, expected]);
      expect(addon.info().liveHandles).toBe(0);
    }
  });
});

describe('the compute lane', () => {
  it('does what was asked first, first', async () => {
    const model = await loadModel(addon);
    const trainer = addon.createTrainer(model, TRAINING);
    const order: string[] = [];
    const done = (name: string) => () => void order.push(name);
    const batch = batchOf(addon);
    const { embeddings, prompts } = batch;
    await Promise.all([
      trainer.step(batch, STEP).then(done('step')),
      model.decode({ embeddings, prompts, maskOutput: 'single' }).then(done('decode')),
      trainer.validate(batch).then(done('validate')),
      trainer.step(batch, STEP).then(done('another step')),
      model.decode({ embeddings, prompts, maskOutput: 'multi' }).then(done('another decode')),
    ]);
    expect(order).toEqual(['step', 'decode', 'validate', 'another step', 'another decode']);
    for (const handle of [trainer, model, embeddings]) handle.dispose();
  });

  it.each([1, 2])('takes setThreads(%i), and each number of threads repeats itself bit for bit', async (threads) => {
    addon.setThreads(threads);
    expect(addon.info().threads).toBe(threads);
    const first = await alone('fp32', 3);
    expect(await alone('fp32', 3)).toEqual(first);
  });

  it.each([0, -1, 1.5, Number.NaN, 5000, '2', undefined])('refuses %s threads', (threads) => {
    expect(() => addon.setThreads(threads as number)).toThrow(
      expect.objectContaining({ code: 'SAM_BAD_ARGUMENT', message: expect.stringContaining('threads') }),
    );
  });
});
