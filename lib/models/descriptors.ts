/** A short vector for each image, to find those that are nearly the same: its embedding's mean over the picture, of length 1. */
import type { Embeddings } from '../../binding.js';
import type { Sample } from '../data/sample.js';
import type { Vectors } from '../data/similarity.js';

/**
 * Pictures whose descriptors' cosine is above this are near-duplicates, measured with MobileSAM (docs/splitting.md): neighbouring
 * frames that share 97 % of their ground and the same ground in other years are above it, other photographs of one river below.
 */
export const NEAR_DUPLICATE = 0.998;

const CHANNELS = 256;
const SIDE = 64;
/** Every other row and column tell as much as all. */
const STEP = 2;
/** Read at a time: 4 MiB each. */
const AT_ONCE = 4;

/** @param read The embeddings of these samples, in their order. */
export async function describeImages(
  samples: readonly Sample[],
  read: (samples: readonly Sample[]) => Promise<Embeddings>,
  signal?: AbortSignal,
): Promise<Vectors> {
  const values = new Float32Array(samples.length * CHANNELS);
  for (let start = 0; start < samples.length; start += AT_ONCE) {
    signal?.throwIfAborted();
    const embeddings = await read(samples.slice(start, start + AT_ONCE));
    try {
      values.set(descriptorsOf(embeddings.toFloat32Array()), start * CHANNELS);
    } finally {
      embeddings.dispose();
    }
  }
  return { values, count: samples.length, length: CHANNELS };
}

/** @param embeddings B * 256 * 64 * 64. @returns B * 256. */
export function descriptorsOf(embeddings: Float32Array): Float32Array {
  const plane = SIDE * SIDE;
  const means = new Float32Array(embeddings.length / plane);
  for (let channel = 0; channel < means.length; channel++) {
    let sum = 0;
    const from = channel * plane;
    for (let row = 0; row < SIDE; row += STEP) {
      const at = from + row * SIDE;
      for (let column = 0; column < SIDE; column += STEP) sum += embeddings[at + column]!;
    }
    means[channel] = sum;
  }
  for (let start = 0; start < means.length; start += CHANNELS) toLengthOne(means.subarray(start, start + CHANNELS));
  return means;
}

function toLengthOne(vector: Float32Array): void {
  const length = Math.hypot(...vector);
  if (length > 0) vector.set(vector.map((value) => value / length));
}
