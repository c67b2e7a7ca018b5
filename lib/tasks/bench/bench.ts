/** Measures what this machine does, and says what it means. What in which order is here; how, in the files beside. */
import { rm } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { Precision, SamModel } from '../../../binding.js';
import { fromNative, native } from '../../addon/native.js';
import { toSamError } from '../../core/errors.js';
import { scratchFolder } from '../../core/files.js';
import { packageVersion } from '../../core/package-root.js';
import { type Compute, resolveDevice } from '../../device.js';
import { encoderNamed, TINY_VIT, VITS, type VitSize } from '../../models/encoders.js';
import { decoderFiles } from '../../models/model.js';
import { resolveModel } from '../../models/resolve.js';
import { inspect } from '../../models/source.js';
import { type Meaning, meaningOf } from './meaning.js';
import { type Effort, timeEncoder, timePrompts, timeStep } from './measure.js';
import { encoderWork, flopsOf, type Operation } from './work.js';

export interface BenchOptions {
  /** Models whose encoders are timed, as `--model` takes them; none: random weights of each of `sizes`. */
  models?: readonly string[] | undefined;
  sizes: readonly VitSize[];
  device: string;
  /** `auto` times encoders in fp32 and in what `auto` chooses. */
  precision: Precision | 'auto';
  threads?: number | undefined;
  /** Models are kept there; random weights only while they are needed. */
  cacheDir: string;
  /** Once instead of several times: to see that it works. */
  quick: boolean;
  signal?: AbortSignal | undefined;
  /** Told each figure when it is there. */
  onStep?: ((line: string) => void) | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface EncoderSpeed {
  /** `ViT-B, random weights`, or the model's name. */
  model: string;
  precision: Precision;
  secondsPerImage: number;
  imagesPerSecond: number;
  /** Counted from the sizes; null for an encoder that isn't SAM's or MobileSAM's. */
  gflopPerImage: number | null;
  gflopPerSecond: number | null;
}

export interface StepSpeed {
  batch: number;
  secondsPerStep: number;
  stepsPerSecond: number;
  imagesPerSecond: number;
}

export interface PromptSpeed {
  /** So many at once. */
  prompts: number;
  secondsPerPrompt: number;
  promptsPerSecond: number;
}

export interface BenchResult {
  device: string;
  deviceName: string;
  /** Of decoder steps, prompts and `means`. */
  precision: Precision;
  threads: number;
  versions: { samNative: string; libtorch: string; node: string };
  date: string;
  quick: boolean;
  encoder: EncoderSpeed[];
  steps: StepSpeed[];
  prompts: PromptSpeed[];
  /** For each model, with the fastest batch. */
  means: ({ model: string; batch: number } & Meaning)[];
}

const BATCHES = [1, 4, 8, 16];
const PROMPTS = [1, 64];
const SEED = 1;

/** Encoder weights on disk for a while. */
interface Candidate {
  name: string;
  path: string;
  work: readonly Operation[] | null;
  remove(): Promise<void>;
}

/** @throws SamError what loading a model throws, `SAM_NO_CUDA`, `SAM_IO`; the signal's reason when aborted. */
export async function bench(options: BenchOptions): Promise<BenchResult> {
  const run = new Run(options);
  try {
    return await run.all();
  } catch (error) {
    throw options.signal?.aborted ? options.signal.reason : toSamError(fromNative(error));
  }
}

class Run {
  readonly #options: BenchOptions;
  readonly #compute: Compute;
  readonly #total: number;
  #done = 0;

  constructor(options: BenchOptions) {
    this.#options = options;
    native().setThreads(options.threads ?? native().info().threads);
    this.#compute = resolveDevice(options.device, options.precision, { onNote: options.onStep });
    const models = (options.models ?? options.sizes).length;
    this.#total = models * this.#precisions().length + this.#batches().length + PROMPTS.length;
  }

  async all(): Promise<BenchResult> {
    const { cacheDir, quick } = this.#options;
    const { device, precision, name } = this.#compute;
    const scratch = await scratchFolder(join(cacheDir, 'tmp'));
    try {
      const { steps, prompts } = await this.#decoder(scratch.path);
      const fastest = steps.reduce((best, step) => (step.imagesPerSecond > best.imagesPerSecond ? step : best));
      const [encoder, means]: [EncoderSpeed[], BenchResult['means']] = [[], []];
      for (const spec of this.#options.models ?? this.#options.sizes) {
        const candidate = await this.#candidate(spec, scratch.path);
        try {
          const speeds = await this.#encoder(candidate);
          encoder.push(...speeds);
          const perImage = speeds.at(-1)!.secondsPerImage;
          const seconds = { perImage, perTrainedImage: 1 / fastest.imagesPerSecond };
          const meaning = meaningOf({ name, precision }, candidate.work, seconds);
          means.push({ model: candidate.name, batch: fastest.batch, ...meaning });
        } finally {
          await candidate.remove();
        }
      }
      const { torch, threads } = native().info();
      const versions = { samNative: packageVersion(), libtorch: torch, node: process.versions.node };
      const deviceName = device === 'cpu' ? (cpus()[0]?.model.trim() ?? name) : name;
      const date = new Date().toISOString().slice(0, 10);
      return { device, deviceName, precision, threads, versions, date, quick, encoder, steps, prompts, means };
    } finally {
      await scratch.remove();
    }
  }

  /** The last one is the precision of all else. */
  #precisions(): Precision[] {
    const { precision } = this.#compute;
    return this.#options.precision === 'auto' && precision !== 'fp32' ? ['fp32', precision] : [precision];
  }

  #batches(): number[] {
    return this.#options.quick ? [4] : BATCHES;
  }

  /** Enough rounds for a steady median: the shorter, the more. */
  #effort(rounds: number): Effort {
    return this.#options.quick ? { warmups: 1, rounds: 1 } : { warmups: 2, rounds };
  }

  /** Steps and prompts: the same decoder for every size. */
  async #decoder(folder: string): Promise<{ steps: StepSpeed[]; prompts: PromptSpeed[] }> {
    const { signal } = this.#options;
    const model = await this.#loadDecoder(folder);
    try {
      const steps: StepSpeed[] = [];
      for (const batch of this.#batches()) {
        const seconds = await timeStep(model, batch, this.#effort(9), signal);
        const speed = { batch, secondsPerStep: seconds, stepsPerSecond: 1 / seconds, imagesPerSecond: batch / seconds };
        this.#tell(`a step of ${batch}: ${seconds.toPrecision(3)} s, ${speed.imagesPerSecond.toPrecision(3)} images/s`);
        steps.push(speed);
      }
      const prompts: PromptSpeed[] = [];
      for (const count of PROMPTS) {
        const each = (await timePrompts(model, count, this.#effort(count === 1 ? 21 : 5), signal)) / count;
        this.#tell(`${count === 1 ? 'a prompt' : `${count} prompts`}: ${(1000 * each).toPrecision(3)} ms each`);
        prompts.push({ prompts: count, secondsPerPrompt: each, promptsPerSecond: 1 / each });
      }
      return { steps, prompts };
    } finally {
      model.dispose();
    }
  }

  async #loadDecoder(folder: string): Promise<SamModel> {
    const { cacheDir, models, signal, onStep } = this.#options;
    const { device, precision } = this.#compute;
    const [first] = models ?? [];
    if (first !== undefined) {
      const resolved = await resolveModel(first, { cacheDir, signal, onStep });
      return native().loadModel({ ...decoderFiles(resolved), device, precision });
    }
    // The smallest model: all have the same decoder.
    const weights = join(folder, 'decoder.safetensors');
    await native().randomWeights({ encoder: TINY_VIT.name, seed: SEED, output: weights });
    return native().loadModel({ weights, device, precision });
  }

  async #candidate(spec: string, folder: string): Promise<Candidate> {
    const { cacheDir, models, signal, onStep } = this.#options;
    if (models !== undefined) {
      const { name, encoder, weights } = await resolveModel(spec, { cacheDir, signal, onStep });
      const work = encoderWork(encoderNamed((await inspect(weights)).encoder));
      return { name, path: encoder, work, remove: async () => {} };
    }
    const vit = VITS.find(({ size }) => size === spec)!;
    const path = join(folder, `${spec}.safetensors`);
    onStep?.(`drawing random weights of SAM's ${spec} encoder`);
    await native().randomWeights({ encoder: vit.name, seed: SEED, output: path });
    const remove = () => rm(path, { force: true });
    return { name: `${vit.name}, random weights`, path, work: encoderWork(vit), remove };
  }

  async #encoder({ name, path, work }: Candidate): Promise<EncoderSpeed[]> {
    const { signal } = this.#options;
    const gflopPerImage = work === null ? null : flopsOf(work) / 1e9;
    const speeds: EncoderSpeed[] = [];
    for (const precision of this.#precisions()) {
      signal?.throwIfAborted();
      const encoder = await native().loadEncoder({ path, device: this.#compute.device, precision, check: false });
      try {
        const effort = { ...this.#effort(5), warmups: 1 };
        const secondsPerImage = await timeEncoder(encoder, effort, signal);
        this.#tell(`${name}, ${precision}: ${secondsPerImage.toPrecision(3)} s an image`);
        const gflopPerSecond = gflopPerImage === null ? null : gflopPerImage / secondsPerImage;
        const imagesPerSecond = 1 / secondsPerImage;
        speeds.push({ model: name, precision, secondsPerImage, imagesPerSecond, gflopPerImage, gflopPerSecond });
      } finally {
        encoder.dispose();
      }
    }
    return speeds;
  }

  #tell(line: string): void {
    this.#options.onStep?.(line);
    this.#options.onProgress?.(++this.#done, this.#total);
  }
}
