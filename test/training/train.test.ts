/** The whole loop with a model of one number: resuming, stopping, failing, what is written when. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SamError } from '../../lib/core/errors.js';
import type { TrainOptions } from '../../lib/options.js';
import { readCheckpointMetadata } from '../../lib/runs/checkpoints.js';
import type { TrainEvent, TrainResult } from '../../lib/runs/events.js';
import { readRunConfig } from '../../lib/runs/run-folder.js';
import { trainWith } from '../../lib/training/train.js';
import {
  type FakeEnvironment,
  fakeEnvironment,
  liveEmbeddings,
  temporaryFolder,
  writeSafetensors,
  writeSamples,
  writeSplits,
} from './fake.js';

let dir: string;
let splits: Awaited<ReturnType<typeof writeSplits>>;
const out = () => join(dir, 'run');
const options = (more: Partial<TrainOptions> = {}): Partial<TrainOptions> => ({
  data: 'fake',
  out: out(),
  epochs: 3,
  batchSize: 2,
  lr: 0.01,
  warmupSteps: 2,
  schedule: 'cosine',
  report: false, // run-reporter.test.ts
  ...more,
});

beforeEach(async () => {
  dir = await temporaryFolder();
  splits = await writeSplits(join(dir, 'data'));
});
afterEach(async () => {
  expect(liveEmbeddings()).toBe(0);
  await rm(dir, { recursive: true });
});

async function failure(promise: Promise<unknown>): Promise<SamError> {
  return promise.then(
    () => {
      throw new Error('expected a failure');
    },
    (error: unknown) => error as SamError,
  );
}

const historyLines = async (run = out()) =>
  (await readFile(join(run, 'history.jsonl'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

/** What must be equal of two runs: everything but where, when and how fast. */
async function essence(result: TrainResult, environment: FakeEnvironment) {
  const { trainLosses, validationLosses, validationIous, bestLoss, bestEpoch, steps } = result;
  const lines = (await historyLines(result.runDir)).map(({ seconds, samplesPerSecond, ...line }) => line);
  const best = await readCheckpointMetadata(result.bestCheckpoint);
  const { weight, momentum } = environment.trainer;
  return {
    trainLosses,
    validationLosses,
    validationIous,
    bestLoss,
    bestEpoch,
    steps,
    lines,
    weight,
    momentum,
    best: best.state,
  };
}

async function wholeRun(more: Partial<TrainOptions> = {}) {
  const environment = fakeEnvironment(splits);
  const result = await trainWith(options({ ...more, out: join(dir, 'whole') }), {}, environment).result;
  return essence(result, environment);
}

describe('a run', () => {
  test('gives its result, its folder and its events', async () => {
    const environment = fakeEnvironment(splits);
    const run = trainWith(options(), {}, environment);
    const events: TrainEvent[] = [];
    for await (const event of run) events.push(event);
    const result = await run.result;
    expect(result).toMatchObject({ epochs: 3, steps: 12, trainedSamples: 21, encodedImages: 10, stoppedEarly: false });
    expect(result.trainLosses).toHaveLength(3);
    expect(result.trainLosses[2]).toBeLessThan(result.trainLosses[0]!);
    expect(result.bestLoss).toBe(Math.min(...result.validationLosses));
    expect(events[0]).toMatchObject({ type: 'setup', trainImages: 7, validationImages: 3, stepsPerEpoch: 4 });
    expect(events.filter(({ type }) => type === 'step')).toHaveLength(12);
    expect(events.filter(({ type }) => type === 'epoch')).toHaveLength(3);
    expect(events.at(-1)).toEqual({ type: 'done', result });
    expect(environment.log).toEqual(['data', 'model', 'encode 10', 'disposed']);
    const lines = await historyLines();
    expect(lines.map(({ type }) => type[0]).join('')).toBe('sssse'.repeat(3));
    expect(lines[0]).toMatchObject({ step: 1, epoch: 1, learningRate: 0.001 });
    const config = await readRunConfig(out());
    expect(config).toMatchObject({ options: { epochs: 3, numPositive: 3 }, data: { train: { count: 7 } } });
  });

  test('checkpoints say everything that a resumed run and a reader need', async () => {
    const result = await trainWith(options(), {}, fakeEnvironment(splits)).result;
    const last = await readCheckpointMetadata(result.lastCheckpoint);
    expect(last).toMatchObject({
      formatVersion: 1,
      epoch: 3,
      step: 12,
      schedule: { name: 'cosine', rate: 0.01, warmupSteps: 2, totalSteps: 12 },
      random: { seed: 42, epoch: 3, batch: 0 },
      trainLosses: result.trainLosses,
      validationLosses: result.validationLosses,
      bestLoss: result.bestLoss,
      loss: { dice: 1, bce: 1, focal: 0, iou: 5 },
      model: { name: 'fake', weightsHash: 'w' },
      sourceWeights: 'w',
    });
    expect(last.trainHistory).toHaveLength(1);
    expect(last.trainHistory[0]).toMatchObject({ fromEpoch: 0, rate: { rate: 0.01 }, batch: { size: 2 }, epochs: 3 });
  });

  test('accumulates batches to one step', async () => {
    const environment = fakeEnvironment(splits);
    const result = await trainWith(options({ accumulate: 3, epochs: 1 }), {}, environment).result;
    expect(result.steps).toBe(2);
    expect(environment.trainer.calls.map(({ update }) => update)).toEqual([false, false, true, true]);
    expect(environment.trainer.calls[3]).toMatchObject({ images: 1, scale: 1 });
  });

  test('stops early when the validation loss no longer falls', async () => {
    const environment = fakeEnvironment(splits);
    environment.trainer.validationLosses = [3, 3, 2, 2, 2.5, 2.5, 2, 2, 2, 2]; // two batches an epoch
    const result = await trainWith(options({ epochs: 9, earlyStop: 2 }), {}, environment).result;
    expect(result).toMatchObject({ epochs: 4, bestEpoch: 2, stoppedEarly: true });
    expect((await readCheckpointMetadata(result.bestCheckpoint)).epoch).toBe(2);
    const again = await trainWith({ resume: out() }, {}, fakeEnvironment(splits)).result;
    expect(again).toMatchObject({ epochs: 4, stoppedEarly: true });
  });
});

/** A GPU for the fake: the loop keeps two batches in the trainer's queue. */
function fakeGpu(): FakeEnvironment & { most: number } {
  const fake = fakeEnvironment(splits);
  const { trainer } = fake;
  const step = trainer.step.bind(trainer);
  let inFlight = 0;
  const gpu = Object.assign(fake, {
    most: 0,
    compute: () => ({ device: 'cuda:0', precision: 'fp32' as const, cachePrecision: 'fp16' as const, name: 'GPU' }),
  });
  trainer.step = async (batch, settings) => {
    gpu.most = Math.max(gpu.most, ++inFlight);
    return step(batch, settings).finally(() => inFlight--);
  };
  const save = trainer.save.bind(trainer);
  trainer.save = async (path, metadata) => {
    expect(inFlight).toBe(0);
    return save(path, metadata);
  };
  return gpu;
}

describe('two batches in flight, on a GPU', () => {
  test('change nothing of what is trained and written', async () => {
    for (const more of [{}, { accumulate: 2 }, { batchSize: 7 }, { saveEvery: 1e-9 }]) {
      const gpu = fakeGpu();
      const result = await trainWith(options({ ...more, overwrite: true }), {}, gpu).result;
      expect(gpu.most).toBe('batchSize' in more ? 1 : 2);
      expect(await essence(result, gpu)).toEqual(await wholeRun({ ...more, overwrite: true }));
    }
  });

  test.each([1, 2, 3, 4, 5, 9])(
    'an abort in step %i loses none of them, and is gone on from bit for bit',
    async (at) => {
      for (const more of [{}, { accumulate: 2 }]) {
        const controller = new AbortController();
        const gpu = fakeGpu();
        gpu.trainer.onStep = (call) => {
          if (call >= at) controller.abort(new Error('stop'));
          return undefined;
        };
        const run = trainWith(options({ ...more, overwrite: true }), { signal: controller.signal }, gpu).result;
        expect(await failure(run)).toMatchObject({ code: 'SAM_INTERRUPTED' });
        const second = fakeGpu();
        const result = await trainWith({ resume: out() }, {}, second).result;
        expect(await essence(result, second)).toEqual(await wholeRun({ ...more, overwrite: true }));
      }
    },
  );

  test('a NaN loss stops the run when the other has come back', async () => {
    const gpu = fakeGpu();
    let steps = 0;
    gpu.trainer.onStep = () => (++steps === 2 ? 'nan' : undefined);
    const error = await failure(trainWith(options({ saveEvery: 1e9 }), {}, gpu).result);
    expect(error).toMatchObject({ code: 'SAM_NAN_LOSS', message: expect.stringContaining('epoch 1, step 2') });
    expect(steps).toBe(3);
  });
});

describe('a resumed run', () => {
  test.each([1, 2, 3, 4, 5, 9])('goes on bit for bit after an abort in step %i', async (at) => {
    const controller = new AbortController();
    const environment = fakeEnvironment(splits);
    environment.trainer.onStep = (call) => {
      if (call === at) controller.abort(new Error('stop'));
      return undefined;
    };
    const error = await failure(trainWith(options(), { signal: controller.signal }, environment).result);
    expect(error).toMatchObject({ code: 'SAM_INTERRUPTED', exitCode: 130 });
    expect(error.fix).toContain(`--resume ${out()}`);
    const second = fakeEnvironment(splits);
    const result = await trainWith({ resume: out() }, {}, second).result;
    expect(await essence(result, second)).toEqual(await wholeRun());
    expect((await readCheckpointMetadata(result.lastCheckpoint)).trainHistory).toHaveLength(2);
  });

  test.each([1, 3, 6, 7, 11])('goes on bit for bit when killed in step %i', async (at) => {
    const environment = fakeEnvironment(splits);
    // Killed: nothing more is saved, and the history is ahead of the checkpoint.
    environment.trainer.onStep = (call) => {
      if (call === at) throw new Error('killed');
      return undefined;
    };
    await failure(trainWith(options(), {}, environment).result);
    const second = fakeEnvironment(splits);
    const result = await trainWith({ resume: '', out: out() }, {}, second).result;
    expect(await essence(result, second)).toEqual(await wholeRun());
  });

  test('goes on from a checkpoint within an epoch, between groups of batches', async () => {
    const environment = fakeEnvironment(splits);
    let saves = 0;
    environment.trainer.onSave = () => {
      if (++saves === 5) throw new Error('killed'); // in the second epoch, at its third save
    };
    const more = { accumulate: 2, saveEvery: 1e-9 };
    await failure(trainWith(options(more), {}, environment).result);
    expect((await readCheckpointMetadata(join(out(), 'checkpoints', 'last.safetensors'))).state).toMatchObject({
      epoch: 1,
      batch: 2,
      sampleCount: 4,
    });
    const second = fakeEnvironment(splits);
    const result = await trainWith({ resume: out() }, {}, second).result;
    expect(await essence(result, second)).toEqual(await wholeRun(more));
  });

  test('goes on when killed between writing best and last', async () => {
    const environment = fakeEnvironment(splits);
    environment.trainer.onSave = (path) => {
      if (!path.endsWith('best.safetensors')) return;
      environment.trainer.onStep = () => {
        throw new Error('killed');
      };
    };
    await failure(trainWith(options(), {}, environment).result);
    await rm(join(out(), 'checkpoints', 'last.safetensors')); // as if the second name had not been written
    const second = fakeEnvironment(splits);
    const result = await trainWith({ resume: out() }, {}, second).result;
    expect(await essence(result, second)).toEqual(await wholeRun());
  });

  test('fewer epochs than it has change nothing, and it says so', async () => {
    await trainWith(options(), {}, fakeEnvironment(splits)).result;
    const notes: string[] = [];
    const onProgress = (event: TrainEvent) => event.type === 'note' && notes.push(event.message);
    const result = await trainWith({ resume: out(), epochs: 2 }, { onProgress }, fakeEnvironment(splits)).result;
    expect(result.epochs).toBe(3);
    expect(notes).toEqual([`${out()} has 3 epochs already: \`epochs\` 2 takes none of them back`]);
  });

  test('a finished run just reports; with more epochs it goes on', async () => {
    const first = await trainWith(options({ schedule: 'constant' }), {}, fakeEnvironment(splits)).result;
    const idle = fakeEnvironment(splits);
    const again = await trainWith({ resume: out() }, {}, idle).result;
    expect(idle.log).toEqual([]);
    expect(again).toMatchObject({ trainLosses: first.trainLosses, bestLoss: first.bestLoss, trainedSamples: 0 });
    const longer = await trainWith({ resume: out(), epochs: 5 }, {}, fakeEnvironment(splits)).result;
    expect(longer.trainLosses).toHaveLength(5);
    expect(longer.trainLosses.slice(0, 3)).toEqual(first.trainLosses);
    expect((await readRunConfig(out())).options.epochs).toBe(5);
  });

  test('refuses options that disagree, naming them with both values', async () => {
    await trainWith(options(), {}, fakeEnvironment(splits)).result;
    const error = await failure(
      trainWith({ resume: out(), lr: 0.5, batchSize: 2 }, {}, fakeEnvironment(splits)).result,
    );
    expect(error).toMatchObject({ code: 'SAM_BAD_OPTION', exitCode: 2 });
    expect(error.message).toBe('`lr` is 0.5 here and 0.01 in the run');
  });

  test('refuses a model that has become another one', async () => {
    await trainWith(options(), {}, fakeEnvironment(splits)).result;
    const changed = fakeEnvironment(splits, { weightsHash: 'other' });
    const error = await failure(trainWith({ resume: out(), epochs: 4 }, {}, changed).result);
    expect(error).toMatchObject({
      code: 'SAM_BAD_CHECKPOINT',
      message: expect.stringContaining('weights of fake changed'),
    });
    expect(changed.log).toEqual(['data', 'model', 'disposed']); // before anything is encoded
  });

  test('refuses other data, a folder without a run, and a broken checkpoint', async () => {
    await trainWith(options(), {}, fakeEnvironment(splits)).result;
    const resumed = { resume: out(), epochs: 4 };
    const fewer = { ...splits, train: splits.train.slice(1) };
    expect(await failure(trainWith(resumed, {}, fakeEnvironment(fewer)).result)).toMatchObject({
      code: 'SAM_BAD_DATA',
    });
    const nowhere = trainWith({ resume: join(dir, 'nowhere') }, {}, fakeEnvironment(splits));
    expect(await failure(nowhere.result)).toMatchObject({ code: 'SAM_NOT_FOUND' });
    await writeFile(join(out(), 'checkpoints', 'last.safetensors'), 'cut');
    expect(await failure(trainWith(resumed, {}, fakeEnvironment(splits)).result)).toMatchObject({
      code: 'SAM_BAD_CHECKPOINT',
    });
  });
});

describe('when something is wrong', () => {
  test('a NaN loss stops the run, names the images and keeps the last good checkpoint', async () => {
    const environment = fakeEnvironment(splits);
    environment.trainer.onStep = (call) => (call === 6 ? 'nan' : undefined);
    const error = await failure(trainWith(options(), {}, environment).result);
    expect(error).toMatchObject({ code: 'SAM_NAN_LOSS', exitCode: 1 });
    expect(error.message).toMatch(/not finite in epoch 2, step 6; images of the batch: t\d, t\d$/);
    expect((await readCheckpointMetadata(join(out(), 'checkpoints', 'last.safetensors'))).step).toBe(4);
    expect(error.fix).toContain(join(out(), 'checkpoints', 'last.safetensors'));
    expect((await historyLines()).at(-1)).toMatchObject({ type: 'step', step: 6, loss: 'NaN' });
  });

  test('fp16 steps that the loss scaler leaves out are told; where it gives up, the run ends', async () => {
    const environment = fakeEnvironment(splits);
    environment.compute = () => ({ device: 'cuda:0', precision: 'fp16', cachePrecision: 'fp16', name: 'GPU' });
    environment.trainer.onStep = (call) => (call === 7 ? 'give up' : call === 2 || call === 6 ? 'skip' : undefined);
    const error = await failure(trainWith(options(), {}, environment).result);
    expect(error).toMatchObject({ code: 'SAM_NAN_LOSS', fix: expect.stringContaining('`precision` fp32') });
    expect(error.message).toMatch(
      /^at every loss scale of fp16 the gradients are not finite in epoch 2, step 7; images/,
    );
    const steps = (await historyLines()).filter(({ type }) => type === 'step');
    expect(steps.map(({ skipped = false }) => skipped)).toEqual([false, true, false, false, false, true, true]);
    expect(steps[1]).toMatchObject({ loss: expect.any(Number), gradientNorm: 'Infinity' });
    expect(steps[6]).toMatchObject({ loss: 'NaN' });
  });

  test('a NaN loss before anything was saved leaves no run folder behind', async () => {
    const environment = fakeEnvironment(splits);
    environment.trainer.onStep = () => 'nan';
    const deep = join(dir, 'runs', 'deep');
    const error = await failure(trainWith(options({ out: deep }), {}, environment).result);
    expect(error).toMatchObject({ code: 'SAM_NAN_LOSS', fix: expect.stringContaining('nothing was saved yet') });
    expect(existsSync(join(dir, 'runs'))).toBe(false);

    await mkdir(deep, { recursive: true });
    await writeFile(join(deep, 'notes.txt'), 'mine');
    await failure(trainWith(options({ out: deep }), {}, environment).result);
    expect(await readdir(deep)).toEqual(['notes.txt']);
  });

  test('what a killed process was writing is removed when the run goes on', async () => {
    await trainWith(options(), {}, fakeEnvironment(splits)).result;
    const checkpoints = join(out(), 'checkpoints');
    for (const name of ['last.safetensors.tmp-17-0', 'last.safetensors.tmp-0123456789abcdef'])
      await writeFile(join(checkpoints, name), 'half');
    await trainWith({ resume: out(), epochs: 4 }, {}, fakeEnvironment(splits)).result;
    expect((await readdir(checkpoints)).sort()).toEqual(['best.safetensors', 'last.safetensors']);
  });

  test('bad labels are all named in one error, and no run folder is made', async () => {
    await writeFile(splits.train[1]!.mask!.path, 'no picture');
    await writeFile(
      splits.validation[0]!.mask!.path,
      await readFile(splits.train[0]!.mask!.path).then((b) => b.subarray(0, 60)),
    );
    const error = await failure(trainWith(options(), {}, fakeEnvironment(splits)).result);
    expect(error).toMatchObject({ code: 'SAM_BAD_DATA', exitCode: 2 });
    expect(error.message).toContain('t1-mask.png');
    expect(error.message).toContain('v0-mask.png');
    expect(existsSync(out())).toBe(false);
    const skipping = await trainWith(options({ skipBad: true }), {}, fakeEnvironment(splits)).result;
    expect(skipping).toMatchObject({ trainImages: 6, validationImages: 2 });
  });

  test('an empty label fails, or is left out with --on-empty skip', async () => {
    const [empty] = await writeSamples(join(dir, 'empty'), ['e0'], 0);
    const withEmpty = { ...splits, train: [...splits.train, empty!] };
    const error = await failure(trainWith(options(), {}, fakeEnvironment(withEmpty)).result);
    expect(error.message).toContain('e0-mask.png: the mask is empty');
    const run = trainWith(options({ onEmpty: 'skip' }), {}, fakeEnvironment(withEmpty));
    const warnings: string[] = [];
    for await (const event of run) if (event.type === 'warning') warnings.push(event.message);
    expect(warnings).toEqual([expect.stringContaining('e0-mask.png')]);
    expect((await run.result).trainImages).toBe(7);
  });

  test('doubts about labels are one warning each, for all of them; runs of a workbench say nothing', async () => {
    const labels = [...splits.train.slice(0, 3), splits.validation[0]!].map(({ mask }) => mask!.path);
    const values = Uint8Array.from({ length: 16 * 12 }, (_, at) => (at % 16 < 3 ? 255 : at % 16 < 9 ? 1 : 0));
    for (const path of labels)
      await sharp(values, { raw: { width: 16, height: 12, channels: 1 } })
        .png()
        .toFile(path);
    for (const doubtsLabels of [true, false]) {
      const environment = { ...fakeEnvironment(splits), doubtsLabels };
      const run = trainWith(options({ epochs: 1, overwrite: true }), {}, environment);
      const warnings: string[] = [];
      for await (const event of run) if (event.type === 'warning') warnings.push(event.message);
      expect(warnings).toEqual(
        doubtsLabels ? [expect.stringMatching(/^mask .*, and 3 more of 10, has few values/)] : [],
      );
    }
  });

  test('an object too thin for the grid fails as one that is lost, not as an empty mask', async () => {
    const values = Uint8Array.from({ length: 1024 * 64 }, (_, at) => Number(at % 1024 === 1));
    const draw = async () => ({ values, width: 1024, height: 64 });
    const image = join(dir, 'wide.png');
    await sharp({ create: { width: 1024, height: 64, channels: 3, background: '#405060' } })
      .png()
      .toFile(image);
    const thin = { name: 'thin', image: { path: image }, mask: { path: 'thin.png', draw } };
    const withThin = { ...splits, train: [...splits.train, thin] };
    const error = await failure(trainWith(options(), {}, fakeEnvironment(withThin)).result);
    expect(error.message).toMatch(/^thin\.png: its object, 64 pixels of 1024 x 64, is lost on the decoder's grid of/);
    expect(error.fix).toMatch(/^mend them \(a lost object: cut .*`onEmpty` skip/);
    expect(error.fix).not.toContain('threshold');
  });

  test('an --out with a run is refused before any work, and replaced with --overwrite', async () => {
    await trainWith(options({ epochs: 1 }), {}, fakeEnvironment(splits)).result;
    await writeFile(join(out(), 'notes.txt'), 'mine');
    const environment = fakeEnvironment(splits);
    const error = await failure(trainWith(options(), {}, environment).result);
    expect(error).toMatchObject({ code: 'SAM_RUN_EXISTS', exitCode: 2 });
    expect(environment.log).toEqual([]);
    const result = await trainWith(options({ overwrite: true }), {}, fakeEnvironment(splits)).result;
    expect(result.trainLosses).toHaveLength(3);
    expect(existsSync(join(out(), 'notes.txt'))).toBe(true);
  });

  test('an --out that cannot be written, and runs of a newer version, are refused before any work', async () => {
    const environment = fakeEnvironment(splits);
    await writeFile(join(dir, 'file'), '');
    const blocked = await failure(trainWith(options({ out: join(dir, 'file', 'run') }), {}, environment).result);
    expect(blocked).toMatchObject({ code: 'SAM_BAD_OPTION', message: expect.stringContaining('a file is in the way') });
    expect(environment.log).toEqual([]);
    await trainWith(options({ epochs: 1 }), {}, environment).result;
    const config = join(out(), 'config.json');
    const text = await readFile(config, 'utf8');
    await writeFile(config, text.replace('"formatVersion": 1', '"formatVersion": 2'));
    const newer = await failure(trainWith({ resume: out() }, {}, environment).result);
    expect(newer).toMatchObject({ code: 'SAM_BAD_CHECKPOINT', fix: expect.stringContaining('update') });
    expect(String(newer)).toContain(`${config} was written by a newer sam-native (format 2; this one reads 1)`);
  });

  test('an abort while encoding leaves no run folder', async () => {
    const error = await failure(trainWith(options(), { signal: AbortSignal.abort() }, fakeEnvironment(splits)).result);
    expect(error).toMatchObject({ code: 'SAM_INTERRUPTED' });
    expect(existsSync(out())).toBe(false);
  });

  test('an `await using` block that is left stops the run, which saves and goes on later', async () => {
    const first = fakeEnvironment(splits);
    let result: Promise<TrainResult>;
    {
      await using run = trainWith(options(), {}, first);
      result = run.result;
      for await (const event of run) if (event.type === 'step') break;
    }
    expect(await failure(result)).toMatchObject({ code: 'SAM_INTERRUPTED' });
    const second = fakeEnvironment(splits);
    expect(await essence(await trainWith({ resume: out() }, {}, second).result, second)).toEqual(await wholeRun());
  });

  test('an `await using` block waits for a run that has ended, or failed', async () => {
    let failed: Promise<TrainResult>;
    {
      await using run = trainWith({ epochs: 0 }, {}, fakeEnvironment(splits));
      failed = run.result;
    }
    expect(await failure(failed)).toMatchObject({ code: 'SAM_BAD_OPTION' });
    {
      await using run = trainWith(options(), {}, fakeEnvironment(splits));
      expect((await run.result).epochs).toBe(3);
    }
  });

  test('wrong options are all named', async () => {
    const error = await failure(trainWith({ epochs: 0, batchSize: 1.5 }, {}, fakeEnvironment(splits)).result);
    expect(error).toMatchObject({ code: 'SAM_BAD_OPTION', exitCode: 2 });
    for (const name of ['`data` is missing', '`epochs` 0', '`batchSize` 1.5']) expect(error.message).toContain(name);
  });
});

describe('a run that makes its model worse', () => {
  /** Trains with these validation losses, two batches an epoch (IoU is 1 / (1 + loss)), and returns what it warned of. */
  async function warned(losses: number[], given: Partial<TrainOptions>, environment = fakeEnvironment(splits)) {
    environment.trainer.validationLosses = losses.flatMap((loss) => [loss, loss]);
    const warnings: TrainEvent[] = [];
    const onProgress = (event: TrainEvent) => event.type === 'warning' && warnings.push(event);
    const result = await trainWith(given, { onProgress }, environment).result;
    return { warnings, result, untuned: result.untunedIou! };
  }

  test('is warned of once, after three epochs below the untuned score, and its result says so', async () => {
    const { warnings, result, untuned } = await warned([9, 9, 9, 4, 4], options({ epochs: 5 }));
    expect(untuned).toBeGreaterThan(0.5);
    expect(warnings).toEqual([
      {
        type: 'warning',
        code: 'SAM_BAD_OPTION',
        message:
          `for 3 epochs worse than untuned: mean IoU 0.1000, untuned ${untuned.toFixed(4)} ` +
          `(${(untuned - 0.1).toFixed(4)} less); lower \`lr\` (it is 0.01), or see sam-native tune`,
      },
    ]);
    expect(result).toMatchObject({ bestEpoch: 4, worseThanUntuned: true });
  });

  test('is not one that is worse for a while', async () => {
    const { warnings, result } = await warned([9, 9, 0, 9, 9], options({ epochs: 5 }));
    expect(warnings).toEqual([]);
    expect(result).toMatchObject({ bestEpoch: 3, worseThanUntuned: false });
  });

  test('says so in the end, however early it stops', async () => {
    const { warnings, result } = await warned([9, 9.5, 0, 0], options({ epochs: 4, earlyStop: 1 }));
    expect(warnings).toEqual([]);
    expect(result).toMatchObject({ epochs: 2, bestEpoch: 1, stoppedEarly: true, worseThanUntuned: true });
  });

  test('is still known when it goes on, and when it is asked for again', async () => {
    const first = await warned([9, 9], options({ epochs: 2, schedule: 'constant' }));
    expect(first.warnings).toEqual([]);
    const on = await warned([9, 9], { resume: out(), epochs: 4 });
    expect(on.untuned).toBe(first.untuned);
    expect(on.warnings).toEqual([expect.objectContaining({ message: expect.stringContaining('for 3 epochs worse') })]);
    expect(await trainWith({ resume: out() }, {}, fakeEnvironment(splits)).result).toMatchObject({
      untunedIou: first.untuned,
      worseThanUntuned: true,
    });
  });

  test('costs one look at the validation images and encodes nothing; runs of a search do without', async () => {
    const looks = async (measuresUntuned: boolean) => {
      const environment = { ...fakeEnvironment(splits), measuresUntuned };
      const { validate } = environment.trainer;
      let count = 0;
      environment.trainer.validate = (batch) => {
        count++;
        return validate.call(environment.trainer, batch);
      };
      const { untunedIou } = await trainWith(options({ overwrite: true }), {}, environment).result;
      expect(environment.log.filter((line) => line.startsWith('encode'))).toHaveLength(1);
      return { count, known: untunedIou !== null };
    };
    expect(await looks(true)).toEqual({ count: 2 * 4, known: true });
    expect(await looks(false)).toEqual({ count: 2 * 3, known: false });
  });

  test('an abort while the untuned model is looked at leaves no run folder', async () => {
    const controller = new AbortController();
    const onProgress = (event: TrainEvent) => {
      if (event.type === 'validate' && event.epoch === 0) controller.abort(new Error('stop'));
    };
    const run = trainWith(options(), { signal: controller.signal, onProgress }, fakeEnvironment(splits));
    expect(await failure(run.result)).toMatchObject({
      code: 'SAM_INTERRUPTED',
      message: 'interrupted before the first step',
    });
    expect(existsSync(out())).toBe(false);
  });

  test('a checkpoint of an earlier version goes on without the untuned score', async () => {
    const first = await trainWith(options({ epochs: 1, schedule: 'constant' }), {}, fakeEnvironment(splits)).result;
    const bytes = await readFile(first.lastCheckpoint);
    const length = Number(bytes.readBigUInt64LE());
    const { __metadata__: metadata, ...tensors } = JSON.parse(bytes.subarray(8, 8 + length).toString());
    const { untunedIou: _, ...state } = JSON.parse(metadata.state);
    const header = { __metadata__: { ...metadata, state: JSON.stringify(state) }, ...tensors };
    await writeSafetensors(first.lastCheckpoint, header, bytes.subarray(8 + length));
    const { warnings, result } = await warned([9, 9, 9], { resume: out(), epochs: 4 });
    expect(warnings).toEqual([]);
    expect(result).toMatchObject({ epochs: 4, untunedIou: null, worseThanUntuned: false });
  });
});

describe('--mirror', () => {
  test('holds a whole run that can be gone on with', async () => {
    const mirror = join(dir, 'mirror');
    await trainWith(options({ mirror, schedule: 'constant' }), {}, fakeEnvironment(splits)).result;
    const result = await trainWith({ resume: mirror, epochs: 4 }, {}, fakeEnvironment(splits)).result;
    expect(result.runDir).toBe(mirror);
    expect(result.trainLosses).toHaveLength(4);
  });

  test('that cannot be written is one warning, not a failure', async () => {
    await mkdir(join(dir, 'file-parent'));
    await writeFile(join(dir, 'file-parent', 'file'), '');
    const run = trainWith(options({ mirror: join(dir, 'file-parent', 'file') }), {}, fakeEnvironment(splits));
    const warnings: TrainEvent[] = [];
    for await (const event of run) if (event.type === 'warning') warnings.push(event);
    expect(warnings).toEqual([{ type: 'warning', code: 'SAM_IO', message: expect.stringContaining('`mirror`') }]);
    expect((await run.result).epochs).toBe(3);
  });
});

describe('validation images that are near-duplicates of training images', () => {
  const alike = (value: (name: string) => number) => {
    const environment = fakeEnvironment(splits);
    const { openModel } = environment;
    environment.openModel = async (...args) => {
      const model = await openModel(...args);
      const { read } = model.embeddings;
      const embeddings = {
        ...model.embeddings,
        read: async (samples: Parameters<typeof read>[0]) => {
          const made = await read(samples);
          made.toFloat32Array = () => {
            const channel = value(samples[0]!.name);
            return Float32Array.from({ length: 256 * 64 * 64 }, (_, at) => Number(Math.floor(at / 4096) === channel));
          };
          return made;
        },
      };
      return { ...model, embeddings };
    };
    return environment;
  };
  const warningsOf = async (environment: FakeEnvironment, more: Partial<TrainOptions> = {}) => {
    const warnings: string[] = [];
    const onProgress = (event: TrainEvent) => void (event.type === 'warning' && warnings.push(event.message));
    await trainWith(options({ epochs: 1, ...more }), { onProgress }, environment).result;
    return warnings;
  };

  test('are named before the run trains, and not again when it goes on', async () => {
    const first = await warningsOf(
      alike((name) => (name === 'v1' ? 5 : name === 't2' ? 5 : name.charCodeAt(1) + (name[0] === 'v' ? 100 : 0))),
    );
    expect(first).toEqual([
      expect.stringMatching(/^1 image held out is a near-duplicate of a training image: v1 \(validation\) of t2;/),
    ]);
    expect(
      await warningsOf(
        alike(() => 1),
        { epochs: 2, resume: out() },
      ),
    ).toEqual([]);
  });

  test('that differ are not', async () => {
    expect(await warningsOf(alike((name) => name.charCodeAt(1) + (name[0] === 'v' ? 100 : 0)))).toEqual([]);
  });
});
