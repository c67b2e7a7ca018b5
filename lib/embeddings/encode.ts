/**
 * Encoding: images go through the encoder one at a time; meanwhile the next ones are decoded and resized, and the last one is
 * stored.
 */
import type { Embeddings, Encoding, ImageEncoder } from '../../binding.js';
import { fromNative } from '../addon/native.js';
import { SamError } from '../core/errors.js';
import { span } from '../core/spans.js';
import { decodeImage } from '../data/decode.js';
import type { Sample, Samples } from '../data/sample.js';

/** Image that cannot be read; its error says why. */
export interface BadImage {
  sample: Sample;
  error: SamError;
}

export interface EncodeOptions {
  encoder: ImageEncoder;
  /** Device of the encoder: `cpu` or `cuda:N`. */
  device: string;
  samples: Samples;
  imageSize?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Takes the embedding, in the processor's memory, which is disposed of afterwards. */
  onEmbedding(sample: Sample, embeddings: Embeddings): Promise<void>;
  /** Takes what gives doubt about an image, in words. */
  onDoubt?(doubt: string): void;
  /** Takes an image that cannot be read. Returns whether encoding goes on. */
  onBad(bad: BadImage): boolean;
}

/**
 * Number of pictures made ready ahead. On the CPU one waits for the encoder, so that it never waits for the other, which is in the making;
 * a GPU encodes in less time than one thread decodes and resizes, so that several must be in the making.
 */
const aheadOf = (device: string) => (device === 'cpu' ? 2 : 6);

/** Encodes images. When aborted it stops between two slices of the encoder. */
export async function encodeImages(options: EncodeOptions): Promise<void> {
  const { samples, signal } = options;
  const most = aheadOf(options.device);
  const ahead: { sample: Sample; prepared: Promise<Prepared> }[] = [];
  let begun = 0;
  const prepareAhead = () => {
    for (; ahead.length < most && begun < samples.length; begun++) {
      const sample = samples.at(begun)!;
      ahead.push({ sample, prepared: prepare(sample, options) });
    }
  };
  let handingOn: Promise<void> = Promise.resolve();
  try {
    for (prepareAhead(); ahead.length > 0; prepareAhead()) {
      const { sample, prepared: pending } = ahead.shift()!;
      const prepared = await span('wait for image', () => pending);
      prepareAhead();
      if (prepared.kind === 'failed') throw prepared.error;
      if (prepared.kind === 'bad') {
        if (options.onBad(prepared)) continue;
        break;
      }
      const embeddings = await encode(prepared.encoding, signal);
      const before = handingOn;
      handingOn = handOn(sample, embeddings, { before, options });
      handingOn.catch(() => {}); // reported after the next image, or at the end
      await before;
      signal?.throwIfAborted();
    }
  } finally {
    for (const { prepared } of ahead) {
      const unused = await prepared;
      if (unused.kind === 'ready') unused.encoding.dispose();
    }
    await handingOn.catch(() => {});
  }
  await handingOn;
}

/** Runs one image through all slices of the encoder. */
export async function runEncoding(encoding: Encoding, signal?: AbortSignal): Promise<Embeddings> {
  try {
    do signal?.throwIfAborted();
    while (!(await encoding.advance()));
    return encoding.embeddings();
  } catch (error) {
    throw signal?.aborted ? signal.reason : fromNative(error);
  }
}

async function encode(encoding: Encoding, signal: AbortSignal | undefined): Promise<Embeddings> {
  try {
    return await runEncoding(encoding, signal);
  } finally {
    encoding.dispose();
  }
}

/** Hands an embedding on and disposes of it, which ends while the next image is in the encoder. */
async function handOn(
  sample: Sample,
  embeddings: Embeddings,
  { before, options }: { before: Promise<void>; options: EncodeOptions },
): Promise<void> {
  try {
    await before;
    await options.onEmbedding(sample, embeddings);
  } finally {
    embeddings.dispose();
  }
}

type Prepared =
  | { kind: 'ready'; encoding: Encoding }
  | ({ kind: 'bad' } & BadImage)
  | { kind: 'failed'; error: unknown };

/** Prepares an image for the encoder. Never rejects, since it is awaited only when its turn has come. */
async function prepare(sample: Sample, { encoder, imageSize, onDoubt }: EncodeOptions): Promise<Prepared> {
  try {
    const { pixels, width, height, doubt } = await span('decode image', () => decodeImage(sample));
    if (doubt !== undefined) onDoubt?.(doubt);
    const size = imageSize === undefined ? {} : { imageSize };
    return { kind: 'ready', encoding: await encoder.begin({ pixels, width, height, ...size, toHost: true }) };
  } catch (error) {
    const known = error instanceof SamError ? error : fromNative(error);
    return isBadImage(known) ? { kind: 'bad', sample, error: known } : { kind: 'failed', error: known };
  }
}

/** Tells whether the picture is at fault, and not the machine. */
export function isBadImage(error: unknown): error is SamError {
  return error instanceof SamError && (error.code === 'SAM_BAD_DATA' || error.code === 'SAM_NOT_FOUND');
}
