/** Verification: an export is run over labelled pictures as validation asks them, and held against the model that it was made of. */
import type { ImageEncoder, SamModel } from '../../../binding.js';
import { native, nativeCall } from '../../addon/native.js';
import { validationRandom } from '../../core/random.js';
import { decodeImage } from '../../data/decode.js';
import { toLowRes } from '../../data/low-res.js';
import { decoderFiles } from '../../models/model.js';
import { promptOptionsFor, type ResolvedPromptOptions, toPromptSettings } from '../../models/prompt-options.js';
import { toPromptBatch } from '../../prompts/batch.js';
import { drawPrompt } from '../../prompts/draw.js';
import { type Distance, distance } from './compare.js';
import type { Exported } from './exported.js';
import type { Format, Job } from './format.js';
import { LEAST_IOU } from './options.js';
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
  verified: Verified | null;
  line: string;
}

/** The model, loaded as it is. */
interface Original {
  encoder: ImageEncoder;
  model: SamModel;
  prompts: ResolvedPromptOptions;
}

/**
 * Holds what a job has written against the model, on the CPU in fp32. Padding tokens of the article's recipe are left out: no other
 * program's decoder has them.
 */
export async function verify(format: Format, job: Job, names: readonly string[], most: number): Promise<Verification> {
  if (most === 0) return { verified: null, line: 'not verified: `pictures` is 0' };
  const exported = await format.open(job, names);
  if (typeof exported === 'string') return { verified: null, line: `not verified: ${exported}` };
  try {
    const prompts = promptOptionsFor({}, job.model);
    const { pictures, from } = await findPictures(job.model, most, prompts, job);
    job.onNote?.(`verifying the export on ${pictures.length} ${from}`);
    using encoder = await loadEncoder(job.model.encoder);
    using model = await loadModel(decoderFiles(job.model));
    const distances: Distance[] = [];
    for (const picture of pictures) {
      job.signal?.throwIfAborted();
      distances.push(await onPicture(picture, exported, { encoder, model, prompts }, job.signal));
    }
    const verified = summarise(distances);
    return { verified, line: told(verified, from) };
  } finally {
    await exported.close();
  }
}

async function onPicture(
  { sample, label }: Labelled,
  exported: Exported,
  { encoder, model, prompts }: Original,
  signal: AbortSignal | undefined,
): Promise<Distance> {
  const { imageSize, maskSize, maskOutput, multiMask, seed } = prompts;
  const { pixels, width, height } = await decodeImage(sample);
  const image = { pixels, width, height, ...(imageSize !== undefined && { imageSize }) };
  const settings = toPromptSettings(prompts);
  const prompt = drawPrompt(toLowRes(label, maskSize, imageSize), settings, validationRandom(seed, sample.name));
  const frame = { imageWidth: width, imageHeight: height, imageSize };
  const batch = toPromptBatch([[prompt]], [frame], { pointSets: settings.pointSets });
  const own = await encodeBy(encoder, { image }, signal);
  const input = await nativeCall(() => native().preprocess(image));
  const embedding = (await exported.encode?.({ ...input, image })) ?? own;
  const theirs = (await exported.decode?.(embedding, batch)) ?? (await decodeAll(model, embedding, batch));
  const drawing = { maskOutput, multiMask, imageSize, size: image, present: batch.promptPresent };
  return distance(theirs, await decodeAll(model, own, batch), drawing);
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

function told(verified: Verified, from: string): string {
  const { pictures, meanIou, minIou, maxLogitDifference, scoreDifference } = verified;
  const [mean, least] = [meanIou, minIou].map((iou) => iou.toFixed(4));
  const [logits, predicted] = [maxLogitDifference, scoreDifference].map((value) => value.toPrecision(2));
  const result = meanIou < LEAST_IOU ? 'the export is NOT the model' : 'verified';
  return `${result}: on ${pictures} ${from} mean IoU ${mean} with the model's masks (least ${least}), logits differ by ${logits} at most, predicted IoUs by ${predicted}`;
}
