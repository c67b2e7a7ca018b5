/** What a reader fears most: that a wrong call brings the process down. Every one of these gives a coded error instead. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  Embeddings,
  ImageEncoder,
  NativeBinding,
  NativeErrorCode,
  SamModel,
  Trainer,
  TrainingBatch,
} from '../../lib/addon/native.js';
import { batchOf, EMBEDDING, loadEncoder, loadModel, onePoint, picture, STEP, TRAINING } from './children/inputs.mjs';
import { compileNeighbour, prepareAddon } from './support.js';

let addon: NativeBinding;
let model: SamModel;
let trainer: Trainer;
let encoder: ImageEncoder;
let batch: TrainingBatch;
let embeddings: Embeddings;
/** Another addon, whose External might pass for one of ours. */
let neighbour: { external(): unknown };
const folder = mkdtempSync(join(tmpdir(), 'sam-handles-'));

beforeAll(async () => {
  addon = await prepareAddon();
  neighbour = createRequire(import.meta.url)(compileNeighbour(folder)) as typeof neighbour;
  model = await loadModel(addon);
  trainer = addon.createTrainer(model, TRAINING);
  encoder = await loadEncoder(addon);
  batch = batchOf(addon);
  embeddings = batch.embeddings;
});

afterAll(() => {
  for (const handle of [trainer, model, encoder, embeddings]) handle.dispose();
  rmSync(folder, { recursive: true, force: true });
});

/** Throws or rejects with this code; whichever it is, it is no crash. */
async function expectCode(code: NativeErrorCode, call: () => unknown): Promise<void> {
  const failure = await Promise.resolve()
    .then(call)
    .then(
      (value) => ({ code: undefined, value }),
      (error: unknown) => error,
    );
  expect(failure).toMatchObject({ code });
}

/** A value that TypeScript would not allow here. */
const wrong = (value: unknown) => value as never;

/** Typed arrays that aren't what they seem. */
function detached<T extends Float32Array | Uint8Array | Int32Array>(array: T): T {
  structuredClone(array.buffer, { transfer: [array.buffer as ArrayBuffer] });
  return array;
}

describe('a disposed handle', () => {
  it('may be disposed again, under either name', () => {
    const start = addon.info().liveHandles;
    const handle = addon.embeddingsFrom(new Float32Array(EMBEDDING));
    expect(addon.info().liveHandles).toBe(start + 1);
    handle.dispose();
    handle[Symbol.dispose]();
    handle.dispose();
    expect(addon.info().liveHandles).toBe(start);
  });

  it('fails every use of its own', async () => {
    const gone = {
      embeddings: addon.embeddingsFrom(new Float32Array(EMBEDDING)),
      encoder: await loadEncoder(addon),
      encoding: await encoder.begin(picture),
      model: await loadModel(addon),
      trainer: addon.createTrainer(model, TRAINING),
    };
    for (const handle of Object.values(gone)) handle[Symbol.dispose]();
    const uses = [
      () => gone.embeddings.count,
      () => gone.embeddings.toFloat32Array(),
      () => gone.encoder.begin(picture),
      () => gone.encoding.advance(),
      () => gone.encoding.embeddings(),
      () => gone.model.decode({ embeddings, prompts: onePoint(), maskOutput: 'multi' }),
      () => gone.trainer.step(batch, STEP),
      () => gone.trainer.validate(batch),
      () => gone.trainer.save('nowhere', {}),
      () => gone.trainer.restore('nowhere'),
    ];
    for (const use of uses) await expectCode('SAM_DISPOSED', use);
  });

  it('fails every call that is given it', async () => {
    const gone = addon.embeddingsFrom(new Float32Array(EMBEDDING));
    gone.dispose();
    await expectCode('SAM_DISPOSED', () => trainer.step({ ...batch, embeddings: gone }, STEP));
    await expectCode('SAM_DISPOSED', () =>
      model.decode({ embeddings: gone, prompts: onePoint(), maskOutput: 'multi' }),
    );
    const goneModel = await loadModel(addon);
    goneModel.dispose();
    await expectCode('SAM_DISPOSED', () => addon.createTrainer(goneModel, TRAINING));
  });

  it('takes nothing from work in flight, nor from what was made of it', async () => {
    const ownModel = await loadModel(addon);
    const own = { model: ownModel, trainer: addon.createTrainer(ownModel, TRAINING), ...batchOf(addon) };
    const ownEncoder = await loadEncoder(addon);
    const encoding = await ownEncoder.begin(picture);
    const { loss: expected } = await trainer.validate(batchOf(addon)).then(({ losses }) => ({ loss: losses[0] }));
    const work = [own.trainer.validate(own), own.trainer.step(own, STEP), encoding.advance()] as const;
    const begun = ownEncoder.begin(picture);
    for (const handle of [own.model, own.trainer, own.embeddings, ownEncoder, encoding]) handle.dispose();
    const [{ losses }, step] = await Promise.all(work);
    expect(losses[0]).toBe(expected);
    expect(step.loss).toBeGreaterThan(0);
    const late = await begun; // its encoder is gone from JavaScript, not from under it
    expect(await late.advance()).toBe(false);
    late.dispose();
  });
});

describe('an object of another kind', () => {
  it.each([
    ['nothing', () => undefined],
    ['null', () => null],
    ['a number', () => 7],
    ['a plain object', () => ({})],
    ['a handle of another class', () => encoder],
    ['a proxy of the right one', () => new Proxy(embeddings, {})],
    ['an heir of the right one', () => Object.create(embeddings)],
    ['an object with the prototype of the right one', () => Object.create(Object.getPrototypeOf(embeddings))],
  ])('%s for embeddings and for a model', async (_what, make) => {
    const value = wrong(make());
    await expectCode('SAM_BAD_ARGUMENT', () => trainer.step({ ...batch, embeddings: value }, STEP));
    await expectCode('SAM_BAD_ARGUMENT', () =>
      model.decode({ embeddings: value, prompts: onePoint(), maskOutput: 'multi' }),
    );
    await expectCode('SAM_BAD_ARGUMENT', () => addon.createTrainer(value, TRAINING));
  });

  it('a handle of another class that was given the right prototype', async () => {
    const disguised = await encoder.begin(picture);
    Object.setPrototypeOf(disguised, Object.getPrototypeOf(embeddings));
    await expectCode('SAM_BAD_ARGUMENT', () => trainer.step({ ...batch, embeddings: wrong(disguised) }, STEP));
    await expectCode('SAM_BAD_ARGUMENT', () => (disguised as unknown as Embeddings).count);
    expect(() => (disguised as unknown as Embeddings).toFloat32Array()).toThrow(TypeError);
  });

  it("a method called on another object is V8's own TypeError", () => {
    const { step } = Object.getPrototypeOf(trainer) as Trainer;
    for (const receiver of [embeddings, {}, undefined]) {
      expect(() => step.call(wrong(receiver), batch, STEP)).toThrow(TypeError);
    }
  });

  it('no class can be constructed from JavaScript', async () => {
    const encoding = await encoder.begin(picture);
    const start = addon.info().liveHandles;
    for (const handle of [embeddings, encoder, encoding, model, trainer]) {
      const Class = handle.constructor as unknown as (new (...given: unknown[]) => unknown) & (() => unknown);
      for (const given of [[], [{}], [7], [handle], [neighbour.external()]]) {
        await expectCode('SAM_BAD_ARGUMENT', () => new Class(...given));
      }
      expect(() => Class()).toThrow(TypeError);
    }
    expect(addon.info().liveHandles).toBe(start);
    encoding.dispose();
  });
});

const SHARED = () => new Float32Array(new SharedArrayBuffer(8));

describe('wrong numbers in a batch', () => {
  it.each<[string, NativeErrorCode, () => Partial<Record<keyof TrainingBatch, unknown>>]>([
    ['no prompts', 'SAM_BAD_ARGUMENT', () => ({ prompts: undefined })],
    ['targets of another type', 'SAM_BAD_ARGUMENT', () => ({ targets: new Float32Array(batch.targets.length) })],
    ['clamped targets', 'SAM_BAD_ARGUMENT', () => ({ targets: new Uint8ClampedArray(batch.targets.length) })],
    ['a Buffer that is too short', 'SAM_BAD_SHAPE', () => ({ targets: Buffer.alloc(3) })],
    ['an array of numbers', 'SAM_BAD_ARGUMENT', () => ({ targets: [...batch.targets] })],
    ['a bare buffer', 'SAM_BAD_ARGUMENT', () => ({ targets: batch.targets.buffer })],
    ['a DataView', 'SAM_BAD_ARGUMENT', () => ({ targets: new DataView(new ArrayBuffer(batch.targets.length)) })],
    ['no targets at all', 'SAM_BAD_SHAPE', () => ({ targets: new Uint8Array(0) })],
    ['detached targets', 'SAM_BAD_SHAPE', () => ({ targets: detached(new Uint8Array(batch.targets)) })],
    ['shared targets', 'SAM_BAD_ARGUMENT', () => ({ targets: shared(batch.targets) })],
    ['targets of another size', 'SAM_BAD_SHAPE', () => ({ maskSize: batch.maskSize + 1 })],
    ['an absurd size', 'SAM_BAD_SHAPE', () => ({ maskSize: 2 ** 31 - 1 })],
    ['a size of NaN', 'SAM_BAD_ARGUMENT', () => ({ maskSize: Number.NaN })],
    ['a size that is negative', 'SAM_BAD_ARGUMENT', () => ({ maskSize: -1 })],
    ['a size that is half', 'SAM_BAD_ARGUMENT', () => ({ maskSize: 1.5 })],
    ['a size that is a BigInt', 'SAM_BAD_ARGUMENT', () => ({ maskSize: 64n })],
    ['valid sizes of 0', 'SAM_BAD_SHAPE', () => ({ validSizes: Int32Array.of(0, 64) })],
    ['valid sizes beyond the mask', 'SAM_BAD_SHAPE', () => ({ validSizes: Int32Array.of(64, 65) })],
    ['labels somewhere else', 'SAM_BAD_SHAPE', () => ({ labelled: new Uint8Array(3) })],
    ['labels of another type', 'SAM_BAD_ARGUMENT', () => ({ labelled: new Float32Array(batch.targets.length) })],
    ['no pixel with a label', 'SAM_BAD_ARGUMENT', () => ({ labelled: new Uint8Array(batch.targets.length) })],
    [
      'labels in the padding alone',
      'SAM_BAD_ARGUMENT',
      () => ({ validSizes: Int32Array.of(64, 32), labelled: batch.targets.map((_, at) => (at % 64 < 40 ? 0 : 1)) }),
    ],
    ['valid sizes of another type', 'SAM_BAD_ARGUMENT', () => ({ validSizes: Float32Array.of(64, 64) })],
  ])('%s: %s', async (_what, code, change) => {
    await expectCode(code, () => trainer.step({ ...batch, ...change() } as TrainingBatch, STEP));
  });

  it.each<[string, NativeErrorCode, () => Record<string, unknown>]>([
    ['points of another type', 'SAM_BAD_ARGUMENT', () => ({ points: new Float64Array(2) })],
    ['points of NaN', 'SAM_BAD_ARGUMENT', () => ({ points: Float32Array.of(Number.NaN, 1) })],
    ['points at infinity', 'SAM_BAD_ARGUMENT', () => ({ points: Float32Array.of(1, Number.POSITIVE_INFINITY) })],
    ['too few points', 'SAM_BAD_SHAPE', () => ({ points: Float32Array.of(1) })],
    ['shared points', 'SAM_BAD_ARGUMENT', () => ({ points: SHARED() })],
    ['detached points', 'SAM_BAD_SHAPE', () => ({ points: detached(Float32Array.of(1, 2)) })],
    ['points without labels', 'SAM_BAD_ARGUMENT', () => ({ pointLabels: undefined })],
    ['a label that means nothing', 'SAM_BAD_ARGUMENT', () => ({ pointLabels: Int32Array.of(2) })],
    ['too many labels', 'SAM_BAD_SHAPE', () => ({ pointLabels: Int32Array.of(1, 1) })],
    ['boxes of three numbers', 'SAM_BAD_SHAPE', () => ({ boxes: Float32Array.of(1, 2, 3) })],
    ['masks of another size', 'SAM_BAD_SHAPE', () => ({ masks: new Float32Array(64 * 64) })],
    ['more images than embeddings', 'SAM_BAD_SHAPE', () => ({ images: 2, ...twoImages })],
    ['no images', 'SAM_BAD_ARGUMENT', () => ({ images: 0 })],
    ['more prompts than numbers', 'SAM_BAD_SHAPE', () => ({ promptsPerImage: 2 ** 31 - 1 })],
    ['more points than numbers', 'SAM_BAD_SHAPE', () => ({ pointsPerPrompt: 2 ** 31 - 1 })],
    ['presence of another length', 'SAM_BAD_SHAPE', () => ({ promptPresent: new Uint8Array(2) })],
  ])('%s: %s', async (_what, code, change) => {
    const prompts = { ...onePoint(), ...change() } as never;
    await expectCode(code, () => trainer.step({ ...batch, prompts }, STEP));
    await expectCode(code, () => model.decode({ embeddings, prompts, maskOutput: 'multi' }));
  });

  const twoImages = { points: new Float32Array(4), pointLabels: new Int32Array(2) };

  it('a length that overflows', async () => {
    // 2^30 * 2^30 * 65536 numbers are 0 in 64 bits: as many as the array has.
    const prompts = { images: 2 ** 30, promptsPerImage: 2 ** 30, pointsPerPrompt: 0, masks: new Float32Array(0) };
    await expectCode('SAM_BAD_SHAPE', () => model.decode({ embeddings, prompts, maskOutput: 'multi' }));
  });

  it('nothing at all', async () => {
    for (const nothing of [undefined, null, 7, 'batch', []]) {
      await expectCode('SAM_BAD_ARGUMENT', () => trainer.step(wrong(nothing), STEP));
      await expectCode('SAM_BAD_ARGUMENT', () => trainer.step(batch, wrong(nothing)));
      await expectCode('SAM_BAD_ARGUMENT', () => model.decode(wrong(nothing)));
      await expectCode('SAM_BAD_ARGUMENT', () => encoder.begin(wrong(nothing)));
      await expectCode('SAM_BAD_ARGUMENT', () => addon.embeddingsFrom(wrong(nothing)));
      await expectCode('SAM_BAD_ARGUMENT', () => addon.loadModel(wrong(nothing)));
    }
  });

  it("a member that throws: the caller's own error comes back", async () => {
    const mine = new RangeError('mine');
    const prompts = {
      get images(): number {
        throw mine;
      },
    };
    const call = async () => trainer.step({ ...batch, prompts: wrong(prompts) }, STEP);
    await expect(call()).rejects.toBe(mine);
  });
});

/** The same bytes in memory that threads share. */
function shared(array: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(array.length));
  copy.set(array);
  return copy;
}

describe('wrong pictures and embeddings', () => {
  it.each<[string, NativeErrorCode, () => unknown]>([
    ['floats for bytes', 'SAM_BAD_ARGUMENT', () => ({ ...picture, pixels: new Float32Array(picture.pixels.length) })],
    ['too few bytes', 'SAM_BAD_SHAPE', () => ({ ...picture, pixels: picture.pixels.subarray(1) })],
    ['shared bytes', 'SAM_BAD_ARGUMENT', () => ({ ...picture, pixels: shared(picture.pixels) })],
    ['no width', 'SAM_BAD_ARGUMENT', () => ({ ...picture, width: 0 })],
    ['an absurd width and height', 'SAM_BAD_SHAPE', () => ({ ...picture, width: 2 ** 31 - 1, height: 2 ** 31 - 1 })],
    ['an image size of 0', 'SAM_BAD_ARGUMENT', () => ({ ...picture, imageSize: 0 })],
  ])('%s: %s', async (_what, code, image) => {
    await expectCode(code, () => encoder.begin(wrong(image())));
  });

  it.each<[string, NativeErrorCode, () => unknown]>([
    ['bytes', 'SAM_BAD_ARGUMENT', () => new Uint8Array(EMBEDDING)],
    ['doubles', 'SAM_BAD_ARGUMENT', () => new Float64Array(EMBEDDING)],
    ['no numbers', 'SAM_BAD_SHAPE', () => new Float32Array(0)],
    ['one number too many', 'SAM_BAD_SHAPE', () => new Float32Array(EMBEDDING + 1)],
    ['detached numbers', 'SAM_BAD_SHAPE', () => detached(new Float32Array(EMBEDDING))],
    ['shared numbers', 'SAM_BAD_ARGUMENT', () => new Float32Array(new SharedArrayBuffer(EMBEDDING * 4))],
  ])('embeddings from %s: %s', async (_what, code, values) => {
    await expectCode(code, () => addon.embeddingsFrom(wrong(values())));
  });

  it('part of a larger array is read from its own start', () => {
    const all = new Float32Array(EMBEDDING * 2).fill(1, EMBEDDING);
    const handle = addon.embeddingsFrom(all.subarray(EMBEDDING));
    all.fill(7); // it has been copied
    expect(handle.count).toBe(1);
    expect(handle.toFloat32Array().every((value) => value === 1)).toBe(true);
    handle.dispose();
  });

  it('an embedding is not there before its encoding is finished', async () => {
    const encoding = await encoder.begin(picture);
    await expectCode('SAM_BAD_ARGUMENT', () => encoding.embeddings());
    encoding.dispose();
  });

  it('numbers that are not finite: the loss says so, and nothing is learned from them', async () => {
    const { losses: before } = await trainer.validate(batch);
    const bad = addon.embeddingsFrom(new Float32Array(EMBEDDING).fill(Number.NaN));
    const { loss } = await trainer.step({ ...batch, embeddings: bad }, STEP);
    expect(loss).toBeNaN();
    expect((await trainer.validate(batch)).losses).toEqual(before);
    bad.dispose();
  });
});

describe('wrong words', () => {
  it.each<[string, NativeErrorCode, () => unknown]>([
    ['a device', 'SAM_BAD_ARGUMENT', () => loadWith({ device: 'tpu' })],
    ['a device number', 'SAM_BAD_ARGUMENT', () => loadWith({ device: 'cuda:x' })],
    ['a precision', 'SAM_BAD_ARGUMENT', () => loadWith({ precision: 'fp8' })],
    ['a path that is none', 'SAM_BAD_ARGUMENT', () => loadWith({ weights: 7 })],
    ['a path to nothing', 'SAM_IO', () => loadWith({ weights: '/nowhere/at/all' })],
    ['a path to a folder', 'SAM_IO', () => loadWith({ weights: '/' })],
    ['a mask output', 'SAM_BAD_ARGUMENT', () => trainerWith({ selection: { maskOutput: 'all', multiMask: 'best' } })],
    [
      'a choice of masks',
      'SAM_BAD_ARGUMENT',
      () => trainerWith({ selection: { maskOutput: 'multi', multiMask: 'x' } }),
    ],
    ['a loss', 'SAM_BAD_ARGUMENT', () => trainerWith({ loss: { dice: '1' } })],
    ['a weight decay', 'SAM_BAD_ARGUMENT', () => trainerWith({ weightDecay: Number.NaN })],
    ['a learning rate', 'SAM_BAD_ARGUMENT', () => trainer.step(batch, { ...STEP, learningRate: Number.NaN })],
    ['metadata', 'SAM_BAD_ARGUMENT', () => trainer.save('/nowhere/at/all', wrong({ epoch: 1 }))],
    ['a folder that is not there', 'SAM_IO', () => trainer.save('/nowhere/at/all', {})],
  ])('%s: %s', async (_what, code, call) => {
    await expectCode(code, call);
  });

  const loadWith = (change: Record<string, unknown>) =>
    addon.loadModel(wrong({ weights: process.env.SAM_TEST_WEIGHTS, device: 'cpu', precision: 'fp32', ...change }));
  const trainerWith = (change: Record<string, unknown>) =>
    addon.createTrainer(model, wrong({ ...TRAINING, ...change }));
});
