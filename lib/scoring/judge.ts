/** Judging of models: each is asked about labelled images, and its answers are measured. */
import type { Counted, Hooks } from '../core/hooks.js';
import { decodeMask, imageSize } from '../data/decode.js';
import { inReadingOrder, type Mask, type Sample } from '../data/sample.js';
import type { Compute } from '../device.js';
import type { EmbeddingStore } from '../embeddings/embedding-store.js';
import type { ResolvedModel } from '../models/model.js';
import type { ResolvedPromptOptions } from '../models/prompt-options.js';
import { ImageEmbedding } from '../prediction/image-embedding.js';
import type { Prediction } from '../prediction/prediction.js';
import { SamModel } from '../prediction/sam-model.js';
import type { Prompt } from '../prompts/prompt.js';
import type { RoughMasks } from '../prompts/rough/rough-masks.js';
import { type Asked, ask, promptFor } from './ask.js';
import type { Entrant } from './entrants.js';
import { Ruler } from './measure.js';
import type { ImageScores, ModelScores } from './results.js';
import { ROUGH_MASK, type RoughMaskSources, scoreRoughMask } from './rough-scores.js';
import { type Scored, totals } from './summaries.js';

export async function labelOf(sample: Sample): Promise<Mask> {
  return decodeMask(sample, await imageSize(sample));
}

/** A prompt for a sample, and how the decoder is asked. */
export interface Question {
  /** Prompt; undefined where there is none, and the answer is an empty mask. */
  readonly prompt: Prompt | undefined;
  readonly prompts: ResolvedPromptOptions;
}

export interface Answer<Asking extends Question = Question> extends Pick<Asked, 'sample' | 'label'> {
  readonly question: Asking;
  readonly predicted: Prediction;
}

/** The model that is asked, and what it needs to answer. */
export interface Witness {
  model: ResolvedModel;
  compute: Pick<Compute, 'device' | 'precision'>;
  /** Store that has the embeddings of the samples. */
  store: Pick<EmbeddingStore, 'read'>;
  /** Side N of the square that pictures were first resized to; undefined: none. */
  imageSize: number | undefined;
}

/**
 * Asks a model about labelled samples, one after the other in reading order, as many questions of each as `questionsFor` has. The model
 * answers off this thread: while it does, whoever takes the answers measures the one before.
 */
export async function* answered<Asking extends Question>(
  samples: readonly Sample[],
  { model: resolved, compute, store, imageSize }: Witness,
  questionsFor: (about: Asked) => Iterable<Asking> | AsyncIterable<Asking>,
  { signal, onWarning }: Pick<Hooks, 'signal' | 'onWarning'>,
): AsyncGenerator<Answer<Asking>, void> {
  const model = await SamModel.fromResolved(resolved, compute, signal);
  try {
    let before: Answer<Asking> | undefined;
    for (const sample of inReadingOrder(samples)) {
      signal?.throwIfAborted();
      const embeddings = await store.read([sample], { signal, onWarning });
      try {
        const label = await labelOf(sample);
        const embedding = new ImageEmbedding(embeddings, label.width, label.height, imageSize);
        const about = { sample, label, model, embedding, signal };
        for await (const question of questionsFor(about)) {
          const answer = ask(question.prompt, question.prompts, about);
          answer.catch(() => {}); // reported below, unless nobody takes any more answers
          if (before !== undefined) yield before;
          before = { sample, label, question, predicted: await answer };
        }
      } finally {
        embeddings.dispose();
      }
    }
    if (before !== undefined) yield before;
  } finally {
    model.dispose();
  }
}

/** What a model is scored with. */
export interface Scoring extends Pick<Witness, 'store' | 'compute'> {
  /** Rough masks, where prompts are drawn from such. */
  masks: RoughMasks | undefined;
  /** Takes each answer, to make pictures of it. */
  show?: (entrant: Entrant, answer: Answer) => void;
}

/** Scores an entrant on samples. Returns one row for each sample, in their order. */
export async function scoreModel(
  entrant: Entrant,
  samples: readonly Sample[],
  { store, compute, masks, show }: Scoring,
  hooks: Hooks<Counted>,
): Promise<ImageScores[]> {
  const { model, prompts } = entrant;
  const witness = { model, compute, store, imageSize: prompts.imageSize };
  const question = async function* (about: Asked) {
    yield { prompt: await promptFor(entrant, about, masks), prompts };
  };
  const rows = new Map<Sample, ImageScores>();
  for await (const answer of answered(samples, witness, question, hooks)) {
    show?.(entrant, answer);
    rows.set(answer.sample, await scoresOf(entrant, answer));
    hooks.onProgress?.({ done: rows.size, total: samples.length });
  }
  return samples.flatMap((sample) => rows.get(sample) ?? []);
}

async function scoresOf(
  { name, prompts, promptSource }: Entrant,
  { sample, label, predicted }: Answer,
): Promise<ImageScores> {
  const how = { promptSource, promptKind: prompts.prompt };
  return {
    model: name,
    image: sample.name,
    ...how,
    ...(await new Ruler(label, prompts.imageSize).measure(predicted.mask, predicted.lowResLogits)),
    predictedIou: predicted.score,
  };
}

/** Scores the rough masks themselves, which stand beside the models. */
export async function scoreRoughMasks(
  prompts: ResolvedPromptOptions,
  rough: RoughMaskSources,
  samples: readonly Sample[],
  { signal }: Pick<Hooks, 'signal'>,
): Promise<Scored> {
  const masks = rough.of({ prompts, promptSource: 'rough' })!;
  const rows: ImageScores[] = [];
  for (const sample of samples) {
    signal?.throwIfAborted();
    rows.push(await scoreRoughMask(masks, sample, await labelOf(sample), signal));
  }
  const of = { name: ROUGH_MASK, spec: ROUGH_MASK, promptSource: 'rough', promptKind: null, prompts } as const;
  const hashes = { weightsHash: null, encoderHash: null, checkpointHash: null };
  return { summary: { ...of, ...(await totals(rows, prompts.seed)), ...hashes }, rows };
}

export async function summarise(entrant: Entrant, rows: readonly ImageScores[]): Promise<ModelScores> {
  const { name, model, prompts, promptSource } = entrant;
  const { spec, weightsHash, encoderHash, checkpoint } = model;
  const hashes = { weightsHash, encoderHash, checkpointHash: checkpoint?.hash ?? null };
  const how = { promptSource, promptKind: prompts.prompt, prompts };
  return { name, spec, ...(await totals(rows, prompts.seed)), ...hashes, ...how };
}
