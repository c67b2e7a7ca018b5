// Small, repeatable work for the native addon, for the tests and for the processes that they start.
import { createRequire } from 'node:module';

export const EMBEDDING = 256 * 64 * 64;
export const MASK_SIZE = 64;
export const TRAINING = {
  weightDecay: 2e-4,
  loss: { dice: 1, bce: 1, iou: 1 },
  selection: { maskOutput: 'multi', multiMask: 'best' },
};
export const STEP = { learningRate: 1e-4, update: true, scale: 1 };

/** The addon that a test has named in the environment. */
export function loadAddon() {
  return createRequire(import.meta.url)(process.env.SAM_NATIVE_ADDON);
}

export function loadModel(addon, precision = 'fp32') {
  return addon.loadModel({ weights: process.env.SAM_TEST_WEIGHTS, device: 'cpu', precision });
}

export function loadEncoder(addon) {
  return addon.loadEncoder({ path: process.env.SAM_TEST_ENCODER, device: 'cpu', precision: 'fp32', check: false });
}

/** `count` numbers from -0.1 to 0.1, the same for the same seed. */
export function noise(count, seed) {
  const values = new Float32Array(count);
  let state = seed >>> 0;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = (state / 2 ** 32 - 0.5) / 5;
  }
  return values;
}

/** One image, one prompt of one point: the cheapest step there is. */
export function onePoint(seed = 1) {
  return {
    images: 1,
    promptsPerImage: 1,
    pointsPerPrompt: 1,
    points: Float32Array.of(400 + seed, 512),
    pointLabels: Int32Array.of(1),
  };
}

/** A training batch of one image whose right half is the mask. */
export function batchOf(addon, seed = 1) {
  const targets = new Uint8Array(MASK_SIZE * MASK_SIZE).map((_, i) => (i % MASK_SIZE > MASK_SIZE / 2 ? 1 : 0));
  return {
    embeddings: addon.embeddingsFrom(noise(EMBEDDING, seed)),
    prompts: onePoint(seed),
    targets,
    maskSize: MASK_SIZE,
    validSizes: Int32Array.of(MASK_SIZE, MASK_SIZE),
  };
}

/** A grey picture, which is as much work for an encoder as any. */
export const picture = { pixels: new Uint8Array(64 * 64 * 3).fill(128), width: 64, height: 64 };
