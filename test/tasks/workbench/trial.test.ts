/** A trial is `train` itself, stopped and gone on with: held against a run that was never stopped. */
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DataSplits } from '../../../lib/data/sample.js';
import { trainOptionsSchema } from '../../../lib/options.js';
import { readCheckpointMetadata } from '../../../lib/runs/checkpoints.js';
import { runPaths } from '../../../lib/runs/run-folder.js';
import { Trial } from '../../../lib/tasks/workbench/trial.js';
import { trainWith } from '../../../lib/training/train.js';
import { fakeEnvironment, temporaryFolder, writeSplits } from '../../training/fake.js';

let dir: string;
let splits: DataSplits;
beforeEach(async () => {
  dir = await temporaryFolder();
  splits = await writeSplits(dir);
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const setting = { lr: 0.05, loss: 'dice', prompt: 'points' } as const;

function optionsFor(name: string, more: object = {}) {
  const base = { data: 'd', epochs: 6, batchSize: 2, warmupSteps: 0, schedule: 'cosine', report: false };
  return { ...trainOptionsSchema.parse({ ...base, ...setting, ...more }), out: join(dir, name) };
}

const quiet = { signal: undefined, onProgress: () => {} };

/** Losses and rates of every step and epoch, without what took how long. */
async function told(run: string): Promise<unknown[]> {
  const lines = (await readFile(runPaths(run).history, 'utf8')).trim().split('\n');
  return lines.map((line) => ({ ...JSON.parse(line), seconds: 0, samplesPerSecond: 0 }));
}

test('rung after rung it is the run that was never stopped', async () => {
  const whole = optionsFor('whole');
  const { validationIous, bestEpoch } = await trainWith(whole, {}, fakeEnvironment(splits)).result;
  const trial = new Trial(1, setting, optionsFor('trial'));
  for (const epochs of [1, 3, 6]) {
    await trial.trainTo(epochs, quiet, fakeEnvironment(splits));
    expect(trial.epochs).toBe(epochs);
  }
  expect(await told(trial.options.out)).toEqual(await told(whole.out));
  expect(trial.bestEpoch).toBe(bestEpoch);
  expect(trial.iou).toBe(validationIous[bestEpoch - 1]);
  expect(existsSync(trial.checkpoint)).toBe(true);
  // Trials are held against each other: none spends time on the untuned model.
  expect((await readCheckpointMetadata(trial.checkpoint)).state.untunedIou).toBeNull();
});

test('its IoU is that of its best checkpoint, not that of its last epoch', async () => {
  const from = fakeEnvironment(splits);
  from.trainer.validationLosses = [3, 3, 1, 1, 2, 2]; // two batches an epoch
  const trial = new Trial(1, setting, optionsFor('trial'));
  await trial.trainTo(3, quiet, from);
  expect(trial).toMatchObject({ bestEpoch: 2, iou: 0.5, epochs: 3 });
});

test('a loss that is not finite fails it; what else goes wrong is thrown', async () => {
  const from = fakeEnvironment(splits);
  from.trainer.onStep = (call) => (call === 6 ? 'nan' : undefined);
  const trial = new Trial(1, setting, optionsFor('trial'));
  await trial.trainTo(6, quiet, from);
  expect(trial.failure).toContain('the loss is not finite');
  expect(trial.iou).toBeNull();

  const other = new Trial(2, setting, optionsFor('other'));
  const broken = { ...fakeEnvironment(splits), openModel: () => Promise.reject(new Error('gone')) };
  await expect(other.trainTo(6, quiet, broken)).rejects.toMatchObject({ code: 'SAM_INTERNAL' });
});

test('a step that fails as the rung ends is no end of the rung', async () => {
  const from = fakeEnvironment(splits);
  from.trainer.onStep = (call) => (call === 5 ? 'nan' : undefined); // the first of the second epoch
  const trial = new Trial(1, setting, optionsFor('trial'));
  await trial.trainTo(1, quiet, from);
  expect(trial.failure).toContain('the loss is not finite in epoch 2');
});

test("an abort of the caller's ends it with the caller's reason", async () => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const from = fakeEnvironment(splits);
  from.trainer.onStep = (call) => {
    if (call === 2) controller.abort(reason);
    return undefined;
  };
  const trial = new Trial(1, setting, optionsFor('trial'));
  await expect(trial.trainTo(3, { ...quiet, signal: controller.signal }, from)).rejects.toBe(reason);
});

test('one that stops early is done, and stays so when it is promoted', async () => {
  const from = fakeEnvironment(splits);
  from.trainer.validationLosses = [1, 1, 2, 2, 3, 3, 4, 4];
  const trial = new Trial(1, setting, optionsFor('trial', { earlyStop: 1 }));
  await trial.trainTo(3, quiet, from);
  expect(trial.epochs).toBe(2);
  await trial.trainTo(6, quiet, from);
  expect(trial).toMatchObject({ epochs: 2, bestEpoch: 1, failure: null });
});
