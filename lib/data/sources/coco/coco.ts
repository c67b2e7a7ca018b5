/** Data sets of COCO JSON files: each annotation is a sample, `<image>#<annotation>`. Outlines stay in the file until they are needed. */
import { SamError } from '../../../core/errors.js';
import { compare } from '../../../core/order.js';
import { nameAll } from '../../../core/words.js';
import type { FoundFile } from '../../listing.js';
import type { DataSource, Samples } from '../../sample.js';
import { concatenated, pick } from '../../sample-list.js';
import { homesOf, sourceOfFiles } from '../../splits.js';
import { CocoFile, type CocoOptions } from './coco-file.js';
import { imageFolders, listCoco } from './files.js';

export type { CocoOptions };

/** Finds the data set of the COCO files that `path` is or holds; undefined where there are none. */
export async function findCoco(path: string, options: CocoOptions): Promise<DataSource | undefined> {
  const files = await listCoco(path);
  if (files.length === 0) return undefined;
  return sourceOfFiles(path, files, async (own, split, reading) => {
    requireOneHome(own, split.description);
    if (own.length > 1) {
      const files = nameAll(own.map(({ relative }) => relative));
      reading.onWarning?.(
        `${split.description} is read from several files: ${files} (if one is meant, name it with \`data\`)`,
      );
    }
    const lists: Samples[] = [];
    for (const file of own) {
      const folders = options.images === undefined ? imageFolders(path, file, split.name) : [options.images];
      lists.push(await new CocoFile(file, folders, options, reading).read());
    }
    const samples = concatenated(...lists);
    if (samples.length === 0) {
      throw new SamError('SAM_BAD_DATA', `${split.description} holds no annotation that can be used`, {
        fix: 'look at the warnings before this line, and at `categories`',
      });
    }
    const names = Array.from(samples, ({ name }) => name);
    const order = Uint32Array.from(names.keys()).sort((a, b) => compare(names[a]!, names[b]!));
    requireDistinct(
      Array.from(order, (place) => names[place]!),
      path,
    );
    return pick(samples, order);
  });
}

/** Refuses the files of several folders: they are versions of one data set, or data sets of their own, and nothing says which is meant. */
function requireOneHome(files: readonly FoundFile[], description: string): void {
  const homes = homesOf(files);
  if (homes.length === 1) return;
  const message = `${description} lies in several folders, which may be data sets of their own: ${nameAll(homes)}`;
  throw new SamError('SAM_BAD_DATA', message, { fix: 'name one of them, or one file, with `data`' });
}

/** Refuses names that stand twice: `a.png` beside `a.jpg` where no annotation tells them apart, or one name in several files. */
function requireDistinct(ordered: readonly string[], path: string): void {
  const doubled = ordered.filter((name, index) => index > 0 && ordered[index - 1] === name);
  if (doubled.length === 0) return;
  throw new SamError('SAM_BAD_DATA', `in ${path} several samples have one name: ${nameAll(doubled)}`, {
    fix: 'rename the images or, of several files, name one',
  });
}
