/** Splits by the names of their files, as the Hugging Face library `datasets` tells them. */
import { SamError } from '../core/errors.js';
import { compare } from '../core/order.js';
import { nameAll } from '../core/words.js';
import { type FoundFile, stemOf } from './listing.js';
import { findFiles } from './present.js';
import type { DataSource, Samples, SplitReading } from './sample.js';

/** Words that name one split; the first is its name. */
const SYNONYMS: readonly (readonly [string, ...string[]])[] = [
  ['train', 'training'],
  ['validation', 'valid', 'val', 'dev'],
  ['test', 'testing', 'eval', 'evaluation'],
];

/**
 * Returns the files of a split, in their order. A file's own name decides, then the folders that it lies in, innermost first: the first
 * word of a known split counts, so that no file is in two of them. Files that name no known split are found by any other name
 * that they contain; where no file names a known split, they all are the training split.
 */
export function filesOfSplit(files: readonly FoundFile[], split: string): FoundFile[] {
  const wanted = wordsOf(split);
  const known = wanted.length === 1 ? knownSplit(wanted[0]!) : undefined;
  const named = files.some(({ relative }) => splitOf(relative) !== undefined);
  return files.filter(({ relative }) => {
    const own = splitOf(relative);
    if (known === undefined) return own === undefined && partsOf(relative).some((part) => hasWords(part, wanted));
    return own === known || (known === 'train' && !named);
  });
}

/** Returns the names of the splits that files make up, ordered. */
export function splitsOfFiles(files: readonly FoundFile[]): string[] {
  const names = files.map(({ relative }) => splitOf(relative)).filter((name) => name !== undefined);
  if (names.length === 0 && files.length > 0) return ['train'];
  return [...new Set(names)].sort(compare);
}

/** Returns the folders that files lie in, without those that are named after a split, ordered; `.` is the top one. */
export function homesOf(files: readonly FoundFile[]): string[] {
  const home = ({ relative }: FoundFile) =>
    relative
      .split('/')
      .slice(0, -1)
      .filter((folder) => !wordsOf(folder).some((word) => knownSplit(word) !== undefined))
      .join('/');
  return [...new Set(files.map((file) => home(file) || '.'))].sort(compare);
}

/** Tells whether two names mean the same split, as `val` and `validation` do. */
export function sameSplit(a: string, b: string): boolean {
  const known = knownSplit(a.toLowerCase());
  return a === b || (known !== undefined && known === knownSplit(b.toLowerCase()));
}

/** Makes the error where a split is asked for that is not there. `fix` is the advice where there are no splits at all. */
export function noSplit(split: string, root: string, there: readonly string[], fix?: string): SamError {
  const named = there.length > 0 ? `the splits there are: ${nameAll(there)}` : fix;
  return new SamError('SAM_BAD_DATA', `there is no split '${split}' in ${root}`, { fix: named });
}

function splitOf(relative: string): string | undefined {
  for (const part of partsOf(relative)) {
    for (const word of wordsOf(part)) {
      const split = knownSplit(word);
      if (split !== undefined) return split;
    }
  }
  return undefined;
}

/** Returns the name of a file without its extension, then its folders, innermost first. */
function partsOf(relative: string): string[] {
  return stemOf(relative).split('/').reverse();
}

/** Splits a text into words, letters and digits apart, as `datasets` does: `val2017` names the split `val`. */
function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/\p{L}+|\p{N}+/gu) ?? [];
}

function knownSplit(word: string): string | undefined {
  return SYNONYMS.find((words) => words.includes(word))?.[0];
}

/** Tells whether `wanted` stands in `text`, its words one after the other. */
function hasWords(text: string, wanted: readonly string[]): boolean {
  const words = wordsOf(text);
  return wanted.length > 0 && words.some((_, start) => wanted.every((word, index) => words[start + index] === word));
}

/** A function that reads the samples of one split from its files, of which there is at least one. */
export type ReadSplit = (
  files: readonly FoundFile[],
  split: { readonly name: string; readonly description: string },
  reading: SplitReading,
) => Promise<Samples>;

/** Makes a data set of files whose names and folders tell their splits. */
export function sourceOfFiles(root: string, files: readonly FoundFile[], read: ReadSplit): DataSource {
  const nameOf = (split: string) => `the split '${split}' in ${root}`;
  return {
    root,
    nameOf,
    splits: async () => splitsOfFiles(files),
    hasSplit: async (split) => filesOfSplit(files, split).length > 0,
    async readSplit(split, reading) {
      const own = filesOfSplit(files, split);
      if (own.length === 0) throw noSplit(split, root, splitsOfFiles(files));
      const { twins } = await findFiles(
        own.map(({ path }) => path),
        (path) => path,
      );
      return read(
        own.filter(({ path }) => !twins.has(path)),
        { name: split, description: nameOf(split) },
        reading,
      );
    },
  };
}
