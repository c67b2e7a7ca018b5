/** `sam-native prompts --tune`: finds thresholds for the rough masks of a labelled split, and writes them as a config. */
import { resolve } from 'node:path';
import { writeConfigFile } from '../../core/config-file.js';
import { SamError } from '../../core/errors.js';
import type { Hooks } from '../../core/hooks.js';
import { checkHooks, parseOptions } from '../../core/parse-options.js';
import { Problems } from '../../core/problems.js';
import { kebab } from '../../core/suggest.js';
import { without } from '../../core/without.js';
import { decodeImage, decodeMask, imageSize } from '../../data/decode.js';
import { LabelDoubts } from '../../data/label-doubts.js';
import { maskArea, toLowRes } from '../../data/low-res.js';
import { loadSplit } from '../../data/open-data.js';
import type { Sample } from '../../data/sample.js';
import { isBadImage } from '../../embeddings/encode.js';
import type { ResolvedPromptOptions } from '../../models/prompt-options.js';
import type { Range } from '../../prompts/rough/hsv.js';
import { readIndexBands } from '../../prompts/rough/rough-masks.js';
import {
  type ResolvedRoughOptions,
  type RoughMaskSettings,
  toRoughMaskSettings,
} from '../../prompts/rough/settings.js';
import { normalisedDifference } from '../../prompts/rough/spectral.js';
import { meanRoughIou } from '../workbench/rough-iou.js';
import { type ColourTry, searchColours } from './colour.js';
import { type FitRoughMaskOptions, fitRoughMaskOptionsSchema } from './options.js';
import { colourImage, indexImage, SEARCH_SIDE, type SearchImage } from './samples.js';
import { searchThresholds } from './threshold.js';

/** Most images that the search looks at, evenly among all. What it finds is measured on all of them. */
const MOST_IMAGES = 200;

/** Thresholds as they are written into the config, by the names of the options. */
export type RoughThresholds = Partial<ResolvedRoughOptions>;

/** What {@link fitRoughMask} gives back. */
export interface FitRoughMaskResult {
  /** Path of the config file. */
  config: string;
  /** Options that the config holds. */
  options: RoughThresholds;
  /** Mean IoU of the rough masks at the labels' own size. */
  meanIou: number;
  /** Number of images measured. */
  images: number;
  /** Each gain of the search, on its grid. */
  search: (RoughThresholds & {
    /** Mean IoU on the search's grid. */
    meanIou: number;
  })[];
}

/**
 * Finds the thresholds of a rough mask (of `roughMask`, or of colours) that fit the labels of a split best, and writes them as a
 * config that `train`, `predict` and the others take. Tells `onNote` each gain.
 *
 * ```ts
 * const { config, meanIou } = await fitRoughMask({ data: 'photos', out: 'river.yaml' });
 * ```
 * @throws SamError `SAM_BAD_OPTION`: rough masks of files; `SAM_BAD_DATA`: bad images or labels, all named.
 */
export async function fitRoughMask(given: FitRoughMaskOptions, hooks: Hooks = {}): Promise<FitRoughMaskResult> {
  checkHooks(hooks);
  const options = parseOptions(fitRoughMaskOptionsSchema, given);
  const { data, split, skipBad } = options;
  const samples = await loadSplit(options, hooks);
  const from = { samples, source: `${data}, split ${split}`, skipBad };
  return searchAndMeasure({ ...hooks, ...from, prompts: options, out: resolve(options.out) });
}

/** Options of the search once the samples are open, with its hooks. */
interface Fitting extends Hooks {
  samples: readonly Sample[];
  prompts: ResolvedPromptOptions;
  out: string;
  /** Origin of the samples, for the config's first line. */
  source: string;
  skipBad: boolean;
}

async function searchAndMeasure(options: Fitting): Promise<FitRoughMaskResult> {
  const { prompts, samples, signal, onNote } = options;
  const kind = prompts.roughMask ?? 'hsv';
  if (kind === 'file') {
    throw new SamError('SAM_BAD_OPTION', '`roughMask` file has no thresholds to find', {
      fix: 'take `roughMask` hsv, ndwi, mndwi or ndvi',
    });
  }
  // Any band will do: only what else the options say is taken from here.
  const base = toRoughMaskSettings({ ...prompts, roughMask: kind, value: prompts.value ?? '0-1' })!;
  const { images, used } = await searchImages(options, base);
  const search: FitRoughMaskResult['search'] = [];
  const tell = (tried: RoughThresholds & { meanIou: number }) => {
    search.push(tried);
    const { meanIou: iou, ...values } = tried;
    const shown = Object.entries(values).map(([name, value]) => `${kebab(name)} ${value}`);
    onNote?.(`mean IoU ${iou.toFixed(3)}  ${shown.join('  ')}`);
  };
  if (kind === 'hsv') await searchColours(images, (found) => tell(colourOptions(found)), signal);
  else await searchThresholds(images, tell, signal);
  const best = without(search.at(-1)!, 'meanIou');
  const { bands, nir, swir, minArea, fillHoles, largest, erosion } = prompts;
  const kept = { bands, nir, swir, minArea, fillHoles, largest, erosion };
  const tuned = withoutUndefined({ roughMask: kind, ...best, ...kept });
  const meanIou = await meanRoughIou(
    { ...prompts, hue: undefined, saturation: undefined, value: undefined, ...tuned },
    used,
    signal,
  );
  const measured = `${used.length} of ${samples.length} images: mean IoU ${meanIou.toFixed(3)}`;
  await writeConfigFile(options.out, `sam-native prompts --tune, ${options.source}, ${measured}`, tuned);
  return { config: options.out, options: tuned, meanIou, images: used.length, search };
}

/** Reads the images that can be searched; bad ones are named together. Empty labels tell nothing of colours and are passed over. */
async function searchImages(
  { samples, prompts, skipBad, signal, onWarning }: Fitting,
  settings: RoughMaskSettings,
): Promise<{ images: SearchImage[]; used: Sample[] }> {
  const step = Math.max(1, samples.length / MOST_IMAGES);
  const chosen = samples.filter((_, index) => Math.floor(index / step) !== Math.floor((index - 1) / step));
  const images: SearchImage[] = [];
  const used: Sample[] = [];
  const problems = new Problems({ skipBad });
  const doubts = new LabelDoubts(prompts);
  for (const sample of chosen) {
    signal?.throwIfAborted();
    try {
      const image = await searchImage(sample, settings, doubts);
      if (image === undefined) continue;
      images.push(image);
      used.push(sample);
    } catch (error) {
      if (!isBadImage(error)) throw error;
      problems.add(error.message);
    }
  }
  problems.settle({ onWarning });
  doubts.settle({ onWarning });
  if (images.length === 0) {
    throw new SamError('SAM_BAD_DATA', 'no labelled image to tune on', { fix: 'check `data` and `split`' });
  }
  return { images, used };
}

async function searchImage(
  sample: Sample,
  { method, cleaning }: RoughMaskSettings,
  doubts: LabelDoubts,
): Promise<SearchImage | undefined> {
  const label = await decodeMask(sample, await imageSize(sample));
  await doubts.see(sample, label);
  if (maskArea(toLowRes(label, SEARCH_SIDE)) === 0) return undefined;
  if (method.kind === 'hsv') return colourImage((await decodeImage(sample)).pixels, label, cleaning);
  if (method.kind === 'file') return undefined;
  const { a, b, valid } = await readIndexBands(sample, method);
  return indexImage(normalisedDifference(a, b, valid), label, cleaning);
}

/** Writes bands as options, without those that do not matter; of three that do not, one stays, for a mask needs one. */
function colourOptions({ hue, saturation, value, meanIou }: ColourTry): RoughThresholds & { meanIou: number } {
  const text = ([from, to]: Range) => `${from}-${to}`;
  const found = withoutUndefined({
    hue: text(hue) === '0-360' ? undefined : text(hue),
    saturation: text(saturation) === '0-1' ? undefined : text(saturation),
    value: text(value) === '0-1' ? undefined : text(value),
  });
  return { ...(Object.keys(found).length === 0 ? { value: '0-1' } : found), meanIou };
}

function withoutUndefined(options: RoughThresholds): RoughThresholds {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as RoughThresholds;
}
