/** Looks at every label before anything slow begins, so that bad input is told at once, all of it, in one error. */

import { SamError } from '../core/errors.js';
import type { Hooks } from '../core/hooks.js';
import { eachOf } from '../core/parallel.js';
import { nameAll } from '../core/words.js';
import { maskArea } from '../data/low-res.js';
import { readingOrder, type Sample, type Samples } from '../data/sample.js';
import { pick } from '../data/sample-list.js';
import type { LowResMasks } from './masks.js';
import type { RoughPrompts } from './rough-prompts.js';

/** Labels decoded at a time. */
const PARALLEL = 4;
/** Bad samples named in an error or warning. */
const MOST_NAMED = 20;

export interface CheckOptions extends Hooks {
  skipBad: boolean;
  onEmpty: 'skip' | 'fail';
  /** Prompts are drawn from rough masks too, so they are looked at. */
  rough?: RoughPrompts | undefined;
}

interface Problem {
  /** Of the sample in its split. */
  place: number;
  kind: 'bad' | 'empty';
  message: string;
}

/**
 * The samples that training can use: their label decodes, has the image's size, and has a pixel on the decoder's grid (a
 * label too small for that counts as empty), and a rough mask with a pixel where all prompts come from those. Others are left out with `skipBad` and `onEmpty: 'skip'`.
 * @throws SamError `SAM_BAD_DATA` naming the bad ones, or when nothing is left of a split.
 */
export async function checkSamples<Split extends string>(
  splits: Readonly<Record<Split, Samples>>,
  masks: LowResMasks,
  options: CheckOptions,
): Promise<Record<Split, Samples>> {
  const problems = {} as Record<Split, Problem[]>;
  for (const split of Object.keys(splits) as Split[]) problems[split] = await problemsOf(splits[split], masks, options);
  const all = Object.values<Problem[]>(problems).flat();
  const failing = all.filter(({ kind }) =>
    kind === 'bad' ? !options.skipBad : options.onEmpty === 'fail' && !options.skipBad,
  );
  if (failing.length > 0) throw badData(failing);
  if (all.length > 0) options.onWarning?.(`left out ${named(all)}`);
  const { rough } = options;
  if (rough?.mixed && rough.empty.size > 0) {
    options.onWarning?.(`prompts come from the label where the rough mask is empty: ${nameAll([...rough.empty])}`);
  }
  const without = (samples: Samples, problems: readonly Problem[]) => {
    if (problems.length === 0) return samples;
    const bad = new Set(problems.map(({ place }) => place));
    return pick(
      samples,
      Uint32Array.from({ length: samples.length }, (_, place) => place).filter((place) => !bad.has(place)),
    );
  };
  const usable: Record<Split, Samples> = { ...splits };
  for (const split of Object.keys(splits) as Split[]) usable[split] = without(splits[split], problems[split]);
  requireSome(usable);
  return usable;
}

/** Throws `SAM_BAD_DATA` when a split has nothing left. */
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
  { rough, signal }: CheckOptions,
): Promise<Omit<Problem, 'place'> | undefined> {
  try {
    const mask = await masks.get(sample);
    if (maskArea(mask) === 0) {
      return { kind: 'empty', message: `${sample.mask?.path ?? sample.name}: the mask is empty` };
    }
    const message = await rough?.problem(sample, signal);
    return message === undefined ? undefined : { kind: 'empty', message };
  } catch (error) {
    if (!(error instanceof SamError) || error.code === 'SAM_BAD_OPTION') throw error;
    return { kind: 'bad', message: error.message };
  }
}

function named(problems: readonly Problem[]): string {
  const messages = [...new Set(problems.map(({ message }) => message))]; // a folder that is missing is missing for all
  const shown = messages.slice(0, MOST_NAMED);
  const rest = messages.length - shown.length;
  return `${shown.join('; ')}${rest > 0 ? `; and ${rest} more` : ''}`;
}

function badData(problems: readonly Problem[]): SamError {
  const onlyEmpty = problems.every(({ kind }) => kind === 'empty');
  return new SamError('SAM_BAD_DATA', named(problems), {
    fix: onlyEmpty
      ? 'mend them, or leave them out with --on-empty skip'
      : 'mend them, or go on without them: --skip-bad',
  });
}
