/** `sam-native embed`: fills the embedding cache ahead of training, and writes embeddings out for other programs. */
import { resolve } from 'node:path';
import type { Precision } from '../../binding.js';
import { SamError } from '../core/errors.js';
import { requireWritable } from '../core/files.js';
import type { Hooks } from '../core/hooks.js';
import { checkHooks, parseOptions } from '../core/parse-options.js';
import { loadSplit, openSource } from '../data/open-data.js';
import type { DataSource, Sample } from '../data/sample.js';
import { allViews } from '../data/views.js';
import { type EmbedImagesOptions, embedImagesOptionsSchema, type ResolvedEmbedImagesOptions } from './embed-options.js';
import type { EnsureProgress } from './embedding-store.js';
import type { WorkOptions } from './work-options.js';
import { openWorkplace } from './workplace.js';

/** What {@link embedImages} gives back. */
export interface EmbedImagesResult {
  /** Number of images with an embedding. */
  count: number;
  /** Number of images that had an embedding before. */
  cached: number;
  /** Images encoded now. */
  encoded: number;
  /** Bytes that these embeddings take in the cache. */
  bytes: number;
  /** Wall time for each image encoded now; 0 when none was. */
  secondsPerImage: number;
  /** Path of the file written; null if none was asked for. */
  export: string | null;
  /** Model whose encoder was taken. */
  model: {
    /** Name of the model. */
    name: string;
    /** Hash of the model's weights. */
    weightsHash: string;
    /** Hash of the image encoder, on which embeddings depend. */
    encoderHash: string;
  };
  /** Device that computed: `cpu` or `cuda:N`. */
  device: string;
  /** Precision that the device computed in. */
  precision: Precision;
  /** Names of the images left out. */
  skipped: string[];
}

/**
 * Encodes the images of a data set, so that `train`, `evaluate` and the others find their embeddings; with `export` also writes them
 * to a file. Masks are not needed.
 *
 * ```ts
 * await embedImages({ data: 'photos', split: 'validation', precision: 'fp32', export: 'embeddings.safetensors' });
 * ```
 * @throws SamError `SAM_BAD_OPTION`: options; `SAM_BAD_DATA`: pictures that cannot be read (all named), or two of one name where they are exported.
 */
export async function embedImages(
  given: EmbedImagesOptions,
  hooks: Hooks<EnsureProgress> = {},
): Promise<EmbedImagesResult> {
  checkHooks(hooks);
  const options = parseOptions(embedImagesOptionsSchema, given);
  if (options.export !== undefined && options.augment !== undefined) {
    throw new SamError('SAM_BAD_OPTION', '`export` names each picture once; `augment` makes several views', {
      fix: 'export the pictures as they are, without `augment`',
    });
  }
  if (options.export !== undefined) await requireWritable(options.export, '`export`');
  return embedAll({ ...options, ...hooks, images: await openAll(options, hooks) });
}

/** Opens the images of the splits asked for, those to train on in all the views asked for. */
async function openAll(options: ResolvedEmbedImagesOptions, hooks: Hooks): Promise<Sample[]> {
  const images: Sample[] = [];
  const source = await openSource(options, hooks);
  for (const split of await splitsOf(options, source)) {
    const samples = await loadSplit({ ...options, split, masks: 'ignored' }, hooks);
    const augment = split === options.trainSplit ? options.augment : undefined;
    for (const sample of allViews(samples, augment)) images.push(sample);
  }
  return images;
}

/** Names the splits to encode: the one asked for, else training and validation, of which a data set may have only one. */
async function splitsOf(
  { split: asked, trainSplit, validationSplit }: ResolvedEmbedImagesOptions,
  source: DataSource,
): Promise<string[]> {
  if (asked !== undefined) return [asked];
  const both = [trainSplit, validationSplit];
  const there: string[] = [];
  for (const split of both) if (await source.hasSplit(split)) there.push(split);
  return there.length > 0 ? there : both;
}

/** Options of encoding once the images are open. */
interface Embedding extends WorkOptions {
  model: string;
  images: readonly Sample[];
  export?: string | undefined;
  imageSize?: number | undefined;
  onProgress?: ((progress: EnsureProgress) => void) | undefined;
}

async function embedAll(options: Embedding): Promise<EmbedImagesResult> {
  const { images, signal, skipBad, onNote, onWarning, onProgress } = options;
  if (options.export !== undefined) requireDistinctNames(images);
  const workplace = openWorkplace(options, options);
  try {
    const model = await workplace.model(options.model);
    const store = await workplace.store(model, options.imageSize);
    const { encoded, cached, seconds, skipped, ...found } = await store.ensure(images, {
      signal,
      skipBad,
      onNote,
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
        fix: 'export one split at a time, with `split`',
      });
    }
    paths.set(name, image.path);
  }
}
