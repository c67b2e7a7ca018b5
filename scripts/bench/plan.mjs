/**
 * What `sam-native train` will do with these options, batch by batch: the images of each epoch in their order with the points drawn for them, as
 * bench-recipe.py reads it. So both sides of a comparison do the same work.
 */
import { relative } from 'node:path';
import { parseOptions } from '../../dist/core/parse-options.js';
import { shuffled } from '../../dist/core/random.js';
import { loadData } from '../../dist/data/open-data.js';
import { toPromptSettings } from '../../dist/models/prompt-options.js';
import { trainOptionsSchema } from '../../dist/options.js';
import { planBatches, prepareBatch } from '../../dist/training/batches.js';
import { LowResMasks } from '../../dist/training/masks.js';

const MODEL_SIDE = 1024;
/** No encoder here: only prompts are asked for. */
const noEmbeddings = { read: async () => ({ dispose() {} }) };

/** @param given options of `train`, by their TypeScript names; `data` is a folder. */
export async function makePlan(given) {
  const options = parseOptions(trainOptionsSchema, given);
  const splits = await loadData(options, { onWarning() {}, onNote() {} });
  const [train, validation] = [[...splits.train], [...splits.validation]];
  const source = {
    masks: new LowResMasks(options.maskSize, options.imageSize),
    embeddings: noEmbeddings,
    prompts: toPromptSettings(options),
    seed: options.seed,
  };
  const items = async (samples, epoch) => {
    const list = [];
    for (const plan of planBatches(samples, 1)) list.push(await itemOf(source, plan, epoch, given.data));
    return list;
  };
  const epochs = [];
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    const order = Array.from(shuffled(train.length, options.seed, epoch), (index) => train[index]);
    epochs.push(await items(order, epoch));
  }
  return { epochs, validation: await items(validation, 'validation') };
}

/** One image: points [P][N][x, y] in its own pixels, labels [P][N]. */
async function itemOf(source, plan, epoch, folder) {
  const [sample] = plan.samples;
  const { batch } = await prepareBatch(source, plan, epoch);
  const { promptsPerImage, pointsPerPrompt, points, pointLabels } = batch.prompts;
  const { imageWidth, imageHeight } = await source.masks.get(sample);
  const scale = (side) => side / Math.floor((side * MODEL_SIDE) / Math.max(imageWidth, imageHeight) + 0.5);
  const pointAt = (at) => [points[at * 2] * scale(imageWidth), points[at * 2 + 1] * scale(imageHeight)];
  const grid = (value) =>
    Array.from({ length: promptsPerImage }, (_, prompt) =>
      Array.from({ length: pointsPerPrompt }, (_, point) => value(prompt * pointsPerPrompt + point)),
    );
  return {
    image: relative(folder, sample.image.path),
    mask: relative(folder, sample.mask.path),
    points: grid(pointAt),
    labels: grid((at) => pointLabels[at]),
  };
}
