/** Runs images through the encoder one at a time, the next one being decoded and resized meanwhile. */
import type { Embeddings, Encoding, ImageEncoder } from '../../binding.js';
import { decodeImage } from '../data/decode.js';
import type { Sample, Samples } from '../data/sample.js';
import { SamError } from '../errors.js';
import { fromNative } from '../native.js';

/** An image that cannot be read; its error says why. */
export interface BadImage {
  sample: Sample;
  error: SamError;
}

export interface EncodeOptions {
  encoder: ImageEncoder;
  samples: Samples;
  imageSize?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Takes the embedding, which is disposed of afterwards. */
  onEmbedding(sample: Sample, embeddings: Embeddings): Promise<void>;
  /** True: go on. False: encode no more. */
  onBad(bad: BadImage): boolean;
}

/** Stops between two slices of the encoder when aborted. */
export async function encodeImages(options: EncodeOptions): Promise<void> {
  const { samples, signal } = options;
  const start = (sample: Sample | undefined) => sample && { sample, prepared: prepare(sample, options) };
  let next = start(samples.at(0));
  try {
    for (let i = 1; next !== undefined; i++) {
      const { sample, prepared } = { sample: next.sample, prepared: await next.prepared };
      next = start(samples.at(i));
      if (prepared.kind === 'bad') {
        if (!options.onBad(prepared)) return;
        continue;
      }
      if (prepared.kind === 'failed') throw prepared.error;
      await finish(sample, prepared.encoding, options);
      signal?.throwIfAborted();
    }
  } finally {
    const unused = await next?.prepared;
    if (unused?.kind === 'ready') unused.encoding.dispose();
  }
}

/** One image through all slices of the encoder. */
export async function runEncoding(encoding: Encoding, signal?: AbortSignal): Promise<Embeddings> {
  try {
    do signal?.throwIfAborted();
    while (!(await encoding.advance()));
    return encoding.embeddings();
  } catch (error) {
    throw signal?.aborted ? signal.reason : fromNative(error);
  }
}

async function finish(sample: Sample, encoding: Encoding, options: EncodeOptions): Promise<void> {
  try {
    const embeddings = await runEncoding(encoding, options.signal);
    try {
      await options.onEmbedding(sample, embeddings);
    } finally {
      embeddings.dispose();
    }
  } finally {
    encoding.dispose();
  }
}

type Prepared =
  | { kind: 'ready'; encoding: Encoding }
  | ({ kind: 'bad' } & BadImage)
  | { kind: 'failed'; error: unknown };

/** Never rejects: it is awaited only when its turn has come. */
async function prepare(sample: Sample, { encoder, imageSize }: EncodeOptions): Promise<Prepared> {
  try {
    const { pixels, width, height } = await decodeImage(sample);
    const size = imageSize === undefined ? {} : { imageSize };
    return { kind: 'ready', encoding: await encoder.begin({ pixels, width, height, ...size }) };
  } catch (error) {
    const known = error instanceof SamError ? error : fromNative(error);
    return isBadImage(known) ? { kind: 'bad', sample, error: known } : { kind: 'failed', error: known };
  }
}

/** The picture is at fault, not the machine. */
export function isBadImage(error: unknown): error is SamError {
  return error instanceof SamError && (error.code === 'SAM_BAD_DATA' || error.code === 'SAM_NOT_FOUND');
}
