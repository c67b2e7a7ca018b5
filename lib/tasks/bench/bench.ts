/**
 * `sam-native bench`: measures what this machine does, and says what it means. The order is here; how it is done, in the files
 * beside.
 */

import { rm } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { Precision, SamModel } from '../../../binding.js';
import { fromNative, native } from '../../addon/native.js';
import { toSamError } from '../../core/errors.js';
import { requireWritable, scratchFolder, writeFileWhole } from '../../core/files.js';
import type { Counted, Hooks } from '../../core/hooks.js';
import { packageVersion } from '../../core/package-root.js';
import { checkHooks, parseOptions } from '../../core/parse-options.js';
import type { Compute } from '../../device.js';
import { openWorkplace, type Workplace } from '../../embeddings/workplace.js';
import { encoderNamed, TINY_VIT, VITS } from '../../models/encoders.js';
import { decoderFiles } from '../../models/model.js';
import { inspect } from '../../models/source.js';
import { benchMarkdown } from './markdown.js';
import { meaningOf } from './meaning.js';
import { type Effort, timeEncoder, timePrompts, timeStep } from './measure.js';
import { type BenchOptions, benchOptionsSchema, type ResolvedBenchOptions } from './options.js';
import type { BenchResult, EncoderSpeed, PromptSpeed, StepSpeed } from './result.js';
import { encoderWork, flopsOf, type Operation } from './work.js';

const BATCHES = [1, 4, 8, 16];
const PROMPTS = [1, 64];
const SEED = 1;

/** Encoder that is timed; its weights are on disk until `remove`. */
interface Candidate {
  name: string;
  path: string;
  work: readonly Operation[] | null;
  remove(): Promise<void>;
}

/**
 * Measures how many images a second the encoder takes, how many steps a second the decoder trains and how long a prompt takes; and
 * says how long a training run takes with them. Tells `onNote` each figure when it is there.
 *
 * @throws SamError `SAM_NO_CUDA`: no such GPU; `SAM_IO`: what is kept for a while cannot be written; and what loading a model throws.
 * The signal's reason when aborted.
 */
export async function bench(given: BenchOptions = {}, hooks: Hooks<Counted> = {}): Promise<BenchResult> {
  checkHooks(hooks);
  const options = parseOptions(benchOptionsSchema, given);
  if (options.out !== undefined) await requireWritable(options.out, '`out`');
  try {
    const result = await new Run(options, hooks).all();
    if (options.out === undefined) return { ...result, out: null };
    await writeFileWhole(options.out, `${benchMarkdown(result)}\n`);
    return { ...result, out: options.out };
  } catch (error) {
    throw hooks.signal?.aborted ? hooks.signal.reason : toSamError(fromNative(error));
  }
}

class Run {
  readonly #options: ResolvedBenchOptions;
  readonly #hooks: Hooks<Counted>;
  readonly #workplace: Workplace;
  readonly #compute: Compute;
  readonly #total: number;
  #done = 0;

  constructor(options: ResolvedBenchOptions, hooks: Hooks<Counted>) {
    this.#options = options;
    this.#hooks = hooks;
    this.#workplace = openWorkplace(options, hooks);
    this.#compute = this.#workplace.compute;
    const models = (options.models ?? options.sizes).length;
    this.#total = models * this.#precisions().length + this.#batches().length + PROMPTS.length;
  }

  async all(): Promise<Omit<BenchResult, 'out'>> {
    const { quick } = this.#options;
    const { device, precision, name } = this.#compute;
    const scratch = await scratchFolder(join(this.#workplace.cacheDir, 'tmp'));
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

  /** Lists the precisions that encoders are timed with. The last one is the precision of all else. */
  #precisions(): Precision[] {
    const { precision } = this.#compute;
    return this.#options.precision === 'auto' && precision !== 'fp32' ? ['fp32', precision] : [precision];
  }

  #batches(): number[] {
    return this.#options.quick ? [4] : BATCHES;
  }

  /** Chooses how often to time something: as often as a steady median needs. */
  #effort(rounds: number): Effort {
    return this.#options.quick ? { warmups: 1, rounds: 1 } : { warmups: 2, rounds };
  }

  /** Times steps and prompts, once, since models of every size have the same decoder. */
  async #decoder(folder: string): Promise<{ steps: StepSpeed[]; prompts: PromptSpeed[] }> {
    const { signal } = this.#hooks;
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
    const { device, precision } = this.#compute;
    const [first] = this.#options.models ?? [];
    if (first !== undefined) {
      const resolved = await this.#workplace.model(first);
      return native().loadModel({ ...decoderFiles(resolved), device, precision });
    }
    // The smallest model: all have the same decoder.
    const weights = join(folder, 'decoder.safetensors');
    await native().randomWeights({ encoder: TINY_VIT.name, seed: SEED, output: weights });
    return native().loadModel({ weights, device, precision });
  }

  async #candidate(spec: string, folder: string): Promise<Candidate> {
    const { onNote } = this.#hooks;
    const { models } = this.#options;
    if (models !== undefined) {
      const { name, encoder, weights } = await this.#workplace.model(spec);
      const work = encoderWork(encoderNamed((await inspect(weights)).encoder));
      return { name, path: encoder, work, remove: async () => {} };
    }
    const vit = VITS.find(({ size }) => size === spec)!;
    const path = join(folder, `${spec}.safetensors`);
    onNote?.(`drawing random weights of SAM's ${spec} encoder`);
    await native().randomWeights({ encoder: vit.name, seed: SEED, output: path });
    const remove = () => rm(path, { force: true });
    return { name: `${vit.name}, random weights`, path, work: encoderWork(vit), remove };
  }

  async #encoder({ name, path, work }: Candidate): Promise<EncoderSpeed[]> {
    const { signal } = this.#hooks;
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
    this.#hooks.onNote?.(line);
    this.#hooks.onProgress?.({ done: ++this.#done, total: this.#total });
  }
}
