/** Which data set is meant, and which of its splits are for training and for validation; what is missing where there is none. */
import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { SamError } from '../../core/errors.js';
import { isFolder } from '../../core/files.js';
import type { Hooks } from '../../core/hooks.js';
import { nameAll } from '../../core/words.js';
import { hasExtension, IMAGE_EXTENSIONS, listPaths } from '../../data/listing.js';
import { openSource } from '../../data/open-data.js';
import { hasMasks } from '../../data/sources/folder.js';
import { sameSplit } from '../../data/splits.js';
import type { ResolvedInitOptions } from './options.js';

const LAYOUT = 'put images into SRC/train/images and their masks, under the same names, into SRC/train/masks';
const SPLITS = ['train', 'validation', 'test'];

/** The data set and the names of its splits. */
export interface ChosenData {
  readonly data: string;
  readonly train: string;
  /** Undefined where a share of the training split has to be cut off. */
  readonly validation: string | undefined;
  readonly others: readonly string[];
}

/**
 * Finds the data set and its splits.
 *
 * @throws SamError `SAM_NOT_FOUND`: there is no such data; `SAM_BAD_DATA`: no data set, or none for training.
 */
export async function findData(
  options: ResolvedInitOptions,
  given: { trainSplit?: string | undefined; validationSplit?: string | undefined },
  hooks: Hooks,
): Promise<ChosenData> {
  const data = options.data ?? (await onlyDataSet());
  const splits = await (await openSource({ ...options, data }, hooks)).splits();
  if (splits.length === 0) throw await nothingIn(data);
  const named = (split: string) => splits.find((name) => sameSplit(name, split));
  const train = given.trainSplit ?? named('train') ?? (splits.length === 1 ? splits[0] : undefined);
  if (train === undefined) {
    throw new SamError('SAM_BAD_DATA', `${data} has the splits ${nameAll(splits)}: none is for training by its name`, {
      fix: 'name it with `trainSplit`',
    });
  }
  const isCut = options.validationFraction !== undefined;
  const validation = isCut ? undefined : (given.validationSplit ?? named('validation'));
  const others = splits.filter((name) => name !== train && name !== validation);
  return { data, train, validation, others };
}

/** Finds the folder, this one or one in it, that is laid out as a data set. */
async function onlyDataSet(): Promise<string> {
  if (await hasMasks('.')) return '.';
  const entries = await readdir('.', { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory() && !/^(\.|node_modules$)/.test(entry.name));
  const names = folders.map(({ name }) => name).sort();
  const isData = await Promise.all(names.map(hasMasks));
  const found = names.filter((_, index) => isData[index]);
  if (found.length === 1) return found[0]!;
  const what = found.length === 0 ? 'no folder' : `several folders, ${nameAll(found)},`;
  throw new SamError('SAM_BAD_DATA', `${what} here is laid out as SRC/<split>/{images,masks}`, {
    fix: `name the data set with \`data\`${found.length === 0 ? `, or ${LAYOUT}` : ''}`,
  });
}

/** Says what a place lacks that is no data set. */
async function nothingIn(data: string): Promise<SamError> {
  if (!(await isFolder(data))) {
    return new SamError('SAM_NOT_FOUND', `there is no data ${data}`, { fix: 'check the path' });
  }
  const pictures = (await listPaths(data)).filter((path) => hasExtension(path, IMAGE_EXTENSIONS));
  if (pictures.length === 0) {
    return new SamError('SAM_BAD_DATA', `${data} holds no picture and no list of any`, { fix: LAYOUT });
  }
  const isSplit = (await isFolder(join(data, 'images'))) && (await isFolder(join(data, 'masks')));
  const whole = resolve(data);
  if (isSplit && SPLITS.some((split) => sameSplit(basename(whole), split))) {
    return new SamError('SAM_BAD_DATA', `${data} is the split '${basename(whole)}' of a data set, not the whole`, {
      fix: `name the folder above it: ${join(data, '..')}`,
    });
  }
  if (isSplit) {
    return new SamError('SAM_BAD_DATA', `${data} holds images and masks, but no split above them`, {
      fix: `move both folders into ${join(data, 'train')}: a share is then cut off for validation`,
    });
  }
  const [noun, are] = pictures.length === 1 ? ['picture', 'is'] : ['pictures', 'are'];
  return new SamError(
    'SAM_BAD_DATA',
    `${data} holds ${pictures.length} ${noun} (${pictures[0]} ${are === 'is' ? 'is it' : 'is one'}), but no masks in ${join(data, '<split>', 'masks')}`,
    { fix: `${LAYOUT}, or list both in a CSV file with the columns image and mask` },
  );
}
