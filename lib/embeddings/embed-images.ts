/** Fills the embedding cache ahead of training, and writes embeddings out for other programs. */
import { resolve } from 'node:path';
import type { Precision } from '../../binding.js';
import { SamError } from '../core/errors.js';
import type { Sample } from '../data/sample.js';
import type { EnsureProgress } from './embedding-store.js';
import type { WorkOptions } from './work-options.js';
import { openWorkplace } from './workplace.js';

export interface EmbedImagesOptions extends WorkOptions {
  model: string;
  images: readonly Sample[];
  /** Writes the embeddings to this safetensors file: fp32, 256 x 64 x 64, one tensor for each image, under its name. */
  export?: string | undefined;
  imageSize?: number | undefined;
  onProgress?: ((progress: EnsureProgress) => void) | undefined;
}

export interface EmbedImagesResult {
  /** Images with an embedding. */
  count: number;
  /** Those that had one before. */
  cached: number;
  encoded: number;
  /** What these embeddings take in the cache. */
  bytes: number;
  /** Wall time for each image encoded now; 0 when none was. */
  secondsPerImage: number;
  /** The file written, if one was asked for. */
  export: string | null;
  model: { name: string; weightsHash: string; encoderHash: string };
  device: string;
  precision: Precision;
  /** Names of the images left out. */
  skipped: string[];
}

/** @throws SamError `SAM_BAD_DATA`: pictures that cannot be read (all named), or two of one name where they are exported. */
export async function embedImages(options: EmbedImagesOptions): Promise<EmbedImagesResult> {
  const { images, signal, skipBad, onWarning, onProgress } = options;
  if (options.export !== undefined) requireDistinctNames(images);
  const workplace = openWorkplace(options, options);
  try {
    const model = await workplace.model(options.model);
    const store = await workplace.store(model, options.imageSize);
    const { encoded, cached, seconds, skipped, ...found } = await store.ensure(images, {
      signal,
      skipBad,
      onWarning,
      onProgress,
    });
    const usable = images.filter(found.usable);
    const path = options.export === undefined ? null : resolve(options.export);
    if (path !== null) await store.export(path, usable, { signal, onWarning });
    const { name, weightsHash, encoderHash } = model;
    return {
      count: usable.length,
      cached,
      encoded,
      bytes: usable.length * store.bytesPerEmbedding,
      secondsPerImage: encoded === 0 ? 0 : seconds / encoded,
      export: path,
      model: { name, weightsHash, encoderHash },
      device: workplace.compute.device,
      precision: workplace.compute.precision,
      skipped: skipped.map((sample) => sample.name),
    };
  } finally {
    await workplace.dispose();
  }
}

function requireDistinctNames(images: readonly Sample[]): void {
  const paths = new Map<string, string>();
  for (const { name, image } of images) {
    const other = paths.get(name);
    if (other !== undefined) {
      throw new SamError('SAM_BAD_DATA', `two images are named ${name}: ${other}, ${image.path}`, {
        fix: 'export one split at a time, with --split',
      });
    }
    paths.set(name, image.path);
  }
}
