/** A run without the addon: a model of one number, with the arithmetic of a real one, and tiny pictures on disk. */
import { mkdir, mkdtemp, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Embeddings, StepResult, Trainer, TrainingBatch } from '../../binding.js';
import type { DataSplits, Sample } from '../../lib/data/sample.js';
import type { ModelDescriptor } from '../../lib/models/model.js';
import type { TrainEnvironment } from '../../lib/training/environment.js';
import { madeUp } from '../reports/support.js';

export async function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'sam-native-training-'));
}

/** Pictures of 16 x 12 with a box as mask, another one for each. */
export async function writeSamples(dir: string, names: readonly string[], boxSide = 6): Promise<Sample[]> {
  await mkdir(dir, { recursive: true });
  return Promise.all(
    names.map(async (name, index) => {
      const image = join(dir, `${name}.png`);
      const mask = join(dir, `${name}-mask.png`);
      const pixels = Buffer.alloc(16 * 12);
      for (let y = 0; y < boxSide; y++) for (let x = 0; x < boxSide; x++) pixels[(y + 2) * 16 + x + (index % 8)] = 255;
      await sharp({ create: { width: 16, height: 12, channels: 3, background: '#405060' } })
        .png()
        .toFile(image);
      await sharp(pixels, { raw: { width: 16, height: 12, channels: 1 } })
        .png()
        .toFile(mask);
      return { name, image: { path: image }, mask: { path: mask } };
    }),
  );
}

export async function writeSplits(
  dir: string,
  train = 7,
  validation = 3,
): Promise<{ train: Sample[]; validation: Sample[] }> {
  const names = (prefix: string, n: number) => Array.from({ length: n }, (_, i) => `${prefix}${i}`);
  return {
    train: await writeSamples(join(dir, 'train'), names('t', train)),
    validation: await writeSamples(join(dir, 'validation'), names('v', validation)),
  };
}

class FakeEmbeddings implements Embeddings {
  static live = 0;
  constructor(readonly count: number) {
    FakeEmbeddings.live++;
  }
  toFloat32Array(): Float32Array {
    return new Float32Array(this.count);
  }
  dispose(): void {
    FakeEmbeddings.live--;
  }
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Embeddings that nobody has disposed of yet. */
export const liveEmbeddings = () => FakeEmbeddings.live;

/** Loss of an image: (weight - what its prompt says)^2; gradient descent with momentum. */
export class FakeTrainer implements Trainer {
  weight = 0;
  momentum = 0;
  gradient = 0;
  calls: { images: number; update: boolean; scale: number; learningRate: number }[] = [];
  /** Called before each step: tests abort, throw or answer NaN here, or as a loss scaler does that leaves a step out, or gives up. */
  onStep: (call: number) => 'nan' | 'skip' | 'give up' | undefined = () => undefined;
  onSave: (path: string) => void = () => {};
  /** Validation losses, one for each batch after a step, instead of the computed ones. */
  validationLosses: number[] | undefined;
  #validated = 0;

  async step(
    batch: TrainingBatch,
    options: { learningRate: number; update: boolean; scale: number },
  ): Promise<StepResult> {
    const images = batch.prompts.images;
    const { update, scale, learningRate } = options;
    const call = this.calls.push({ images, update, scale, learningRate });
    await new Promise((resolve) => setImmediate(resolve));
    const asked = this.onStep(call);
    if (asked === 'nan')
      return { loss: Number.NaN, losses: Float64Array.of(Number.NaN), gradientNorm: Number.NaN, skipped: false };
    const targets = targetsOf(batch);
    const losses = targets.map((target) => (this.weight - target) ** 2);
    const slope = targets.reduce((sum, target) => sum + 2 * (this.weight - target), 0) / images;
    this.gradient += slope * scale;
    if (asked !== undefined) {
      this.gradient = 0;
      const loss = asked === 'skip' ? losses.reduce((a, b) => a + b, 0) / images : Number.NaN;
      return { loss, losses: Float64Array.from(losses), gradientNorm: Number.POSITIVE_INFINITY, skipped: true };
    }
    const norm = Math.abs(this.gradient);
    if (update) {
      this.momentum = 0.9 * this.momentum + this.gradient;
      this.weight -= learningRate * this.momentum;
      this.gradient = 0;
    }
    const loss = losses.reduce((a, b) => a + b, 0) / images;
    return { loss, losses: Float64Array.from(losses), gradientNorm: update ? norm : Number.NaN, skipped: false };
  }

  async validate(batch: TrainingBatch): Promise<{ losses: Float64Array; ious: Float64Array }> {
    const targets = targetsOf(batch);
    const fixed = this.calls.length === 0 ? undefined : this.validationLosses?.[this.#validated++];
    const losses = targets.map((target) => fixed ?? (this.weight - target) ** 2);
    return { losses: Float64Array.from(losses), ious: Float64Array.from(losses, (loss) => 1 / (1 + loss)) };
  }

  async save(path: string, metadata: Record<string, string>): Promise<void> {
    this.onSave(path);
    const data = Buffer.from(new Float64Array([this.weight, this.momentum]).buffer);
    const tensor = { dtype: 'F64', shape: [2], data_offsets: [0, data.length] };
    await writeSafetensors(path, { __metadata__: metadata, weight: tensor }, data);
  }

  async restore(path: string): Promise<void> {
    const file = await readFile(path);
    const values = new Float64Array(new Uint8Array(file.subarray(file.length - 16)).buffer);
    [this.weight, this.momentum] = [values[0]!, values[1]!];
  }

  dispose(): void {}
  [Symbol.dispose](): void {}
}

/** Something that depends on every prompt and mask of the batch. */
function targetsOf({ prompts, targets, maskSize }: TrainingBatch): number[] {
  const perImage = prompts.promptsPerImage * prompts.pointsPerPrompt * 2;
  return Array.from({ length: prompts.images }, (_, image) => {
    const points = prompts.points!.subarray(image * perImage, (image + 1) * perImage);
    const area = targets.subarray(image * maskSize ** 2, (image + 1) * maskSize ** 2).reduce((a, b) => a + b, 0);
    return points.reduce((a, b) => a + b, 0) / 3000 + area / maskSize ** 2;
  });
}

/** A new file each time, as the addon does: `best` and `last` may be two names of one. */
export async function writeSafetensors(path: string, header: object, data: Buffer): Promise<void> {
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  await writeFile(`${path}.tmp`, Buffer.concat([length, text, data]));
  await rename(`${path}.tmp`, path);
}

export interface FakeEnvironment extends TrainEnvironment {
  trainer: FakeTrainer;
  log: string[];
}

export function fakeEnvironment(splits: DataSplits, model: Partial<ModelDescriptor> = {}): FakeEnvironment {
  const trainer = new FakeTrainer();
  const log: string[] = [];
  return {
    trainer,
    log,
    compute: () => ({ device: 'cpu', precision: 'fp32', cachePrecision: 'fp16', name: 'CPU' }),
    openData: async () => {
      log.push('data');
      return splits;
    },
    openModel: async () => {
      log.push('model');
      return {
        name: 'fake',
        descriptor: { spec: 'fake', name: 'fake', weightsHash: 'w', encoderHash: 'e', encoder: null, ...model },
        createTrainer: () => trainer,
        predict: async ({ sizes }) => {
          const [height, width] = sizes as unknown as [number, number];
          const masks = [new Uint8Array(height * width).fill(255)];
          return { masks, scores: Float32Array.of(1), lowResLogits: new Float32Array(256 * 256) };
        },
        embeddings: {
          ensure: async (samples, { onProgress, signal }) => {
            log.push(`encode ${samples.length}`);
            signal?.throwIfAborted();
            onProgress?.({ done: samples.length, total: samples.length, encoded: samples.length });
            return {
              encoded: samples.length,
              cached: 0,
              seconds: 1,
              setupSeconds: 0,
              stretched: false,
              skipped: [],
              usable: () => true,
            };
          },
          read: async (samples) => new FakeEmbeddings(samples.length),
        },
        dispose: async () => void log.push('disposed'),
      };
    },
    measuresUntuned: true,
    doubtsLabels: true,
    score: async (dir, validation) => {
      log.push(`score ${validation.length}`);
      return madeUp(join(dir, 'photos'), { images: [...validation].map(({ name }) => name) });
    },
    versions: () => ({ samNative: '0.0.0', libtorch: '0', node: '0' }),
  };
}
