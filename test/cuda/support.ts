/** MobileSAM on two devices, and a picture with a disk to find in it. */

import {
  type Embeddings,
  type ImageEncoder,
  native,
  type Precision,
  type PromptBatch,
  type SamModel,
  type TrainingBatch,
} from '../../lib/addon/native.js';
import { defaultCacheDir } from '../../lib/core/cache-dir.js';
import { resolveModel } from '../../lib/models/resolve.js';

/** `SAM_TEST_DEVICE=cpu` tries the tests themselves on a machine without a GPU. */
export const DEVICE = process.env.SAM_TEST_DEVICE ?? 'cuda';

const SIZE = 256;
const CENTRE = { x: 150, y: 100 };
const RADIUS = 60;

const inDisk = (x: number, y: number) => (x - CENTRE.x) ** 2 + (y - CENTRE.y) ** 2 < RADIUS ** 2;

/** Interleaved RGB: a bright disk on a dark, textured ground. */
const PIXELS = Uint8Array.from({ length: SIZE * SIZE * 3 }, (_, i) => {
  const [x, y] = [Math.floor(i / 3) % SIZE, Math.floor(i / 3 / SIZE)];
  return (inDisk(x, y) ? 190 : 50) + ((x * 7 + y * 13 + (i % 3) * 29) % 23);
});

/** A point in the disk. */
const PROMPTS: PromptBatch = {
  images: 1,
  promptsPerImage: 1,
  pointsPerPrompt: 1,
  points: Float32Array.of((CENTRE.x / SIZE) * 1024, (CENTRE.y / SIZE) * 1024),
  pointLabels: Int32Array.of(1),
};

export const SELECTION = { maskOutput: 'multi', multiMask: 'best' } as const;

export interface Where {
  device: string;
  precision: Precision;
}

const files = () => resolveModel('mobile-sam', { cacheDir: defaultCacheDir() });

export async function loadModel({ device, precision }: Where): Promise<SamModel> {
  return native().loadModel({ weights: (await files()).weights, device, precision });
}

export async function loadEncoder({ device, precision }: Where): Promise<ImageEncoder> {
  return native().loadEncoder({ path: (await files()).encoder, device, precision });
}

export async function encode(encoder: ImageEncoder): Promise<Embeddings> {
  const encoding = await encoder.begin({ pixels: PIXELS, width: SIZE, height: SIZE });
  while (!(await encoding.advance()));
  const embeddings = encoding.embeddings();
  encoding.dispose();
  return embeddings;
}

/** Loads an encoder, encodes the picture and disposes of the encoder. */
export async function encodeOnce(where: Where): Promise<Embeddings> {
  const encoder = await loadEncoder(where);
  try {
    return await encode(encoder);
  } finally {
    encoder.dispose();
  }
}

export async function predictMask(model: SamModel, embeddings: Embeddings): Promise<Uint8Array> {
  const sizes = Int32Array.of(SIZE, SIZE);
  const { masks } = await model.predict({ embeddings, prompts: PROMPTS, selection: SELECTION, sizes });
  return masks[0]!;
}

/** What training the disk looks like to the trainer. */
export function diskBatch(embeddings: Embeddings): TrainingBatch {
  const targets = Uint8Array.from({ length: SIZE * SIZE }, (_, i) => Number(inDisk(i % SIZE, Math.floor(i / SIZE))));
  return { embeddings, prompts: PROMPTS, targets, maskSize: SIZE, validSizes: Int32Array.of(SIZE, SIZE) };
}

export function iou(a: Uint8Array, b: Uint8Array): number {
  let [both, either] = [0, 0];
  for (const [i, value] of a.entries()) {
    both += Number(value > 0 && b[i]! > 0);
    either += Number(value > 0 || b[i]! > 0);
  }
  return either === 0 ? 1 : both / either;
}

export function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0);
}
