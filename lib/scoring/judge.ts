/** Judges a model: it is asked about labelled images, and its answers are measured. */
import type { Counted, Hooks } from '../core/hooks.js';
import { decodeMask, imageSize } from '../data/decode.js';
import { inReadingOrder, type Mask, type Sample } from '../data/sample.js';
import type { Compute } from '../device.js';
import type { EmbeddingStore } from '../embeddings/embedding-store.js';
import type { PromptOptions } from '../models/prompt-options.js';
import { ImageEmbedding, type Prediction, SamModel } from '../prediction/sam-model.js';
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

/** What a model is scored with. */
export interface Scoring {
  /** Embeddings of the samples, encoded before. */
  store: Pick<EmbeddingStore, 'read'>;
  compute: Pick<Compute, 'device' | 'precision'>;
  /** Where prompts come from rough masks. */
  masks: RoughMasks | undefined;
  /** Takes each answer, for pictures. */
  show?: (entrant: Entrant, answer: Answer) => void;
}

/** One row for each sample, in their order. */
export async function scoreModel(
  entrant: Entrant,
  samples: readonly Sample[],
  { store, compute, masks, show }: Scoring,
  { signal, onProgress, onWarning }: Hooks<Counted>,
): Promise<ImageScores[]> {
  const model = await SamModel.fromResolved(entrant.model, compute, signal);
  try {
    const rows = new Map<Sample, ImageScores>();
    const measure = async (answer: Answer | undefined) => {
      if (answer === undefined) return;
      show?.(entrant, answer);
      rows.set(answer.sample, await scoresOf(entrant, answer));
      onProgress?.({ done: rows.size, total: samples.length });
    };
    let before: Answer | undefined;
    for (const sample of inReadingOrder(samples)) {
      signal?.throwIfAborted();
      const embeddings = await store.read([sample], { signal, onWarning });
      try {
        const label = await labelOf(sample);
        const embedding = new ImageEmbedding(embeddings, label.width, label.height, entrant.prompts.imageSize);
        const asked = { sample, label, model, embedding, masks, signal };
        const prompt = await promptFor(entrant, asked);
        // The model answers off this thread, which measures the answer before in the meantime.
        const [predicted] = await Promise.all([ask(prompt, entrant.prompts, asked), measure(before)]);
        before = { sample, label, prompt, predicted };
      } finally {
        embeddings.dispose();
      }
    }
    await measure(before);
    return samples.flatMap((sample) => rows.get(sample) ?? []);
  } finally {
    model.dispose();
  }
}

export interface Answer extends Pick<Asked, 'sample' | 'label'> {
  readonly prompt: Prompt | undefined;
  readonly predicted: Prediction;
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

/** The rough mask itself, beside the models. */
export async function scoreRoughMasks(
  prompts: PromptOptions,
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
