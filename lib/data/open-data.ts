/**
 * Opens `--data SRC`: a folder, Parquet files, COCO JSON, a list of files, a data set on the Hugging Face Hub, or `sample:rivers`,
 * which is drawn into the cache and then read as a folder.
 */

import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { SamError, systemCode, toSamError } from '../core/errors.js';
import { isFolder } from '../core/files.js';
import type { Hooks } from '../core/hooks.js';
import { checkHooks, parseOptions } from '../core/parse-options.js';
import { counted, nameAll } from '../core/words.js';
import type { DataOptions } from '../option-types.js';
import { dataOptions, modelOptions, promptOptions, sourceOptions } from '../options.js';
import { cutOff } from './cuts.js';
import { groupPattern, groupSamples } from './groups.js';
import { withValues } from './instances.js';
import { hasExtension, IMAGE_EXTENSIONS, IMAGE_FORMATS, listPaths, stemOf } from './listing.js';
import { findFiles } from './present.js';
import { type DataSource, type DataSplits, type MaskNeed, type Sample, type Samples, withBands } from './sample.js';
import { firstOf, mapped, pick } from './sample-list.js';
import { findSource, type OpenSourceOptions } from './sources/index.js';
import { notRead, unreadPictures, warnOfUnread } from './unread-files.js';

export type { OpenSourceOptions };

/** Options of {@link openData}. */
export interface OpenDataOptions extends DataOptions, OpenSourceOptions {
  /** Says which samples `validationFraction` cuts off. Default: that of `train`. */
  seed?: number | undefined;
}

/** Options of {@link openSplit}. */
export interface OpenSplitOptions extends OpenSourceOptions {
  /** Name of the split. */
  split: string;
  /** Takes the first so many samples. Default: all. */
  limit?: number | undefined;
  /** Leaves out images and masks that have no partner. Default: they are an error. */
  skipBad?: boolean | undefined;
  /** Which masks the samples need. Default: `required`. */
  masks?: MaskNeed | undefined;
}

const openDataSchema = z.strictObject({ ...dataOptions, cacheDir: modelOptions.cacheDir, seed: promptOptions.seed });

const openSplitSchema = z.strictObject({
  ...sourceOptions,
  cacheDir: modelOptions.cacheDir,
  split: z.string(),
  limit: dataOptions.limit,
  skipBad: dataOptions.skipBad,
  masks: z.enum(['required', 'optional', 'ignored']).default('required'),
});

/**
 * Opens training and validation samples, each ordered by name. With `validationFraction` both come from the training split.
 *
 * @throws SamError `SAM_BAD_DATA`: no validation split, or what `DataSource.readSplit` says. `SAM_BAD_OPTION`: a source of an
 * unknown kind, or a pattern that can't be used.
 */
export async function openData(given: OpenDataOptions, hooks: Hooks = {}): Promise<DataSplits> {
  checkHooks(hooks);
  return loadData(parseOptions(openDataSchema, given), hooks);
}

/** Opens data as {@link openData} does, for a task whose options are checked already. */
export async function loadData(options: z.output<typeof openDataSchema>, hooks: Hooks): Promise<DataSplits> {
  const { trainSplit, validationSplit, validationFraction: fraction, limit } = options;
  const taken = (samples: Samples) => taking(samples, options.bands, limit);
  const grouping = groupPattern(options.groupBy);
  const source = await openSource(options, hooks);
  const reading = { masks: 'required' as const, skipBad: options.skipBad, onWarning: hooks.onWarning };
  if (fraction !== undefined) {
    const all = await source.readSplit(trainSplit, reading);
    const { train, validation } = withValidation(all, fraction, grouping, options.seed, source.nameOf(trainSplit));
    return { train: taken(train), validation: taken(validation) };
  }
  if ((await source.hasSplit(trainSplit)) && !(await source.hasSplit(validationSplit))) {
    const there = nameAll(await source.splits());
    throw new SamError(
      'SAM_BAD_DATA',
      `there is no validation split '${validationSplit}' in ${source.root} (there: ${there})`,
      {
        fix: 'cut one off the training split with `validationFraction` 0.2, or name one with `validationSplit`',
      },
    );
  }
  const [train, validation] = await readBoth([trainSplit, validationSplit], (split) =>
    source.readSplit(split, reading),
  );
  return { train: taken(train), validation: taken(validation) };
}

/** Takes the first samples, so many at most, to be read by these bands. */
function taking(samples: Samples, bands: string | undefined, limit: number | undefined): Samples {
  const first = firstOf(samples, limit);
  return bands === undefined ? first : mapped(first, (sample) => withBands(sample, bands));
}

/** Reads both splits; what is wrong with either of them is said in one error. */
async function readBoth(
  splits: readonly [string, string],
  read: (split: string) => Promise<Samples>,
): Promise<[Samples, Samples]> {
  const [train, validation] = await Promise.allSettled([read(splits[0]), read(splits[1])]);
  if (train.status === 'fulfilled' && validation.status === 'fulfilled') return [train.value, validation.value];
  const errors = [train, validation].flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  const [first, second] = errors.map(toSamError);
  if (second === undefined || second.message === first!.message) throw first!;
  throw new SamError(first!.code, `${first!.message}; ${second.message}`, { fix: first!.fix });
}

/**
 * Opens the samples of one split, ordered by name.
 *
 * ```ts
 * const samples = await openSplit({ data: 'photos', split: 'validation', limit: 4 });
 * ```
 * @throws SamError `SAM_BAD_OPTION`: options; `SAM_BAD_DATA`: no such split, or images and masks without a partner, all named.
 */
export async function openSplit(given: OpenSplitOptions, hooks: Hooks = {}): Promise<Sample[]> {
  checkHooks(hooks);
  return loadSplit(parseOptions(openSplitSchema, given), hooks);
}

/** Opens a split as {@link openSplit} does, for a task whose options are checked already. */
export async function loadSplit(options: OpenSplitOptions, hooks: Hooks): Promise<Sample[]> {
  const source = await openSource(options, hooks);
  const samples = await source.readSplit(options.split, {
    masks: options.masks ?? 'required',
    skipBad: options.skipBad ?? false,
    onWarning: hooks.onWarning,
  });
  return [...taking(samples, options.bands, options.limit)];
}

const openImagesSchema = z.strictObject({ inputs: z.array(z.string(), 'expected paths of images and folders') });

/**
 * Opens images given one by one or by folder (all that lie below it; of a split, its images), in the order given. A folder's images
 * are named by their paths within it, a single file by its own name. A file that is given twice, or by a link, is one image.
 *
 * @throws SamError `SAM_NOT_FOUND`: no such file or folder. `SAM_BAD_DATA`: a folder without an image, or two images of one name.
 */
export async function openImages(inputs: readonly string[], hooks: Hooks = {}): Promise<Sample[]> {
  parseOptions(openImagesSchema, { inputs });
  checkHooks(hooks);
  const given: Sample[] = [];
  for (const input of inputs) given.push(...(await imagesOf(input, hooks)));
  const samples = await oncePerFile(given, hooks);
  const paths = new Map<string, string>();
  for (const { name, image } of samples) {
    const known = paths.get(name);
    if (known !== undefined) {
      throw new SamError('SAM_BAD_DATA', `two images are named ${name}: ${known}, ${image.path}`, {
        fix: 'rename one, or give them in two calls',
      });
    }
    paths.set(name, image.path);
  }
  return samples;
}

/** Leaves out images whose file was given before; where it was under another name, that is told. */
async function oncePerFile(given: readonly Sample[], { onWarning }: Hooks): Promise<Sample[]> {
  const paths = given.map(({ image }) => image.path);
  const { twins } = await findFiles(paths, (path) => path);
  const names = new Map<string, string>();
  const renamed = new Set<string>();
  const once = given.filter(({ name, image: { path } }) => {
    const first = twins.get(path) ?? path;
    const known = names.get(first);
    if (known === undefined) names.set(first, name);
    else if (known !== name) renamed.add(`${path} (${first})`);
    return known === undefined;
  });
  for (const line of counted('image', 'is the same file as another', 'are the same file as another', [...renamed])) {
    onWarning?.(`${line}; taken once`);
  }
  return once;
}

async function imagesOf(input: string, { onWarning }: Hooks): Promise<Sample[]> {
  const status = await stat(input).catch((error: unknown) => {
    if (systemCode(error) !== 'ENOENT' && systemCode(error) !== 'ENOTDIR') throw error;
    throw new SamError('SAM_NOT_FOUND', `there is no image or folder ${input}`, { fix: 'check the path' });
  });
  if (!status.isDirectory()) return [{ name: stemOf(basename(input)), image: { path: input } }];
  const isSplit = (await isFolder(join(input, 'images'))) && (await isFolder(join(input, 'masks')));
  const folder = isSplit ? join(input, 'images') : input;
  const paths = await listPaths(folder);
  const images = paths.filter((path) => hasExtension(path, IMAGE_EXTENSIONS));
  const unread = unreadPictures(paths);
  if (images.length === 0) {
    const hint = unread[0] === undefined ? '' : ` (${notRead('', unread[0])})`;
    throw new SamError('SAM_BAD_DATA', `the folder ${input} holds no image${hint}`, {
      fix: `${IMAGE_FORMATS} are read`,
    });
  }
  warnOfUnread(input, unread, onWarning);
  return images.map((path) => ({ name: stemOf(path), image: { path: join(folder, path) } }));
}

/**
 * Finds the data set and its splits; reads nothing yet. A folder of several kinds is read by the folder layout, else as Parquet.
 *
 * @throws SamError `SAM_BAD_OPTION`: a source of an unknown kind.
 */
export async function openSource(options: OpenSourceOptions, hooks: Hooks = {}): Promise<DataSource> {
  return withValues(await findSource(options, hooks), options);
}

/** Cuts whole groups off for validation, as near to the fraction as they allow. */
function withValidation(
  samples: Samples,
  fraction: number,
  pattern: RegExp | undefined,
  seed: number,
  where: string,
): DataSplits {
  const { groupOf, sizes } = groupSamples(samples, pattern);
  if (sizes.length < 2) {
    const what = sizes.length === samples.length ? 'only one sample' : `only one group of ${samples.length} samples`;
    throw new SamError('SAM_BAD_DATA', `${where} holds ${what}: nothing can be cut off for validation`, {
      fix: 'add samples, or choose another `groupBy`',
    });
  }
  const partOf = cutOff(sizes, fraction, seed);
  const part = (wanted: number) =>
    pick(
      samples,
      Uint32Array.from(groupOf.keys()).filter((place) => partOf[groupOf[place]!] === wanted),
    );
  return { train: part(0), validation: part(1) };
}
