/** Looks at the pictures and labels of a data set, as `train` will see them. */
import type { Hooks } from '../../core/hooks.js';
import { openBands } from '../../data/bands.js';
import { imageSize } from '../../data/decode.js';
import { LabelDoubts } from '../../data/label-doubts.js';
import { namesOfValues } from '../../data/mask-values.js';
import { loadData } from '../../data/open-data.js';
import type { DataSplits, Sample, Samples } from '../../data/sample.js';
import { pick } from '../../data/sample-list.js';
import { trainOptionsSchema } from '../../options.js';
import { median } from '../../scoring/statistics.js';
import { checkSamples } from '../../training/check-samples.js';
import { LowResMasks } from '../../training/masks.js';
import { boxShares } from '../workbench/boxes.js';
import { meanRoughIou } from '../workbench/rough-iou.js';
import type { ChosenData } from './find-data.js';
import type { FoundData, FoundLabels, FoundPictures, FoundRoughMask, LabelKind, Spread } from './found.js';
import type { ResolvedInitOptions } from './options.js';

/** Most pictures whose headers are read, whose labels' values are listed, and whose indices are compared with labels. */
const [MOST_PICTURES, MOST_LABELS, MOST_INDICES] = [200, 50, 10];
/** Most values of labels that are named. */
const MOST_VALUES = 20;
/** Ids of a label from which on they are no classes. */
const MANY_IDS = 20;
/** Share that is cut off for validation where no split is there for it. */
export const VALIDATION_FRACTION = 0.2;

/**
 * Looks at a data set: at the headers of some pictures, at every label.
 *
 * @throws SamError `SAM_BAD_DATA`: what `train` would say of it.
 */
export async function lookAt(chosen: ChosenData, options: ResolvedInitOptions, hooks: Hooks): Promise<FoundData> {
  const doubts: string[] = [];
  const onWarning = (line: string) => {
    doubts.push(line);
    hooks.onWarning?.(line);
  };
  const hearing = { ...hooks, onWarning };
  const open = (instances: boolean) => openChosen(chosen, { ...options, instances }, hearing);
  let data = await open(options.instances);
  const { kind, values } = await valuesOf(data.train, options);
  if (kind === 'ids') data = await open(true);
  const masks = new LowResMasks(trainOptionsSchema.shape.maskSize.parse(undefined), undefined);
  const seen = new LabelDoubts({ maskSize: masks.maskSize });
  const usable = await checkSamples<'train' | 'validation'>({ ...data }, masks, {
    ...hearing,
    skipBad: options.skipBad,
    onEmpty: 'skip',
    doubts: seen,
  });
  seen.settle(hearing);
  const empty = data.train.length + data.validation.length - usable.train.length - usable.validation.length;
  const pictures = await picturesOf(usable.train);
  return {
    data: chosen.data,
    train: { split: chosen.train, samples: usable.train.length },
    validation: { split: chosen.validation ?? null, samples: usable.validation.length },
    otherSplits: chosen.others,
    pictures,
    labels: { kind, values, empty, box: (await boxShares(usable.train, masks, hooks.signal)).median },
    roughMasks: await roughMasksOf(pictures, some(usable.train, MOST_INDICES), hooks),
    doubts,
  };
}

function openChosen(chosen: ChosenData, options: ResolvedInitOptions, hooks: Hooks): Promise<DataSplits> {
  const { data, train: trainSplit, validation: validationSplit = options.validationSplit } = chosen;
  const fraction = options.validationFraction ?? (chosen.validation === undefined ? VALIDATION_FRACTION : undefined);
  const { out: _, overwrite: __, model: ___, ...rest } = options;
  const seed = trainOptionsSchema.shape.seed.parse(undefined);
  return loadData({ ...rest, data, trainSplit, validationSplit, validationFraction: fraction, seed }, hooks);
}

/** Takes so many of the samples, evenly among all. */
function some(samples: Samples, most: number): Sample[] {
  const count = Math.min(most, samples.length);
  return [
    ...pick(
      samples,
      Array.from({ length: count }, (_, index) => Math.floor((index * samples.length) / count)),
    ),
  ];
}

/** Tells what the labels' values are, by some of them. */
async function valuesOf(
  samples: Samples,
  { instances, class: value }: ResolvedInitOptions,
): Promise<Pick<FoundLabels, 'kind' | 'values'>> {
  if (instances || value !== undefined) return { kind: instances ? 'ids' : 'classes', values: [] };
  const masks = some(samples, MOST_LABELS).flatMap(({ mask }) => mask ?? []);
  if (masks.some(({ draw }) => draw !== undefined)) return { kind: 'outlines', values: [] };
  // What can't be listed holds one object with soft edges, or is told by whoever decodes it.
  const lists = await Promise.all(masks.map((mask) => namesOfValues(mask).catch(() => [])));
  const values = [...new Set(lists.flat())].slice(0, MOST_VALUES);
  return { kind: kindOf(lists), values };
}

/** Tells ids from classes: ids count objects, 1 to n, another n in each label; classes are the same few everywhere. */
export function kindOf(lists: readonly (readonly string[])[]): LabelKind {
  const several = lists.filter((values) => values.length > 1);
  if (several.length === 0) return 'one';
  const counts = several.map((values) => values.length);
  const isCounted = several.every((values) => values.every((value, index) => value === String(index + 1)));
  const differ = new Set(counts).size > 1 && Math.max(...counts) > 2;
  return isCounted && (differ || Math.max(...counts) > MANY_IDS) ? 'ids' : 'classes';
}

async function picturesOf(samples: Samples): Promise<FoundPictures> {
  const looked = some(samples, MOST_PICTURES);
  const sizes = await Promise.all(looked.map(imageSize));
  const bands = new Set<number>();
  let bandNames: readonly (string | null)[] = [];
  for (const { image } of looked.slice(0, MOST_INDICES).reverse()) {
    const reader = await openBands(image);
    bands.add(reader.count);
    bandNames = reader.names;
    await reader.close();
  }
  return {
    looked: looked.length,
    width: spread(sizes.map(({ width }) => width)),
    height: spread(sizes.map(({ height }) => height)),
    bands: [...bands].sort((a, b) => a - b),
    bandNames,
  };
}

function spread(numbers: readonly number[]): Spread {
  return { least: Math.min(...numbers), median: median(numbers), most: Math.max(...numbers) };
}

/** Measures the rough masks that named infrared bands allow. */
async function roughMasksOf(
  { bandNames }: FoundPictures,
  samples: readonly Sample[],
  { signal }: Hooks,
): Promise<FoundRoughMask[]> {
  const kinds: FoundRoughMask['kind'][] = [
    ...(bandNames.includes('nir') ? (['ndwi', 'ndvi'] as const) : []),
    ...(bandNames.includes('swir') ? (['mndwi'] as const) : []),
  ];
  const found: FoundRoughMask[] = [];
  for (const kind of kinds) {
    const prompts = trainOptionsSchema.parse({ data: '.', roughMask: kind });
    found.push({ kind, meanIou: await meanRoughIou(prompts, samples, signal), images: samples.length });
  }
  return found.sort((a, b) => b.meanIou - a.meanIou);
}
