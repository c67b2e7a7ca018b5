/** Each label is judged by a model that has never seen it: k models, each trained on all folds but one, predict that one. */

import { join } from 'node:path';
import { scratchFolder } from '../../core/files.js';
import type { Hooks } from '../../core/hooks.js';
import { validationRandom } from '../../core/random.js';
import { decodeMask, imageSize } from '../../data/decode.js';
import { toLowRes } from '../../data/low-res.js';
import { inReadingOrder, type Mask, type Sample, type Samples } from '../../data/sample.js';
import { filtered } from '../../data/sample-list.js';
import type { Compute } from '../../device.js';
import type { EmbeddingStore } from '../../embeddings/embedding-store.js';
import { toPromptSettings } from '../../models/prompt-options.js';
import { resolveModel } from '../../models/resolve.js';
import type { ResolvedTrainOptions } from '../../options.js';
import { ImageEmbedding, type Prediction, SamModel } from '../../prediction/sam-model.js';
import { drawPrompt } from '../../prompts/draw.js';
import { ask } from '../../scoring/ask.js';
import { environment } from '../../training/environment.js';
import { RoughPrompts } from '../../training/rough-prompts.js';
import { trainIn } from '../../training/train.js';
import { type ResolvedAuditOptions, trainOptionsOf } from './options.js';

/** What a model says about a label that it was not trained on. */
export interface Verdict {
  readonly sample: Sample;
  /** From 1 on. */
  readonly fold: number;
  readonly label: Mask;
  /** One for each draw of a prompt. */
  readonly predictions: readonly Prediction[];
}

export type FoldProgress =
  | { stage: 'train'; fold: number; folds: number; epoch: number; epochs: number }
  | { stage: 'predict'; fold: number; folds: number; done: number; total: number };

export interface OutOfFoldContext extends Hooks<FoldProgress> {
  options: ResolvedAuditOptions;
  compute: Compute;
  /** Holds the embeddings of all samples, for all folds. */
  store: EmbeddingStore;
  cacheDir: string;
}

/** Trains fold after fold; a sample's verdict comes when its fold's turn has come. Run folders are removed when they have served. */
export async function* outOfFold(
  samples: Samples,
  foldOf: Uint32Array,
  context: OutOfFoldContext,
): AsyncGenerator<Verdict, void> {
  const { options, cacheDir } = context;
  for (let fold = 0; fold < options.folds; fold++) {
    const scratch = await scratchFolder(join(cacheDir, 'tmp'));
    try {
      const within = (inside: boolean) => {
        let place = 0;
        return filtered(samples, () => (foldOf[place++] === fold) === inside);
      };
      const heldOut = within(true);
      const run = trainOptionsOf(options, join(scratch.path, 'run'));
      const checkpoint = await trainFold(run, { train: within(false), validation: heldOut }, fold + 1, context);
      yield* judge(checkpoint, [...heldOut], run, fold + 1, context);
    } finally {
      await scratch.remove();
    }
  }
}

/** The model after the last epoch: the best one would be chosen by the labels that it is to judge. */
async function trainFold(
  run: ResolvedTrainOptions,
  splits: { train: Samples; validation: Samples },
  fold: number,
  { options: { folds }, compute, store, signal, onNote, onWarning, onProgress }: OutOfFoldContext,
): Promise<string> {
  const { lastCheckpoint } = await trainIn(
    {
      ...environment,
      compute: () => compute,
      openData: async () => splits,
      async openModel(...given) {
        return { ...(await environment.openModel(...given)), embeddings: store };
      },
    },
    run,
    {
      signal,
      onProgress: (event) => {
        if (event.type === 'epoch')
          onProgress?.({ stage: 'train', fold, folds, epoch: event.epoch, epochs: run.epochs });
        else if (event.type === 'warning') onWarning?.(event.message);
        else if (event.type === 'note' && fold === 1) onNote?.(event.message);
      },
    },
  ).result.catch((error: unknown) => {
    // Its own words would name a run to go on with, which is gone.
    throw signal?.aborted ? signal.reason : error;
  });
  return lastCheckpoint;
}

async function* judge(
  checkpoint: string,
  samples: readonly Sample[],
  run: ResolvedTrainOptions,
  fold: number,
  { options: { folds, draws }, compute, store, cacheDir, signal, onWarning, onProgress }: OutOfFoldContext,
): AsyncGenerator<Verdict, void> {
  const resolved = await resolveModel(checkpoint, { cacheDir, encoder: run.encoder, signal });
  const model = await SamModel.fromResolved(resolved, compute, signal);
  const rough = RoughPrompts.open(run);
  try {
    let done = 0;
    for (const sample of inReadingOrder(samples)) {
      signal?.throwIfAborted();
      const label = await decodeMask(sample, await imageSize(sample));
      const embeddings = await store.read([sample], { signal, onWarning });
      const embedding = new ImageEmbedding(embeddings, label.width, label.height, run.imageSize);
      try {
        const predictions = await predictAll({ sample, label, embedding }, model, { run, rough, draws });
        yield { sample, fold, label, predictions };
      } finally {
        embedding.dispose();
      }
      onProgress?.({ stage: 'predict', fold, folds, done: ++done, total: samples.length });
    }
  } finally {
    await rough?.dispose();
    model.dispose();
  }
}

/** The first prompt is that of `train`'s validation and of `evaluate`. */
async function predictAll(
  { sample, label, embedding }: { sample: Sample; label: Mask; embedding: ImageEmbedding },
  model: SamModel,
  { run, rough, draws }: { run: ResolvedTrainOptions; rough: RoughPrompts | undefined; draws: number },
): Promise<Prediction[]> {
  const { seed } = run;
  const settings = toPromptSettings(run);
  const grid = toLowRes(label, run.maskSize, run.imageSize);
  const predictions: Prediction[] = [];
  for (let draw = 0; draw < draws; draw++) {
    const random = validationRandom(seed, sample.name, draw);
    const prompt =
      (await rough?.draw(sample, settings, { seed, epoch: 'validation', random })) ??
      drawPrompt(grid, settings, random);
    predictions.push(await ask(prompt, run, { model, embedding, signal: undefined }));
  }
  return predictions;
}
