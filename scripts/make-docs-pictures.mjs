/**
 * Makes the pictures of docs/ and README out of the program's own results on one data set, and prints their figures: trains a model, lets it and
 * the untuned one predict the validation split with the same prompts, previews prompts, exports embeddings.
 *
 *   node scripts/make-docs-pictures.mjs [--data sample:rivers] [--epochs 20] [--labels FILE of bench-labels.mjs] [--out docs/pictures]
 */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { embedImages, fitRoughMask, openSplit, predictImages, previewPrompts, train } from '../dist/index.js';
import { planTiles, tilesOfRow } from '../dist/raster/tiles.js';
import { labelsPlot } from './docs/labels-plot.mjs';
import * as panels from './docs/panels.mjs';

const { values: options } = parseArgs({
  options: {
    data: { type: 'string', default: 'sample:rivers' },
    epochs: { type: 'string', default: '20' },
    labels: { type: 'string' },
    out: { type: 'string', default: 'docs/pictures' },
  },
});
const { COLOURS, maskOf, overlaid, photograph, prompted } = panels;
const [LARGE, SMALL] = [260, 200];
const dir = await mkdtemp(join(tmpdir(), 'docs-pictures-'));
const place = (name) => join(options.out, `${name}.webp`);
await mkdir(options.out, { recursive: true });

const { data } = options;
const samples = await openSplit({ data, split: 'validation' });
const { runDir } = await train({ data, epochs: Number(options.epochs), out: join(dir, 'run'), report: false }).result;
const masksIn = dirname(samples[0].mask.path);
const predicted = async (model, name) => {
  const images = samples.map(({ image }) => image.path);
  return (await predictImages({ images, model, masks: masksIn, out: join(dir, name) })).outputs;
};
const [untuned, tuned] = [await predicted('mobile-sam', 'untuned'), await predicted(runDir, 'tuned')];
const scored = await Promise.all(
  samples.map(async ({ name, image, mask }, index) => {
    const label = await maskOf(mask.path);
    const masks = await Promise.all([untuned[index], tuned[index]].map((output) => maskOf(output.mask)));
    const [before, after] = masks.map((one) => panels.iou(one, label));
    return { name, image: image.path, label, prompt: tuned[index], before, after, untuned: masks[0], tuned: masks[1] };
  }),
);
scored.sort((a, b) => b.after - b.before - (a.after - a.before));
const mean = (key) => scored.reduce((sum, sample) => sum + sample[key], 0) / scored.length;
console.log(
  `${data}, ${scored.length} validation images: mean IoU untuned ${mean('before').toFixed(3)}, tuned ${mean('after').toFixed(3)}`,
);
for (const { name, before, after } of scored) console.log(`  ${name}: ${before.toFixed(3)} -> ${after.toFixed(3)}`);

// By rank and not by looks: the greatest gain, the median gain, and what the tuned model does worst.
const shown = [scored[0], scored[scored.length >> 1], scored.toSorted((a, b) => a.after - b.after)[0]];
console.log(`before-and-after, from top: ${shown.map(({ name }) => name).join(', ')}`);
const strip = await Promise.all(
  shown.map(async ({ image, prompt, label, untuned, tuned }) => [
    await prompted(await photograph(image, SMALL), prompt, prompt.width, SMALL),
    await overlaid(image, untuned, COLOURS.untuned, SMALL),
    await overlaid(image, tuned, COLOURS.tuned, SMALL),
    await overlaid(image, label, COLOURS.label, SMALL),
  ]),
);
await panels.writeRows(place('before-and-after'), ['photograph, prompt', 'untuned', 'tuned', 'label'], strip, SMALL);

const [sample] = shown;
const photo = await photograph(sample.image, LARGE);
const exported = join(dir, 'embeddings.safetensors');
await embedImages({ data, split: 'validation', export: exported });
const embedding = await panels.embeddingPicture(exported, sample.name, LARGE);
const withPrompt = await prompted(photo, sample.prompt, sample.prompt.width, LARGE);
const result = await overlaid(sample.image, sample.tuned, COLOURS.tuned, LARGE);
const steps = ['1 photograph', '2 embedding, kept', '3 prompt', '4 mask'];
await panels.writeRows(place('how-it-works'), steps, [[photo, embedding, withPrompt, result]], LARGE);

const labelled = await overlaid(sample.image, sample.label, COLOURS.label, LARGE);
const grid = await gridPanel(sample.label, LARGE);
await panels.writeRows(
  place('label'),
  ['photograph', 'label', 'label, a part of its grid'],
  [[photo, labelled, grid]],
  LARGE,
);

const kinds = [{ prompt: 'points' }, { prompt: 'box' }, { prompt: 'points', numNegative: 3 }];
const drawn = [];
for (const kind of kinds) {
  const item = (await previews(kind)).find(({ image }) => image === sample.image);
  drawn.push(await prompted(labelled, item, item.width, LARGE));
}
await panels.writeRows(place('prompts'), ['three points', 'a box', 'points inside and outside'], [drawn], LARGE);

const rough = await fitRoughMask({ data, out: join(dir, 'rough.yaml') });
const fits = (await previews(rough.options)).sort((a, b) => b.iou - a.iou);
console.log(`rough masks: ${JSON.stringify(rough.options)}, mean IoU in training ${rough.meanIou.toFixed(3)}`);
console.log(`  ${fits.map(({ image, iou }) => `${basename(image)} ${iou.toFixed(3)}`).join(', ')}`);
const shows = [fits[0], fits.at(-1)].map(async ({ image, overlay }) => [
  await photograph(image, SMALL),
  await photograph(overlay, SMALL),
  await overlaid(image, scored.find((one) => one.image === image).label, COLOURS.label, SMALL),
]);
await panels.writeRows(
  place('rough-mask'),
  ['photograph', 'rough mask, prompt', 'label'],
  await Promise.all(shows),
  SMALL,
);

await panels.writeRows(
  place('tiles'),
  ['four tiles of a raster', 'the whole mask'],
  [await tilePanels(sample, LARGE)],
  LARGE,
);
if (options.labels !== undefined)
  await labelsPlot(JSON.parse(await readFile(options.labels, 'utf8')), place('how-many-labels'));
await rm(dir, { recursive: true });

/** What `prompts` draws for the validation images. */
async function previews(kind) {
  const out = await mkdtemp(join(dir, 'prompts-'));
  return (await previewPrompts({ data, split: 'validation', ...kind, out })).items;
}

/** A corner of the label as the loss sees it: 48 of the 256 cells across. */
async function gridPanel({ values, width, height }, side) {
  const cells = await sharp(Buffer.from(values.map((value) => (value ? 255 : 0))), {
    raw: { width, height, channels: 1 },
  })
    .resize(256, 256, { kernel: 'nearest' })
    .png()
    .toBuffer();
  const corner = { left: 104, top: 104, width: 48, height: 48 };
  return sharp(cells).extract(corner).resize(side, side, { kernel: 'nearest' }).toColourspace('srgb').png().toBuffer();
}

/** A raster cut as `predict --tile` cuts it, and the mask that comes of it. */
async function tilePanels({ image, name, prompt }, side) {
  const plan = planTiles(prompt.width, prompt.height, Math.ceil((prompt.width * 4) / 7));
  const tiles = plan.rows.flatMap((_, row) => tilesOfRow(plan, row));
  const scale = side / prompt.width;
  const frames = tiles.map(
    ({ x, y, width, height }, index) =>
      `<rect x="${x * scale + 1 + index}" y="${y * scale + 1 + index}" width="${width * scale - 3}" height="${height * scale - 3}" fill="none" stroke-width="2" stroke="${['#ffd400', '#ff8c1a', '#56b4e9', '#ff9fd0'][index % 4]}"/>`,
  );
  const tile = plan.columns[0].size;
  const { outputs } = await predictImages({
    images: [image],
    model: runDir,
    masks: masksIn,
    tile,
    out: join(dir, 'tiles'),
  });
  console.log(
    `tiles of ${name}: ${JSON.stringify(outputs[0].tiles)} of ${tile} pixels, IoU ${panels.iou(await maskOf(outputs[0].mask), scoredOf(name)).toFixed(3)}`,
  );
  const whole = await overlaid(image, await maskOf(outputs[0].mask), COLOURS.tuned, side);
  return [await panels.drawnOver(await photograph(image, side), side, frames.join('')), whole];
}

function scoredOf(name) {
  return scored.find((one) => one.name === name).label;
}
