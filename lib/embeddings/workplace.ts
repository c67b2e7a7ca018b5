/**
 * The workplace of all that encodes pictures: the device, the models, and their embeddings. It is opened with a caller's
 * {@link WorkOptions}, and disposes of what it opened in one place.
 */
import { defaultCacheDir } from '../core/cache-dir.js';
import type { Hooks } from '../core/hooks.js';
import { type Compute, computeOn } from '../device.js';
import type { ResolvedModel } from '../models/model.js';
import { resolveModel } from '../models/resolve.js';
import { EmbeddingStore } from './embedding-store.js';
import type { WorkOptions } from './work-options.js';

export interface Workplace {
  readonly compute: Compute;
  readonly cacheDir: string;
  /** Finds the files of a model, with the image encoder that the options name or its own. Throws what `resolveModel` throws. */
  model(spec: string, hooks?: Pick<Hooks, 'signal' | 'onNote'>): Promise<ResolvedModel>;
  /** Opens the embeddings of a model's encoder, once: models that share an encoder and a picture size share them. */
  store(model: ResolvedModel, imageSize: number | undefined): Promise<EmbeddingStore>;
  /** Disposes of the stores. */
  dispose(): Promise<void>;
}

/**
 * Opens a workplace: resolves the device and the cache folder. Models and embeddings come when they are asked for.
 *
 * @param compute Where the device is resolved already.
 * @throws SamError `SAM_NO_CUDA`: no such GPU.
 */
export function openWorkplace(
  options: Omit<WorkOptions, keyof Hooks>,
  { signal, onNote, onWarning }: Hooks,
  compute: Compute = computeOn(options, { onNote, onWarning }),
): Workplace {
  const { cacheDir = defaultCacheDir(), cache = true, cacheMax, encoder } = options;
  const stores = new Map<string, Promise<EmbeddingStore>>();
  return {
    compute,
    cacheDir,
    model: (spec, told = { signal, onNote }) =>
      resolveModel(spec, { cacheDir, encoder, signal: told.signal, onNote: told.onNote }),
    store(model, imageSize) {
      const key = `${model.encoderHash}:${imageSize ?? ''}`;
      const store =
        stores.get(key) ?? EmbeddingStore.open({ ...compute, encoder: model, cacheDir, cache, cacheMax, imageSize });
      stores.set(key, store);
      return store;
    },
    async dispose() {
      // One that could not be opened has told so, and left nothing behind.
      for (const store of stores.values()) await (await store.catch(() => undefined))?.dispose();
    },
  };
}
