/** Looks at every label before anything slow begins, so that bad input is told at once, all of it, in one error. */

import { SamError } from '../core/errors.js';
import type { Hooks } from '../core/hooks.js';
import { eachOf } from '../core/parallel.js';
import { type ProblemOptions, Problems } from '../core/problems.js';
import { nameAll } from '../core/words.js';
import { decodeMask, imageSize } from '../data/decode.js';
import { emptyLabel, type LabelDoubts } from '../data/label-doubts.js';
import { maskArea } from '../data/low-res.js';
import { readingOrder, type Sample, type Samples } from '../data/sample.js';
import { pick } from '../data/sample-list.js';
import type { LowResMasks } from './masks.js';
import type { RoughPrompts } from './rough-prompts.js';

/** Labels decoded at a time. */
const PARALLEL = 4;

export interface CheckOptions extends Hooks, ProblemOptions {
  /** Rough masks, which are checked too where prompts are drawn from them. */
  rough?: RoughPrompts | undefined;
  /** Doubts about labels, which take a look at each. */
  doubts?: LabelDoubts | undefined;
}

interface Problem {
  /** Place of the sample in its split. */
  place: number;
  empty: boolean;
  message: string;
  remedy?: string;
}

/**
 * Returns the samples that training can use. Their label decodes, has the image's size and a pixel on the decoder's grid (one too
 * small for that counts as empty); where all prompts come from rough masks, theirs has a pixel too. Other samples are left out with
 * `skipBad` and `onEmpty: 'skip'`.
 *
 * @throws SamError `SAM_BAD_DATA`: samples are bad, all of which it names, or nothing is left of a split.
 */
export async function checkSamples<Split extends string>(
  splits: Readonly<Record<Split, Samples>>,
  masks: LowResMasks,
  options: CheckOptions,
): Promise<Record<Split, Samples>> {
  const problems = new Problems(options);
  const usable: Record<Split, Samples> = { ...splits };
  for (const split of Object.keys(splits) as Split[]) {
    const found = await problemsOf(splits[split], masks, options);
    for (const problem of found) problems.add(problem.message, problem);
    usable[split] = without(splits[split], found);
  }
  problems.settle(options);
  const { rough } = options;
  if (rough?.mixed && rough.empty.size > 0) {
    options.onWarning?.(`prompts come from the label where the rough mask is empty: ${nameAll([...rough.empty])}`);
  }
  requireSome(usable);
  return usable;
}

function without(samples: Samples, problems: readonly Problem[]): Samples {
  if (problems.length === 0) return samples;
  const bad = new Set(problems.map(({ place }) => place));
  const places = Uint32Array.from({ length: samples.length }, (_, place) => place);
  return pick(
    samples,
    places.filter((place) => !bad.has(place)),
  );
}

/**
 * Refuses splits of which nothing is left.
 *
 * @throws SamError `SAM_BAD_DATA`: a split is empty.
 */
export function requireSome(splits: Readonly<Record<string, Samples>>): void {
  for (const [name, samples] of Object.entries(splits)) {
    if (samples.length > 0) continue;
    throw new SamError('SAM_BAD_DATA', `no usable image is left for ${name === 'train' ? 'training' : name}`, {
      fix: 'look at the warnings before this line',
    });
  }
}

async function problemsOf(samples: Samples, masks: LowResMasks, options: CheckOptions): Promise<Problem[]> {
  const problems: Problem[] = [];
  await eachOf(readingOrder(samples), PARALLEL, async (place) => {
    options.signal?.throwIfAborted();
    const problem = await problemOf(samples.at(place)!, masks, options);
    if (problem !== undefined) problems.push({ place, ...problem });
  });
  return problems.sort((a, b) => a.place - b.place);
}

async function problemOf(
  sample: Sample,
  masks: LowResMasks,
  { rough, doubts, signal }: CheckOptions,
): Promise<Omit<Problem, 'place'> | undefined> {
  try {
    const mask = await masks.get(sample, async (label) => doubts?.see(sample, label));
    if (maskArea(mask) === 0) {
      const label = await decodeMask(sample, await imageSize(sample));
      return await emptyLabel(sample, label, mask);
    }
    return await rough?.problem(sample, signal);
  } catch (error) {
    if (!(error instanceof SamError) || error.code === 'SAM_BAD_OPTION') throw error;
    return { empty: false, message: error.message };
  }
}
