/**
 * Out-of-fold predictions: k models, each trained on all folds but one, predict that one, so that none has seen the labels it
 * judges.
 */

import { join } from 'node:path';
import { scratchFolder } from '../../core/files.js';
import type { Hooks } from '../../core/hooks.js';
import { validationRandom } from '../../core/random.js';
import { toLowRes } from '../../data/low-res.js';
import type { Mask, Sample, Samples } from '../../data/sample.js';
import { filtered } from '../../data/sample-list.js';
import { toPromptSettings } from '../../models/prompt-options.js';
import { resolveModel } from '../../models/resolve.js';
import type { ResolvedTrainOptions } from '../../options.js';
import type { Prediction } from '../../prediction/prediction.js';
import { drawPrompt } from '../../prompts/draw.js';
import type { Asked } from '../../scoring/ask.js';
import { answered, type Question } from '../../scoring/judge.js';
import { RoughPrompts } from '../../training/rough-prompts.js';
import { trainWith } from '../../training/train.js';
import { trainOptionsOf } from '../workbench/options.js';
import type { SplitSamples, Workbench } from '../workbench/workbench.js';
import type { ResolvedAuditOptions } from './options.js';

/** Verdict of a model about a label that it was not trained on. */
export interface Verdict {
  readonly sample: Sample;
  /** Number of the fold, from 1 on. */
  readonly fold: number;
  readonly label: Mask;
  /** Predictions, one for each draw of a prompt. */
  readonly predictions: readonly Prediction[];
}

/** How far the model of a fold is: training, then judging the labels that it has not seen. */
export type FoldProgress =
  | {
      stage: 'train';
      /** Fold, from 1 on. */
      fold: number;
      /** Number of folds. */
      folds: number;
      /** Epoch, from 1 on. */
      epoch: number;
      /** Number of epochs. */
      epochs: number;
    }
  | {
      stage: 'predict';
      /** Fold, from 1 on. */
      fold: number;
      /** Number of folds. */
      folds: number;
      /** Labels judged so far. */
      done: number;
      /** Labels of the fold. */
      total: number;
    };

/** Part of the workbench that all folds share, with the embeddings of all samples. */
export type AuditBench = Pick<Workbench<SplitSamples>, 'compute' | 'store' | 'cacheDir' | 'environment'>;

export interface OutOfFoldContext extends Hooks<FoldProgress> {
  options: ResolvedAuditOptions;
  bench: AuditBench;
}

/**
 * Trains fold after fold, and yields the verdicts on each fold's samples in its turn. Removes run folders when they have served.
 */
export async function* outOfFold(
  samples: Samples,
  foldOf: Uint32Array,
  context: OutOfFoldContext,
): AsyncGenerator<Verdict, void> {
  const { options, bench } = context;
  for (let fold = 0; fold < options.folds; fold++) {
    const scratch = await scratchFolder(join(bench.cacheDir, 'tmp'));
    try {
      const within = (inside: boolean) => {
        let place = 0;
        return filtered(samples, () => (foldOf[place++] === fold) === inside);
      };
      const heldOut = within(true);
      const bare = { report: false, saveEvery: Number.MAX_SAFE_INTEGER };
      const run = trainOptionsOf(options, { out: join(scratch.path, 'run'), ...bare });
      const checkpoint = await trainFold(run, { train: within(false), validation: heldOut }, fold + 1, context);
      yield* judge(checkpoint, [...heldOut], run, fold + 1, context);
    } finally {
      await scratch.remove();
    }
  }
}

/**
 * Trains the model of a fold, and returns it after the last epoch: the best one would be chosen by the labels that it is to judge.
 */
async function trainFold(
  run: ResolvedTrainOptions,
  splits: { train: Samples; validation: Samples },
  fold: number,
  { options: { folds }, bench, signal, onNote, onWarning, onProgress }: OutOfFoldContext,
): Promise<string> {
  const { lastCheckpoint } = await trainWith(
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
    bench.environment(splits),
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
  { options: { folds, draws }, bench, signal, onWarning, onProgress }: OutOfFoldContext,
): AsyncGenerator<Verdict, void> {
  const model = await resolveModel(checkpoint, { cacheDir: bench.cacheDir, encoder: run.encoder, signal });
  const witness = { ...bench, model, imageSize: run.imageSize };
  const rough = RoughPrompts.open(run);
  const questions = (about: Asked) => drawn(about, { run, rough, draws });
  try {
    let done = 0;
    let predictions: Prediction[] = [];
    for await (const { sample, label, predicted } of answered(samples, witness, questions, { signal, onWarning })) {
      predictions.push(predicted);
      if (predictions.length < draws) continue;
      yield { sample, fold, label, predictions };
      predictions = [];
      onProgress?.({ stage: 'predict', fold, folds, done: ++done, total: samples.length });
    }
  } finally {
    await rough?.dispose();
  }
}

/** Draws the prompts for a sample. The first is that of `train`'s validation and of `evaluate`. */
async function* drawn(
  { sample, label }: Asked,
  { run, rough, draws }: { run: ResolvedTrainOptions; rough: RoughPrompts | undefined; draws: number },
): AsyncGenerator<Question, void> {
  const { seed } = run;
  const settings = toPromptSettings(run);
  const grid = toLowRes(label, run.maskSize, run.imageSize);
  for (let draw = 0; draw < draws; draw++) {
    const random = validationRandom(seed, sample.name, draw);
    const prompt =
      (await rough?.draw(sample, settings, { seed, epoch: 'validation', random })) ??
      drawPrompt(grid, settings, random);
    yield { prompt, prompts: run };
  }
}
