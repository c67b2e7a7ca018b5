/**
 * Proves that the addon works, by working: encodes a picture, trains a step, saves, loads, and decodes the same. `doctor` runs
 * it in a process of its own: `node self-test.js CACHE_DIR` prints one line of JSON.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Embeddings, ImageEncoder, PromptBatch, SamModel } from '../../binding.js';
import { fromNative, native } from '../addon/native.js';
import { SamError } from '../core/errors.js';
import { resolveModel } from '../models/resolve.js';
import { parseLoss } from '../options.js';

/** How long the self-test's work took. */
export interface SelfTestResult {
  /** Wall time of encoding one image. */
  encodeSeconds: number;
  /** Wall time of one training step. */
  stepSeconds: number;
}

const SIZE = 256;
const PROMPTS: PromptBatch = {
  images: 1,
  promptsPerImage: 1,
  pointsPerPrompt: 1,
  points: Float32Array.of(512, 512),
  pointLabels: Int32Array.of(1),
};

/**
 * Encodes a picture, trains a step, saves, loads, and decodes the same.
 *
 * @throws SamError as what fails of it, or where the loaded decoder decodes otherwise than the saved one.
 */
export async function selfTest(cacheDir: string): Promise<SelfTestResult> {
  const { weights, encoder: path } = await resolveModel('mobile-sam', { cacheDir });
  const device = { device: 'cpu', precision: 'fp32' } as const;
  const folder = mkdtempSync(join(tmpdir(), 'sam-native-'));
  try {
    const encoder = await native().loadEncoder({ path, ...device, check: false });
    const started = performance.now();
    const embeddings = await encode(encoder);
    const encoded = performance.now();
    encoder.dispose();

    const model = await native().loadModel({ weights, ...device });
    const checkpoint = join(folder, 'decoder.safetensors');
    const before = await decode(model, embeddings);
    const stepSeconds = await trainStep(model, embeddings, checkpoint);
    const trained = await decode(model, embeddings);
    const reloaded = await native().loadModel({ weights, decoder: checkpoint, ...device });
    const again = await decode(reloaded, embeddings);
    for (const handle of [embeddings, model, reloaded]) handle.dispose();

    if (largestDifference(before, trained) === 0) fail('a training step changed nothing');
    const difference = largestDifference(trained, again);
    if (!(difference <= 1e-4)) fail(`a saved and loaded decoder gives other masks (by ${difference})`);
    return { encodeSeconds: (encoded - started) / 1000, stepSeconds };
  } catch (error) {
    throw fromNative(error);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Encodes a picture of a bright disc on a dark ground. */
async function encode(encoder: ImageEncoder): Promise<Embeddings> {
  const pixels = new Uint8Array(SIZE * SIZE * 3);
  for (let i = 0; i < SIZE * SIZE; i++) if (inDisc(i)) pixels.fill(200, 3 * i, 3 * i + 3);
  const encoding = await encoder.begin({ pixels, width: SIZE, height: SIZE });
  while (!(await encoding.advance()));
  const embeddings = encoding.embeddings();
  encoding.dispose();
  return embeddings;
}

const inDisc = (i: number) => Math.hypot((i % SIZE) - SIZE / 2, Math.floor(i / SIZE) - SIZE / 2) < SIZE / 4;

/** Trains one step towards the disc's complement, which surely changes something, and saves. Returns the seconds of the step. */
async function trainStep(model: SamModel, embeddings: Embeddings, checkpoint: string): Promise<number> {
  const trainer = native().createTrainer(model, {
    weightDecay: 0,
    loss: parseLoss('dice+bce+iou'),
    selection: { maskOutput: 'multi', multiMask: 'best' },
  });
  const targets = Uint8Array.from({ length: SIZE * SIZE }, (_, i) => (inDisc(i) ? 0 : 1));
  const batch = { embeddings, prompts: PROMPTS, targets, maskSize: SIZE, validSizes: Int32Array.of(SIZE, SIZE) };
  const started = performance.now();
  const { loss } = await trainer.step(batch, { learningRate: 1e-4, update: true, scale: 1 });
  const seconds = (performance.now() - started) / 1000;
  if (!Number.isFinite(loss)) fail(`the loss of a training step is ${loss}`);
  await trainer.save(checkpoint, {});
  trainer.dispose();
  return seconds;
}

async function decode(model: SamModel, embeddings: Embeddings): Promise<Float32Array> {
  const decoded = await model.decode({ embeddings, prompts: PROMPTS, maskOutput: 'multi' });
  return decoded.lowResLogits;
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

function fail(what: string): never {
  throw new SamError('SAM_TORCH', `self-test: ${what}`, { fix: 'npx sam-native setup --force' });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.stdout.write(`${JSON.stringify(await selfTest(process.argv[2]!))}\n`);
  } catch (error) {
    const { message, fix } = error as SamError;
    process.stdout.write(`${JSON.stringify({ error: { message, fix } })}\n`);
    process.exitCode = 1;
  }
}
