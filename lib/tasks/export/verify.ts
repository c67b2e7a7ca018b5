/** Verification: an export is run over labelled pictures as validation asks them, and held against the model that it was made of. */
import type { ImageEncoder, PromptBatch, SamModel } from '../../../binding.js';
import { native, nativeCall } from '../../addon/native.js';
import { validationRandom } from '../../core/random.js';
import { decodeImage } from '../../data/decode.js';
import { toLowRes } from '../../data/low-res.js';
import type { Sample } from '../../data/sample.js';
import { decoderFiles } from '../../models/model.js';
import { promptOptionsFor, type ResolvedPromptOptions, toPromptSettings } from '../../models/prompt-options.js';
import { toPromptBatch } from '../../prompts/batch.js';
import { drawPrompt } from '../../prompts/draw.js';
import { type Distance, type Drawing, distance } from './compare.js';
import type { DecodedMasks, Exported } from './exported.js';
import type { Format, Job } from './format.js';
import { LEAST_IOU, type Variant } from './options.js';
import { decodeAll, encodeBy, loadEncoder, loadModel } from './own-loader.js';
import { findPictures, type Labelled } from './pictures.js';

/** How far an export lies from its model. */
export interface Verified {
  /** Pictures that both answered about. */
  pictures: number;
  /** Mean IoU of the export's masks with the model's. */
  meanIou: number;
  /** Least IoU. */
  minIou: number;
  /** Largest difference of two logits. */
  maxLogitDifference: number;
  /** Largest difference of two predicted IoUs. */
  scoreDifference: number;
}

/** Verification, or why there is none; and one line that says it. */
export interface Verification {
  /** How far the export lies from the model; null where that could not be found out. */
  verified: Verified | null;
  /** The same in words, or why it could not be found out. */
  verification: string;
}

/** The model, loaded as it is. */
interface Original {
  encoder: ImageEncoder;
  model: SamModel;
  prompts: ResolvedPromptOptions;
}

/** What the model makes of a picture, and what it was asked. */
interface Answer {
  sample: Sample;
  batch: PromptBatch;
  drawing: Drawing;
  embedding: Float32Array;
  masks: DecodedMasks;
}

/**
 * Holds what a job has written, each variant of it, against the model, on the CPU in fp32. Padding tokens of the article's recipe are
 * left out: no other program's decoder has them.
 */
export async function verify(
  format: Format,
  job: Job,
  names: readonly string[],
  most: number,
): Promise<Record<string, Verification>> {
  let asked: Promise<Asked> | undefined;
  const found: Record<string, Verification> = {};
  const none = (why: string) => ({ verified: null, verification: `not verified: ${why}` });
  try {
    for (const variant of job.variants) {
      const exported = most === 0 ? '`pictures` is 0' : await format.open(job, names, variant);
      if (typeof exported === 'string') {
        found[variant] = none(exported);
        continue;
      }
      try {
        asked ??= askModel(job, most);
        found[variant] = await hold(exported, await asked, job, variant);
      } finally {
        await exported.close();
      }
    }
    return found;
  } finally {
    (await asked?.catch(() => undefined))?.model.dispose();
  }
}

/** Answers of the model; and its decoder, for exports that have none. */
interface Asked {
  answers: Answer[];
  model: SamModel;
  from: string;
}

async function askModel(job: Job, most: number): Promise<Asked> {
  const prompts = promptOptionsFor({}, job.model);
  const { pictures, from } = await findPictures(job.model, most, prompts, job);
  job.onNote?.(`verifying the export on ${from}`);
  using encoder = await loadEncoder(job.model.encoder);
  const model = await loadModel(decoderFiles(job.model));
  try {
    const answers: Answer[] = [];
    for (const picture of pictures) {
      job.signal?.throwIfAborted();
      answers.push(await askAbout(picture, { encoder, model, prompts }, job.signal));
    }
    return { answers, model, from };
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** Decodes a picture as the encoder is given it. */
async function pictureOf(sample: Sample, imageSize: number | undefined) {
  const { pixels, width, height } = await decodeImage(sample);
  return { pixels, width, height, ...(imageSize !== undefined && { imageSize }) };
}

async function askAbout(
  { sample, label }: Labelled,
  { encoder, model, prompts }: Original,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  const { imageSize, maskSize, maskOutput, multiMask, seed } = prompts;
  const image = await pictureOf(sample, imageSize);
  const { width, height } = image;
  const settings = toPromptSettings(prompts);
  const prompt = drawPrompt(toLowRes(label, maskSize, imageSize), settings, validationRandom(seed, sample.name));
  const frame = { imageWidth: width, imageHeight: height, imageSize };
  const batch = toPromptBatch([[prompt]], [frame], { pointSets: settings.pointSets });
  const embedding = await encodeBy(encoder, { image }, signal);
  const masks = await decodeAll(model, embedding, batch);
  const drawing = { maskOutput, multiMask, imageSize, size: { width, height }, present: batch.promptPresent };
  return { sample, batch, drawing, embedding, masks };
}

/** Asks an export what the model was asked. */
async function hold(exported: Exported, asked: Asked, { signal }: Job, variant: Variant): Promise<Verification> {
  const distances: Distance[] = [];
  for (const { sample, batch, drawing, embedding: own, masks } of asked.answers) {
    signal?.throwIfAborted();
    const image = await pictureOf(sample, drawing.imageSize);
    const input = exported.encode && (await nativeCall(() => native().preprocess(image)));
    const embedding = input === undefined ? own : await exported.encode!({ ...input, image });
    const theirs = await (exported.decode?.(embedding, batch) ?? decodeAll(asked.model, embedding, batch));
    distances.push(await distance(theirs, masks, drawing));
  }
  const verified = summarise(distances);
  return { verified, verification: told(verified, asked.from, variant) };
}

function summarise(distances: readonly Distance[]): Verified {
  const ious = distances.map(({ iou }) => iou);
  return {
    pictures: distances.length,
    meanIou: ious.reduce((sum, iou) => sum + iou, 0) / ious.length,
    minIou: Math.min(...ious),
    maxLogitDifference: Math.max(...distances.map(({ logits }) => logits)),
    scoreDifference: Math.max(...distances.map(({ scores }) => scores)),
  };
}

function told(verified: Verified, from: string, variant: Variant): string {
  const { meanIou, minIou, maxLogitDifference, scoreDifference } = verified;
  const [mean, least] = [meanIou, minIou].map((iou) => iou.toFixed(4));
  const [logits, predicted] = [maxLogitDifference, scoreDifference].map((value) => value.toPrecision(2));
  const which = variant === 'fp32' ? '' : ` ${variant}`;
  const result = meanIou < LEAST_IOU ? `the${which} export is NOT the model` : `verified${which}`;
  return `${result}: on ${from} mean IoU ${mean} with the model's masks (least ${least}), logits differ by ${logits} at most, predicted IoUs by ${predicted}`;
}
