/** `sam-native prompts`: shows prompts, and what they are drawn from. */

import { join } from 'node:path';
import { SamError } from '../../core/errors.js';
import type { Counted, Hooks } from '../../core/hooks.js';
import { checkHooks, parseOptions } from '../../core/parse-options.js';
import { type EmptyMask, Problems } from '../../core/problems.js';
import { validationRandom } from '../../core/random.js';
import { decodeImage, decodeMask, imageSize } from '../../data/decode.js';
import { emptyLabel, LabelDoubts } from '../../data/label-doubts.js';
import { maskArea, toLowRes } from '../../data/low-res.js';
import { loadSplit, openImages } from '../../data/open-data.js';
import type { Mask, Sample } from '../../data/sample.js';
import { isBadImage } from '../../embeddings/encode.js';
import { type ResolvedPromptOptions, toPromptSettings } from '../../models/prompt-options.js';
import { drawPrompt } from '../../prompts/draw.js';
import { writeOverlay } from '../../prompts/overlay.js';
import { type Prompt, type PromptShapes, shapesOf } from '../../prompts/prompt.js';
import { drawRoughPrompt, emptyRoughMask, RoughMasks } from '../../prompts/rough/rough-masks.js';
import { promptOrigin, toRoughMaskSettings } from '../../prompts/rough/settings.js';
import { confusion, scores } from '../../scoring/metrics.js';
import type { EvaluatedSource } from '../../scoring/results.js';
import { type PreviewOptions, previewOptionsSchema, type ResolvedPreviewOptions } from './options.js';

/** Prompt of one image; points and box are in its pixels. */
export interface PromptItem extends PromptShapes {
  /** Path of the image. */
  image: string;
  /** Path of the picture that shows the prompt. */
  overlay: string;
  /** Width of the image, pixels. */
  width: number;
  /** Height of the image, pixels. */
  height: number;
  /** Number of pixels of the mask that the prompt was drawn from. */
  maskArea: number;
  /** What the prompt was drawn from. */
  promptSource: EvaluatedSource;
  /** Threshold that was taken, for the rough mask of an index. */
  threshold?: number;
  /** IoU of the rough mask with the label, where there is one. */
  iou?: number;
}

/** What {@link previewPrompts} gives back. */
export interface PreviewResult {
  /** Prompts in the order of the images. */
  items: PromptItem[];
  /** Names of the images left out. */
  skipped: string[];
}

/**
 * Draws the prompts of the first validation, with their pictures.
 *
 * ```ts
 * const { items } = await previewPrompts({ inputs: ['photos'], roughMask: 'hsv', hue: '190-250' });
 * ```
 * @throws SamError `SAM_BAD_OPTION`: options; `SAM_BAD_DATA`: bad images, all named.
 */
export async function previewPrompts(given: PreviewOptions, hooks: Hooks<Counted> = {}): Promise<PreviewResult> {
  checkHooks(hooks);
  const options = parseOptions(previewOptionsSchema, given);
  const samples = await samplesOf(options, hooks);
  return draw({ ...options, ...hooks, samples, prompts: options });
}

/** Opens the images named, or those of the data set. */
async function samplesOf(options: ResolvedPreviewOptions, hooks: Hooks): Promise<Sample[]> {
  const { inputs = [], data } = options;
  if (inputs.length > 0 === (data !== undefined)) {
    const message = inputs.length > 0 ? 'both images and `data` are given' : 'no images are given';
    throw new SamError('SAM_BAD_OPTION', message, { fix: 'name images or folders, or a data set with `data`' });
  }
  if (data === undefined) return (await openImages(inputs, hooks)).slice(0, options.limit);
  // Where labels are what prompts are drawn from, as for training; beside rough masks they only say how good those are.
  const masks = promptOrigin(options) === 'ground-truth' ? 'required' : 'optional';
  return loadSplit({ ...options, data, masks }, hooks);
}

/** Options of drawing once the images are open, with its hooks. */
interface Drawing extends Hooks<Counted> {
  samples: readonly Sample[];
  prompts: ResolvedPromptOptions;
  out: string;
  skipBad: boolean;
  onEmpty: 'skip' | 'fail';
}

async function draw(options: Drawing): Promise<PreviewResult> {
  const { samples, prompts, signal, onProgress } = options;
  const settings = promptOrigin(prompts) === 'ground-truth' ? undefined : toRoughMaskSettings(prompts);
  const { maskSize, imageSize } = prompts;
  const rough = settings && new RoughMasks(settings, { maskSize, imageSize });
  const items: PromptItem[] = [];
  const problems = new Problems(options);
  const doubts = new LabelDoubts(prompts);
  const skipped: string[] = [];
  try {
    for (const [index, sample] of samples.entries()) {
      signal?.throwIfAborted();
      const outcome = await itemOf(sample, rough, { ...options, doubts }).catch((error: unknown) => {
        if (!isBadImage(error)) throw error;
        return { message: error.message, empty: false };
      });
      onProgress?.({ done: index + 1, total: samples.length });
      if ('overlay' in outcome) {
        items.push(outcome);
        continue;
      }
      skipped.push(sample.name);
      problems.add(outcome.message, outcome);
    }
  } finally {
    await rough?.dispose();
  }
  problems.settle(options);
  doubts.settle(options);
  return { items, skipped };
}

/** Origin of a prompt: the mask that it is drawn from. */
interface Origin {
  mask: Mask;
  area: number;
  /** Reason why there is nothing to draw from; null where there is something. */
  empty: EmptyMask | null;
  draw(): Prompt;
  extras: Pick<PromptItem, 'threshold' | 'iou'>;
}

async function itemOf(
  sample: Sample,
  rough: RoughMasks | undefined,
  options: Drawing & { doubts: LabelDoubts },
): Promise<PromptItem | EmptyMask> {
  const image = await decodeImage(sample);
  const origin = rough === undefined ? await labelOrigin(sample, options) : await roughOrigin(sample, rough, options);
  if (origin.empty !== null) return origin.empty;
  const prompt = origin.draw();
  const overlay = join(options.out, `${sample.name}.png`);
  await writeOverlay(overlay, image, origin.mask, prompt);
  const { width, height } = image;
  const promptSource = rough === undefined ? 'ground-truth' : 'rough';
  const { area: maskPixels, extras } = origin;
  const where = { image: sample.image.path, overlay, width, height };
  return { ...where, ...shapesOf(prompt), maskArea: maskPixels, promptSource, ...extras };
}

async function roughOrigin(sample: Sample, rough: RoughMasks, { prompts, signal }: Drawing): Promise<Origin> {
  const made = await rough.make(sample, signal);
  const grid = rough.toGrid(made);
  const threshold = made.threshold === null ? {} : { threshold: made.threshold };
  const iou = sample.mask === undefined ? {} : { iou: await iouWithLabel(sample, made.mask) };
  return {
    mask: made.mask,
    area: made.area,
    empty: grid.emptiness === null ? null : emptyRoughMask(sample, grid.emptiness, rough.settings),
    draw: () =>
      drawRoughPrompt(
        grid,
        toPromptSettings(prompts),
        validationRandom(prompts.seed, sample.name),
        rough.settings.erosion,
      ),
    extras: { ...threshold, ...iou },
  };
}

async function labelOrigin(sample: Sample, { prompts, doubts }: Drawing & { doubts: LabelDoubts }): Promise<Origin> {
  if (sample.mask === undefined) {
    throw new SamError('SAM_BAD_OPTION', `${sample.image.path} has no mask to draw prompts from`, {
      fix: 'say what makes a rough mask (`roughMask` hsv …), or give labelled images with `data`',
    });
  }
  const mask = await decodeMask(sample, await imageSize(sample));
  await doubts.see(sample, mask);
  const lowRes = toLowRes(mask, prompts.maskSize, prompts.imageSize);
  const area = mask.values.reduce((sum, value) => sum + value, 0);
  return {
    mask,
    area,
    empty: maskArea(lowRes) === 0 ? await emptyLabel(sample, mask, lowRes) : null,
    draw: () => drawPrompt(lowRes, toPromptSettings(prompts), validationRandom(prompts.seed, sample.name)),
    extras: {},
  };
}

async function iouWithLabel(sample: Sample, mask: Mask): Promise<number> {
  const { values, labelled } = await decodeMask(sample, mask);
  return scores(await confusion(mask.values, values, labelled)).iou;
}
