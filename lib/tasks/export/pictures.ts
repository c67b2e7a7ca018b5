/** The pictures that an export is held against its model on: the run's own validation pictures, or drawn ones. */
import { z } from 'zod';
import { toSamError } from '../../core/errors.js';
import type { Hooks } from '../../core/hooks.js';
import { decodeMask, imageSize } from '../../data/decode.js';
import { maskArea, toLowRes } from '../../data/low-res.js';
import { loadData, loadSplit } from '../../data/open-data.js';
import type { Mask, Sample, Samples } from '../../data/sample.js';
import { spreadPlaces } from '../../data/sample-list.js';
import type { ResolvedModel } from '../../models/model.js';
import type { ResolvedPromptOptions } from '../../models/prompt-options.js';
import { dataOptions, modelOptions, promptOptions, sourceOptions } from '../../options.js';

const RIVERS = 'sample:rivers';
/** What a run says of its data; of one that `push` published that isn't known. */
const runDataSchema = z.object({
  ...dataOptions,
  data: dataOptions.data.optional(),
  cacheDir: modelOptions.cacheDir,
  seed: promptOptions.seed,
});

/** A labelled picture. */
export interface Labelled {
  readonly sample: Sample;
  readonly label: Mask;
}

/** Pictures, and in words how many, and where they are from. */
export interface Pictures {
  readonly pictures: Labelled[];
  readonly from: string;
}

/**
 * Finds so many pictures at most, spread over the split, whose labels are not empty. Where the model is of no run, or the run's data is
 * gone, which is told, they are of `sample:rivers`.
 */
export async function findPictures(
  model: Pick<ResolvedModel, 'checkpoint'>,
  most: number,
  prompts: ResolvedPromptOptions,
  { signal, onNote, cacheDir }: Pick<Hooks, 'signal' | 'onNote'> & { cacheDir: string | undefined },
): Promise<Pictures> {
  const hooks = { signal, onNote };
  if (model.checkpoint !== undefined) {
    try {
      const said: unknown = JSON.parse(model.checkpoint.metadata.options ?? '{}');
      const { data, ...options } = runDataSchema.parse(said);
      if (data !== undefined) {
        const { validation } = await loadData({ ...options, data, cacheDir }, hooks);
        const pictures = await labelled(validation, most, prompts, signal);
        if (pictures.length > 0) return { pictures, from: words(pictures, data) };
      }
    } catch (error) {
      signal?.throwIfAborted();
      onNote?.(
        `the run's validation pictures cannot be read (${toSamError(error).message}): taking those of ${RIVERS}`,
      );
    }
  }
  const given = z.object(sourceOptions).parse({ data: RIVERS });
  const rivers = await loadSplit({ ...given, split: 'validation', cacheDir }, hooks);
  const pictures = await labelled(rivers, most, prompts, signal);
  return { pictures, from: words(pictures, RIVERS) };
}

const words = ({ length }: readonly Labelled[], data: string) =>
  `${length} validation ${length === 1 ? 'picture' : 'pictures'} of ${data}`;

async function labelled(
  samples: Samples,
  most: number,
  { maskSize, imageSize: side }: ResolvedPromptOptions,
  signal: AbortSignal | undefined,
): Promise<Labelled[]> {
  const found: Labelled[] = [];
  for (const place of spreadPlaces(samples.length, most)) {
    signal?.throwIfAborted();
    const sample = samples.at(place)!;
    const label = await decodeMask(sample, await imageSize(sample));
    if (maskArea(toLowRes(label, maskSize, side)) > 0) found.push({ sample, label });
  }
  return found;
}
