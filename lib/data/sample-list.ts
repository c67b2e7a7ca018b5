/** Samples that are made when they are asked for: what a set of any size keeps in memory is what its source needs to make them. */
import type { Sample, Samples } from './sample.js';

export class SampleList implements Samples {
  /** @param make makes the sample at a place from 0 to `length` - 1; the same for the same place. */
  constructor(
    readonly length: number,
    readonly make: (index: number) => Sample,
  ) {}

  at(index: number): Sample | undefined {
    return index >= 0 && index < this.length ? this.make(index) : undefined;
  }

  *[Symbol.iterator](): Generator<Sample, void> {
    for (let index = 0; index < this.length; index++) yield this.make(index);
  }
}

/** Returns the samples at these places, in the places' order. */
export function pick(samples: Samples, places: ArrayLike<number>): Samples {
  return new SampleList(places.length, (index) => samples.at(places[index]!)!);
}

/** Returns the samples that pass; all of them are looked at now. */
export function filtered(samples: Samples, passes: (sample: Sample) => boolean): Samples {
  const places: number[] = [];
  let place = 0;
  for (const sample of samples) {
    if (passes(sample)) places.push(place);
    place++;
  }
  return places.length === samples.length ? samples : pick(samples, Uint32Array.from(places));
}

/** Returns the first samples, so many at most. */
export function firstOf(samples: Samples, limit: number | undefined): Samples {
  return limit === undefined || limit >= samples.length
    ? samples
    : new SampleList(limit, (index) => samples.at(index)!);
}

/** Returns the samples as `change` makes them. */
export function mapped(samples: Samples, change: (sample: Sample) => Sample): Samples {
  return new SampleList(samples.length, (index) => change(samples.at(index)!));
}

/** Joins lists, one after the other. */
export function concatenated(...lists: readonly Samples[]): Samples {
  const length = lists.reduce((sum, list) => sum + list.length, 0);
  return new SampleList(length, (index) => {
    let [at, place] = [0, index];
    while (place >= lists[at]!.length) place -= lists[at++]!.length;
    return lists[at]!.at(place)!;
  });
}

/** Returns the places of `most` of `length` things, or of all, evenly spread: the middle of each share, or at `within` it (0: its start). */
export function spreadPlaces(length: number, most: number, within = 0.5): number[] {
  const count = Math.min(length, most);
  return Array.from({ length: count }, (_, index) => Math.floor(((index + within) * length) / count));
}
