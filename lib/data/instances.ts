/** `--instances` and `--class`: samples of the values of a mask, rather than of all that is not black. */
import { SamError } from '../core/errors.js';
import { compare } from '../core/order.js';
import { eachOf } from '../core/parallel.js';
import { namesOfValues, parseValue, ValueMask } from './mask-values.js';
import { type DataSource, inReadingOrder, type Sample, type Samples } from './sample.js';
import { mapped } from './sample-list.js';

/** Number of masks decoded at a time. */
const PARALLEL = 4;

export interface ValueOptions {
  /** Whether each value of a mask but 0 is a sample, `<name>#<value>`. */
  readonly instances?: boolean | undefined;
  /** Value that alone is inside: a number, or a colour `#rrggbb`. */
  readonly class?: string | undefined;
}

/**
 * Returns the data set with the samples that the options ask for.
 *
 * @throws SamError `SAM_BAD_OPTION`: both options are given.
 */
export function withValues(source: DataSource, { instances, class: value }: ValueOptions): DataSource {
  if (instances && value !== undefined) {
    throw new SamError('SAM_BAD_OPTION', '`instances` and `class` exclude each other', {
      fix: 'leave one of them out',
    });
  }
  if (!instances && value === undefined) return source;
  return {
    ...source,
    async readSplit(split, reading) {
      const samples = await source.readSplit(split, reading);
      // Where masks don't matter, one sample an image is enough.
      if (reading.masks === 'ignored' && instances) return samples;
      requirePictures(samples, source);
      if (value === undefined) return instancesOf([...samples]);
      const wanted = parseValue(value);
      return mapped(samples, (sample) => ofValue(sample, wanted));
    },
  };
}

function ofValue(sample: Sample, value: string): Sample {
  return sample.mask === undefined ? sample : { ...sample, mask: new ValueMask(sample.mask, value) };
}

async function instancesOf(samples: readonly Sample[]): Promise<Sample[]> {
  const found: Sample[] = [];
  await eachOf(inReadingOrder(samples), PARALLEL, async (sample) => {
    const values = await namesOfValues(sample.mask!).catch((error: unknown) => {
      if (error instanceof SamError) return error;
      throw error;
    });
    // One that is empty, or tells no objects apart, stays a sample: whoever needs it names all such masks at once.
    if (values instanceof SamError)
      found.push({ ...sample, mask: { path: sample.mask!.path, draw: () => Promise.reject(values) } });
    else if (values.length === 0) found.push(sample);
    else for (const value of values) found.push({ ...ofValue(sample, value), name: `${sample.name}#${value}` });
  });
  return found.sort((a, b) => compare(a.name, b.name));
}

function requirePictures(samples: Samples, { root }: DataSource): void {
  // They are of one source, so of one kind.
  if (samples.at(0)?.mask?.draw === undefined) return;
  throw new SamError(
    'SAM_BAD_OPTION',
    `${root} has outlines, each a sample already: no values for \`instances\` or \`class\``,
    {
      fix: 'leave them out, and choose with `categories`',
    },
  );
}
