/** What all trials share: the data, looked at once, and the embeddings, encoded once. */

import { defaultCacheDir } from '../../core/cache-dir.js';
import { SamError } from '../../core/errors.js';
import type { Hooks } from '../../core/hooks.js';
import { openSource, openSplit } from '../../data/open-data.js';
import type { DataSplits, Sample, Samples } from '../../data/sample.js';
import { concatenated, filtered } from '../../data/sample-list.js';
import { allViews } from '../../data/views.js';
import type { Compute } from '../../device.js';
import { EmbeddingStore, type EnsureProgress } from '../../embeddings/embedding-store.js';
import { resolveModel } from '../../models/resolve.js';
import { checkSamples, requireSome } from '../../training/check-samples.js';
import { environment, type TrainEnvironment } from '../../training/environment.js';
import { LowResMasks } from '../../training/masks.js';
import { RoughPrompts } from '../../training/rough-prompts.js';
import type { SharedOptions } from '../search/options.js';
import { trainOptionsOf } from '../search/options.js';
import type { Setting } from '../search/plan.js';

export interface Workbench {
  splits: DataSplits;
  /** Undefined where the data has no labelled test split. */
  test: Sample[] | undefined;
  compute: Compute;
  store: EmbeddingStore;
  cacheDir: string;
  /** Name of the model that is tuned. */
  model: string;
  /** Images that the encoder ran for. */
  encodedImages: number;
  /** What trials are run with. */
  environment: TrainEnvironment;
}

/** @throws SamError what `train` throws of options, data and models. `store` is the caller's to dispose of. */
export async function openWorkbench(
  options: SharedOptions,
  given: Setting,
  hooks: Hooks<EnsureProgress>,
): Promise<Workbench> {
  const { signal, onNote } = hooks;
  const run = trainOptionsOf(options, given);
  const cacheDir = options.cacheDir ?? defaultCacheDir();
  const told = { ...hooks, onProgress: undefined };
  const found = await environment.openData(run, told);
  const test = await openTest(options, cacheDir, told);
  const checked = {
    ...(await check({ train: found.train, validation: found.validation }, options, given, told)),
    test: test && (await check({ test }, options, given, told)).test,
  };
  const compute = environment.compute(run, told);
  const model = await resolveModel(options.model, { cacheDir, encoder: options.encoder, signal, onNote });
  const store = await EmbeddingStore.open({ ...options, ...compute, encoder: model, cacheDir });
  try {
    const views = allViews(checked.train, options.augment);
    const needed = concatenated(concatenated(views, checked.validation), checked.test ?? []);
    const { skipBad } = options;
    const { encoded, usable } = await store.ensure(needed, { skipBad, ...hooks });
    const splits = { train: filtered(checked.train, usable), validation: filtered(checked.validation, usable) };
    requireSome(splits);
    return {
      splits,
      test: checked.test && [...checked.test].filter(usable),
      compute,
      store,
      cacheDir,
      model: model.name,
      encodedImages: encoded,
      environment: sharing({ splits, compute, store }),
    };
  } catch (error) {
    await store.dispose();
    throw error;
  }
}

/** The environment of `train`, with what is there already. */
function sharing({ splits, compute, store }: Pick<Workbench, 'splits' | 'compute' | 'store'>): TrainEnvironment {
  return {
    ...environment,
    compute: () => compute,
    openData: async () => splits,
    async openModel(...given) {
      return { ...(await environment.openModel(...given)), embeddings: store };
    },
  };
}

async function openTest(options: SharedOptions, cacheDir: string, hooks: Hooks): Promise<Sample[] | undefined> {
  const { testSplit: split, trainSplit, validationSplit } = options;
  if (split === trainSplit || split === validationSplit) return undefined;
  const source = await openSource({ ...options, cacheDir }, hooks);
  if (!(await source.hasSplit(split))) return undefined;
  try {
    return await openSplit({ ...options, cacheDir, split }, hooks);
  } catch (error) {
    // A test split without labels is no test, and no reason not to search.
    if (!(error instanceof SamError) || error.code !== 'SAM_BAD_DATA') throw error;
    hooks.onWarning?.(`the split '${split}' is not scored: ${error.message}`);
    return undefined;
  }
}

async function check<Split extends string>(
  splits: Record<Split, Samples>,
  options: SharedOptions,
  given: Setting,
  hooks: Hooks,
): Promise<Record<Split, Samples>> {
  const rough = RoughPrompts.open(trainOptionsOf(options, given));
  try {
    const masks = new LowResMasks(options.maskSize, options.imageSize);
    return await checkSamples(splits, masks, { ...options, ...hooks, rough });
  } finally {
    await rough?.dispose();
  }
}
