/** Batches: which images are in each, and what the native trainer is given for them. */
import type { Embeddings, TrainingBatch } from '../../binding.js';
import { type Epoch, randomFor } from '../core/random.js';
import { span } from '../core/spans.js';
import type { LowResMask } from '../data/low-res.js';
import type { Sample, Samples } from '../data/sample.js';
import { type Augment, drawnView, viewedSize } from '../data/views.js';
import { toPromptBatch } from '../prompts/batch.js';
import { drawPrompt } from '../prompts/draw.js';
import { viewedPrompt } from '../prompts/geometry.js';
import type { Prompt, PromptSettings } from '../prompts/prompt.js';
import type { LowResMasks } from './masks.js';
import type { RoughPrompts } from './rough-prompts.js';

/** A batch that is planned: one call of the trainer. */
export interface PlannedBatch {
  samples: readonly Sample[];
  /** Whether the optimiser steps after this batch. */
  update: boolean;
  /** Factor of the loss: 1 / batches of this optimisation step. */
  scale: number;
}

/**
 * Cuts samples, in their order, into batches (the last one may be smaller) and groups `accumulate` of them to one
 * optimisation step (the last group may be smaller). Each batch is made when its turn comes.
 *
 * @param from number of the first batch to plan, from 0; the batches before it are left out.
 */
export function* planBatches(
  samples: Samples,
  batchSize: number,
  accumulate = 1,
  from = 0,
): Generator<PlannedBatch, void> {
  const count = Math.ceil(samples.length / batchSize);
  for (let index = from; index < count; index++) {
    const groupStart = index - (index % accumulate);
    const groupEnd = Math.min(count, groupStart + accumulate);
    const start = index * batchSize;
    const length = Math.min(batchSize, samples.length - start);
    yield {
      samples: Array.from({ length }, (_, place) => samples.at(start + place)!),
      update: index === groupEnd - 1,
      scale: 1 / (groupEnd - groupStart),
    };
  }
}

/** Counts the optimisation steps of an epoch. */
export function stepsOf(samples: number, batchSize: number, accumulate: number): number {
  return Math.ceil(Math.ceil(samples / batchSize) / accumulate);
}

/** A source of embeddings: `EmbeddingStore`, or a test's own. */
export interface EmbeddingReader {
  read(samples: readonly Sample[]): Promise<Embeddings>;
}

/** A batch with its plan; disposing it frees the embeddings. */
export interface PreparedBatch {
  plan: PlannedBatch;
  batch: TrainingBatch;
  dispose(): void;
}

export interface BatchSource {
  masks: LowResMasks;
  embeddings: EmbeddingReader;
  prompts: PromptSettings;
  seed: number;
  /** Rough masks that prompts are drawn from, always or at times; the targets stay the labels. */
  rough?: RoughPrompts | undefined;
  /** Views, one of which an epoch sees of each picture; validation sees pictures as they are. */
  augment?: Augment | undefined;
}

/** Makes a batch: decodes the labels, draws the prompts of `epoch` and reads the embeddings. */
export async function prepareBatch(source: BatchSource, plan: PlannedBatch, epoch: Epoch): Promise<PreparedBatch> {
  const augment = epoch === 'validation' ? undefined : source.augment;
  const samples = plan.samples.map((sample) => drawnView(sample, augment, source.seed, epoch));
  const masks = await span('read labels', () => Promise.all(samples.map((sample) => source.masks.get(sample))));
  const { maskSize, pictureSize } = source.masks;
  const targets = new Uint8Array(samples.length * maskSize * maskSize);
  const validSizes = new Int32Array(samples.length * 2);
  masks.forEach((mask, index) => {
    targets.set(mask.values, index * maskSize * maskSize);
    validSizes.set([mask.validHeight, mask.validWidth], index * 2);
  });
  const prompts = await Promise.all(
    masks.map(async (mask, index) => [
      await promptOf(source, { sample: plan.samples[index]!, view: samples[index]!.view ?? 0, label: mask }, epoch),
    ]),
  );
  const frames = masks.map((mask) => ({ ...mask, imageSize: pictureSize }));
  const promptBatch = toPromptBatch(prompts, frames, source.prompts);
  const embeddings = await source.embeddings.read(samples);
  const batch = { embeddings, prompts: promptBatch, targets, maskSize, validSizes, ...labelledOf(masks, maskSize) };
  return { plan, batch, dispose: () => embeddings.dispose() };
}

/** Returns which pixels of a batch have a label; nothing where all have one. */
function labelledOf(masks: readonly LowResMask[], maskSize: number): Pick<TrainingBatch, 'labelled'> {
  if (masks.every(({ labelled }) => labelled === undefined)) return {};
  const all = new Uint8Array(masks.length * maskSize * maskSize).fill(1);
  masks.forEach(({ labelled }, index) => {
    if (labelled !== undefined) all.set(labelled, index * maskSize * maskSize);
  });
  return { labelled: all };
}

/**
 * Draws the prompt of one image in one epoch, which depends on `(seed, epoch, image)` and on nothing else. The label is the
 * view's; rough masks are made of the picture as it is.
 */
export async function promptOf(
  source: BatchSource,
  { sample, view, label }: { sample: Sample; view: number; label: LowResMask },
  epoch: Epoch,
): Promise<Prompt> {
  const { rough, prompts, seed } = source;
  const random = randomFor(seed, epoch, sample.name, 0);
  const drawn = await rough?.draw(sample, prompts, { seed, epoch, random });
  if (drawn === undefined) return drawPrompt(label, prompts, random);
  return viewedPrompt(drawn, viewedSize({ width: label.imageWidth, height: label.imageHeight }, view), view);
}
