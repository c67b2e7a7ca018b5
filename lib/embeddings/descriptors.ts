/**
 * Descriptors: a short vector for each image, its embedding's mean over the picture, of length 1, to find images that are nearly
 * alike.
 */
import type { Embeddings } from '../../binding.js';
import { type ImageSize, imageSize } from '../data/decode.js';
import type { Sample } from '../data/sample.js';
import { EMBEDDING_CHANNELS, EMBEDDING_SIDE, fitted } from '../frame.js';
import type { Vectors } from './similarity.js';

/**
 * Cosine of descriptors above which pictures are near-duplicates, measured with MobileSAM (docs/splitting.md): neighbouring frames
 * that share 97 % of their ground and the same ground in other years are above it, other photographs of one river below.
 */
export const NEAR_DUPLICATE = 0.998;

/** Step of the rows and columns that are looked at: every other one tells as much as all. */
const STEP = 2;

export interface DescribeOptions {
  /** Reads the embedding of a sample. */
  read(sample: Sample): Promise<Embeddings>;
  /** Whether the pictures were squashed to a square first, so that nothing of their embeddings is padding. */
  squashed: boolean;
  signal?: AbortSignal | undefined;
}

/** Describes images: 1 KiB for each, and some milliseconds to read its embedding. */
export async function describeImages(
  samples: readonly Sample[],
  { read, squashed, signal }: DescribeOptions,
): Promise<Vectors> {
  const values = new Float32Array(samples.length * EMBEDDING_CHANNELS);
  for (const [place, sample] of samples.entries()) {
    signal?.throwIfAborted();
    const size = squashed ? { width: 1, height: 1 } : await imageSize(sample);
    const embedding = await read(sample);
    try {
      values.set(descriptorOf(embedding.toFloat32Array(), size), place * EMBEDDING_CHANNELS);
    } finally {
      embedding.dispose();
    }
  }
  return { values, count: samples.length, length: EMBEDDING_CHANNELS };
}

/**
 * Makes the descriptor of an embedding.
 *
 * @param embedding 256 * 64 * 64 values.
 * @param size size of the picture, whose long side fills the 64 columns or rows: what is beyond is padding, which all pictures share.
 */
export function descriptorOf(embedding: Float32Array, size: ImageSize): Float32Array {
  const { width: columns, height: rows } = fitted(size, EMBEDDING_SIDE);
  const sums = new Float32Array(EMBEDDING_CHANNELS);
  for (let channel = 0; channel < EMBEDDING_CHANNELS; channel++) {
    let sum = 0;
    for (let row = 0; row < rows; row += STEP) {
      const at = (channel * EMBEDDING_SIDE + row) * EMBEDDING_SIDE;
      for (let column = 0; column < columns; column += STEP) sum += embedding[at + column]!;
    }
    sums[channel] = sum;
  }
  const length = Math.hypot(...sums);
  return length > 0 ? sums.map((sum) => sum / length) : sums;
}
