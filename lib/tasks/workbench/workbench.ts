/** Workbench that all runs of a task share: the data, looked at once, and the embeddings, encoded once. */

import { SamError } from '../../core/errors.js';
import type { Hooks } from '../../core/hooks.js';
import { LabelDoubts } from '../../data/label-doubts.js';
import { loadSplit, openSource } from '../../data/open-data.js';
import type { DataSplits, Sample, Samples } from '../../data/sample.js';
import { concatenated, filtered } from '../../data/sample-list.js';
import { allViews } from '../../data/views.js';
import type { Compute } from '../../device.js';
import type { EmbeddingStore, EnsureProgress } from '../../embeddings/embedding-store.js';
import { openWorkplace } from '../../embeddings/workplace.js';
import type { ResolvedTrainOptions } from '../../options.js';
import { checkSamples, requireSome } from '../../training/check-samples.js';
import { environment, openModelIn, type TrainEnvironment } from '../../training/environment.js';
import { LowResMasks } from '../../training/masks.js';
import { RoughPrompts } from '../../training/rough-prompts.js';

/** Samples of some splits, by their names. */
export type SplitSamples = { readonly train: Samples; readonly validation?: Samples; readonly test?: Samples };

export interface Workbench<Splits extends SplitSamples> {
  /** Samples that have their embeddings. */
  splits: Splits;
  compute: Compute;
  store: EmbeddingStore;
  cacheDir: string;
  /** Name of the model that is trained. */
  model: string;
  /** Number of images that the encoder ran for. */
  encodedImages: number;
  /** Makes the environment that `train` runs in: this data, and what is there already. */
  environment(data: DataSplits): TrainEnvironment;
  dispose(): Promise<void>;
}

/**
 * Opens a workbench: encodes the samples, those to train on in all views.
 *
 * @throws SamError what `train` throws of models and pictures.
 */
export async function openWorkbench<Splits extends SplitSamples>(
  checked: Splits,
  run: ResolvedTrainOptions,
  hooks: Hooks<EnsureProgress>,
): Promise<Workbench<Splits>> {
  const workplace = openWorkplace(run, hooks, environment.compute(run, hooks));
  const { compute, cacheDir } = workplace;
  try {
    const model = await workplace.model(run.model);
    const store = await workplace.store(model, run.imageSize);
    const { train: training, ...others } = checked;
    const needed = concatenated(allViews(training, run.augment), ...Object.values(others));
    const { encoded, usable } = await store.ensure(needed, { ...hooks, skipBad: run.skipBad });
    const splits = eachSplit(checked, (samples) => filtered(samples, usable));
    requireSome(splits);
    return {
      splits,
      compute,
      store,
      cacheDir,
      model: model.name,
      encodedImages: encoded,
      environment: (data) => ({
        ...environment,
        doubtsLabels: false,
        compute: () => compute,
        openData: async () => data,
        openModel: (options, _, told) => openModelIn(workplace, options, told),
      }),
      dispose: () => workplace.dispose(),
    };
  } catch (error) {
    await workplace.dispose();
    throw error;
  }
}

function eachSplit<Splits extends SplitSamples>(splits: Splits, change: (samples: Samples) => Samples): Splits {
  return Object.fromEntries(Object.entries(splits).map(([name, samples]) => [name, change(samples)])) as Splits;
}

/**
 * Returns the samples that `train` could use. Doubts about their labels are for the caller to tell.
 *
 * @throws SamError `SAM_BAD_DATA`: there are none, or bad ones, all named.
 */
export async function checkLabels<Splits extends SplitSamples>(
  splits: Splits,
  run: ResolvedTrainOptions,
  hooks: Hooks & { doubts: LabelDoubts },
): Promise<Splits> {
  const rough = RoughPrompts.open(run);
  try {
    const masks = new LowResMasks(run.maskSize, run.imageSize);
    const named = splits as Readonly<Record<string, Samples>>;
    return (await checkSamples(named, masks, { ...run, ...hooks, rough })) as unknown as Splits;
  } finally {
    await rough?.dispose();
  }
}

/**
 * Opens and checks the data to train on and to validate with, as `train` finds it, and a labelled test split where there is one.
 */
export async function openSplits(
  run: ResolvedTrainOptions,
  testSplit: string,
  hooks: Hooks,
): Promise<DataSplits & { readonly test?: Samples }> {
  const { train: training, validation } = await environment.openData(run, hooks);
  const test = await openTest(run, testSplit, hooks);
  const doubts = new LabelDoubts(run);
  const splits = { train: training, validation, ...(test !== undefined && { test }) };
  const checked = await checkLabels(splits, run, { ...hooks, doubts });
  doubts.settle(hooks);
  return checked;
}

async function openTest(
  run: ResolvedTrainOptions,
  split: string,
  hooks: Hooks,
): Promise<readonly Sample[] | undefined> {
  if (split === run.trainSplit || split === run.validationSplit) return undefined;
  const source = await openSource(run, hooks);
  if (!(await source.hasSplit(split))) return undefined;
  try {
    return await loadSplit({ ...run, split }, hooks);
  } catch (error) {
    // A test split without labels is no test, and no reason not to search.
    if (!(error instanceof SamError) || error.code !== 'SAM_BAD_DATA') throw error;
    hooks.onWarning?.(`the split '${split}' is not scored: ${error.message}`);
    return undefined;
  }
}
