/** Whether a run's validation images are near-duplicates of its training images, told before it trains but after it has encoded them. */
import type { Hooks } from '../core/hooks.js';
import type { DataSplits, Sample, Samples } from '../data/sample.js';
import { spreadPlaces } from '../data/sample-list.js';
import { describeImages } from '../embeddings/descriptors.js';
import { nearDuplicates, nearDuplicateWarning } from '../embeddings/near-duplicates.js';
import type { OpenModel } from './environment.js';

/** Most images looked at: reading an embedding takes some milliseconds, and a warning must not cost an epoch. */
const LOOKED_AT = 1024;
/** Most validation images among them. */
const VALIDATION = 256;

/** Returns a warning where there are near-duplicates. Looks at an evenly spread part of a large set; `sam-native split` looks at all. */
export async function leakWarning(
  splits: DataSplits,
  model: Pick<OpenModel, 'embeddings'>,
  { squashed, signal }: { squashed: boolean; signal: Hooks['signal'] },
): Promise<string | undefined> {
  const validation = spread(splits.validation, VALIDATION);
  const train = spread(splits.train, LOOKED_AT - validation.length);
  const images = [...train, ...validation];
  const read = (sample: Sample) => model.embeddings.read([sample]);
  const vectors = await describeImages(images, { read, squashed, signal });
  const of = (place: number) => ({
    name: images[place]!.name,
    split: place < train.length ? 'train' : 'validation',
  });
  return nearDuplicateWarning(await nearDuplicates(vectors, of, signal));
}

function spread(samples: Samples, most: number): Sample[] {
  return spreadPlaces(samples.length, most, 0).map((place) => samples.at(place)!);
}
