/** A few validation pictures to watch a run by: the label at the left, at the right what the model makes of the same prompt. */
import sharp from 'sharp';
import type { Selection } from '../../binding.js';
import { decodeImage, decodeMask } from '../data/decode.js';
import { gridFrame, sampleGrid, withoutPadding } from '../data/low-res.js';
import type { DecodedImage, Mask, Sample, Samples } from '../data/sample.js';
import { spreadPlaces } from '../data/sample-list.js';
import { movedPrompt, scaledCentre } from '../prompts/geometry.js';
import { overlay } from '../prompts/overlay.js';
import type { Prompt } from '../prompts/prompt.js';
import { type BatchSource, prepareBatch, promptOf } from './batches.js';
import type { OpenModel } from './environment.js';
import type { EventImage } from './tensorboard-format.js';

/** Number of pictures, evenly spread over the split. */
const COUNT = 4;
/** Long side of each half, pixels. */
const SIDE = 512;
const JPEG = { quality: 80 };

/** What stays the same of a picture that is drawn again and again: 1 MB at most. */
interface Scene {
  readonly sample: Sample;
  /** Image whose long side is 512 pixels; the prompt is told in its pixels. */
  readonly image: DecodedImage;
  readonly prompt: Prompt;
  readonly labelled: Buffer;
}

export class ValidationPictures {
  readonly #samples: readonly Sample[];
  readonly #source: BatchSource;
  readonly #selection: Selection;
  #scenes: readonly Scene[] | undefined;

  constructor(samples: Samples, source: BatchSource, selection: Selection) {
    this.#samples = spreadPlaces(samples.length, COUNT, 0).map((place) => samples.at(place)!);
    this.#source = source;
    this.#selection = selection;
  }

  /** Draws the pictures with the model as it is now. Throws what reading and predicting throw. */
  async draw(predict: OpenModel['predict']): Promise<Record<string, EventImage>> {
    this.#scenes ??= await Promise.all(this.#samples.map((sample) => sceneOf(sample, this.#source)));
    const pictures: Record<string, EventImage> = {};
    for (const scene of this.#scenes) {
      const { image, prompt, labelled } = scene;
      const predicted = await overlay(image, await this.#predict(scene, predict), prompt, SIDE);
      const joined = await sharp([labelled, predicted], { join: { across: 2 } })
        .jpeg(JPEG)
        .toBuffer({ resolveWithObject: true });
      const { width, height } = joined.info;
      pictures[`validation/${scene.sample.name}`] = { width, height, encoded: joined.data };
    }
    return pictures;
  }

  async #predict({ sample, image }: Scene, predict: OpenModel['predict']): Promise<Mask> {
    const { width, height } = image;
    const plan = { samples: [sample], update: false, scale: 1 };
    const { batch, dispose } = await prepareBatch(this.#source, plan, 'validation');
    try {
      const { pictureSize: imageSize } = this.#source.masks;
      const { masks } = await predict({
        embeddings: batch.embeddings,
        prompts: batch.prompts,
        selection: this.#selection,
        sizes: Int32Array.of(height, width),
        ...(imageSize !== undefined && { imageSize }),
      });
      return { values: masks[0]!, width, height };
    } finally {
      dispose();
    }
  }
}

async function sceneOf(sample: Sample, source: BatchSource): Promise<Scene> {
  const whole = await decodeImage(sample);
  const mask = await decodeMask(sample, whole);
  const frame = gridFrame(whole, SIDE);
  const [width, height] = [frame.validWidth, frame.validHeight];
  const pixels = await sharp(whole.pixels, { raw: { width: whole.width, height: whole.height, channels: 3 } })
    .resize(width, height, { fit: 'fill' })
    .raw()
    .toBuffer();
  const onFrame = (values: Uint8Array) => withoutPadding(sampleGrid(values, frame, new Uint8Array(SIDE * SIDE)), frame);
  const labelled = mask.labelled === undefined ? {} : { labelled: onFrame(mask.labelled) };
  const label = { values: onFrame(mask.values), ...labelled, width, height };
  const image = { pixels, width, height };
  const drawn = await promptOf(source, { sample, view: 0, label: await source.masks.get(sample) }, 'validation');
  const prompt = movedPrompt(drawn, scaledCentre(width / whole.width, height / whole.height));
  return { sample, image, prompt, labelled: await overlay(image, label, prompt, SIDE) };
}
