/** Data sets of COCO JSON files: each annotation is a sample, `<image>#<annotation>`. Outlines stay in the file until they are needed. */
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { SamError } from '../../../core/errors.js';
import { compare } from '../../../core/order.js';
import { counted, nameAll, words } from '../../../core/words.js';
import type { FoundFile } from '../../listing.js';
import { findFiles } from '../../present.js';
import type { DataSource, Samples, SplitReading } from '../../sample.js';
import { concatenated, filtered, pick, SampleList } from '../../sample-list.js';
import { homesOf, sourceOfFiles } from '../../splits.js';
import { annotationSchema, CocoImage, CocoMask, checkSegmentation } from './annotation.js';
import { folderWith, imageFolders, listCoco } from './files.js';
import { scanJson } from './json-elements.js';
import { BadRle } from './rle.js';
import { id, optionalSide } from './scalars.js';

export interface CocoOptions {
  /** Folder of the images, if they are not in one of the usual places. */
  readonly images?: string | undefined;
  /** Categories to take, names or ids with commas; all if not given. */
  readonly categories?: string | undefined;
  /** Whether annotations of crowds are taken too. */
  readonly crowd?: boolean | undefined;
}

const imageSchema = z.object({ id, file_name: z.string().min(1), width: optionalSide, height: optionalSide });
const categorySchema = z.object({ id, name: z.string().nullish() });
/** Number of images that are looked for to find their folder. */
const TRIED = 20;
const FIX = 'mend the file, or go on without these with `skipBad`';

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

/** Refuses names that stand twice: of several files for one split, two may use one name for different things. */
function requireDistinct(ordered: readonly string[], path: string): void {
  const doubled = ordered.filter((name, index) => index > 0 && ordered[index - 1] === name);
  if (doubled.length === 0) return;
  throw new SamError('SAM_BAD_DATA', `in ${path} several files have samples of one name: ${nameAll(doubled)}`, {
    fix: 'name one of the files',
  });
}

/** A COCO file, read in two passes, since annotations may stand before the images that they belong to. */
class CocoFile {
  readonly #images = new Map<string, CocoImage>();
  readonly #categories = new Map<string, string | undefined>();
  /** Ids of images and of categories that stand twice, with the names that they stand for. */
  readonly #doubled = { image: new Map<string, string[]>(), category: new Map<string, string[]>() };
  /** Ids of bad annotations, by what is wrong with them. */
  readonly #problems = new Map<string, string[]>();
  readonly #used = new Set<CocoImage>();
  readonly #beyond: string[] = [];
  readonly #outside: string[] = [];
  readonly #partial: string[] = [];
  #crowds = 0;

  constructor(
    readonly file: FoundFile,
    readonly folders: readonly string[],
    readonly options: CocoOptions,
    readonly reading: SplitReading,
  ) {}

  async read(): Promise<Samples> {
    await this.#readImages();
    const { masks } = this.reading;
    const labelled = masks === 'ignored' ? [] : [await this.#readAnnotations()];
    const bare = masks === 'required' ? [] : [...this.#images.values()].filter((image) => !this.#used.has(image));
    const missing = await this.#find([...this.#used, ...bare]);
    const named = [...missing].sort(compare);
    this.#report([...this.#described(), ...counted('image', 'is missing', 'are missing', named)]);
    const samples = concatenated(...labelled, unlabelled(bare, this.#used));
    return missing.size === 0 ? samples : filtered(samples, ({ image }) => !missing.has(image.path));
  }

  /**
   * Looks for images, which are then named as they are spelled on disk; those of one file alike.
   *
   * @returns the paths of those that are missing.
   */
  async #find(images: readonly CocoImage[]): Promise<ReadonlySet<string>> {
    const [first] = images;
    if (first === undefined) return new Set();
    const at = (name: string) => first.pathOf(name);
    const { missing, spelled, twins } = await findFiles(
      images.map(({ name }) => name),
      at,
    );
    for (const image of images) image.name = twins.get(image.name) ?? spelled.get(image.name) ?? image.name;
    return new Set([...missing].map(at));
  }

  async #readImages(): Promise<void> {
    const { path } = this.file;
    const entries: z.output<typeof imageSchema>[] = [];
    const lists = await scanJson(path, {
      images: (value) => entries.push(parsed(imageSchema, value, path, 'an image')),
      categories: (value) => {
        const { id: key, name } = parsed(categorySchema, value, path, 'a category');
        this.#note('category', key, this.#categories.has(key), [this.#categories.get(key) ?? key, name ?? key]);
        this.#categories.set(key, name ?? undefined);
      },
    });
    if (!lists.includes('images') || !lists.includes('annotations')) {
      throw new SamError(
        'SAM_BAD_DATA',
        `${path} is no COCO file: it has no list of ${lists.includes('images') ? 'annotations' : 'images'}`,
        {
          fix: 'name a JSON file with images, annotations and categories',
        },
      );
    }
    const folder = await this.#folderOf(entries.slice(0, TRIED).map(({ file_name: name }) => name));
    for (const { id: key, file_name: name, width, height } of entries) {
      this.#note('image', key, this.#images.has(key), [this.#images.get(key)?.name ?? '', name]);
      this.#images.set(key, new CocoImage(folder, name, width, height));
    }
    for (const key of this.#doubled.image.keys()) this.#images.delete(key);
    for (const key of this.#doubled.category.keys()) this.#categories.delete(key);
    const ids = (doubled: ReadonlyMap<string, string[]>) =>
      [...doubled].map(([key, names]) => `${key} (${names.join(', ')})`);
    this.#report([
      ...counted('image id', 'stands twice', 'stand twice', ids(this.#doubled.image)),
      ...counted('category id', 'stands twice', 'stand twice', ids(this.#doubled.category)),
    ]);
  }

  /** Notes an id that stands for another already. */
  #note(what: 'image' | 'category', key: string, isDoubled: boolean, [first, name]: readonly [string, string]): void {
    if (isDoubled) this.#doubled[what].set(key, [...(this.#doubled[what].get(key) ?? [first]), name]);
  }

  /** Returns the folder that holds one of the first images; where there is none, the error names what was looked for. */
  async #folderOf(names: readonly string[]): Promise<string> {
    for (const name of names) {
      const found = isAbsolute(name) ? '' : await folderWith(this.folders, name);
      if (found !== undefined) return found;
    }
    const where = nameAll(this.folders);
    throw new SamError('SAM_BAD_DATA', `the images of ${this.file.path} are not found: no ${names[0]} in ${where}`, {
      fix: 'name their folder with `images` DIR',
    });
  }

  async #readAnnotations(): Promise<Samples> {
    const { path } = this.file;
    const wanted = this.#wantedCategories();
    const seen = new Set<string>();
    const found = new FoundAnnotations(path);
    let position = 0;
    await scanJson(path, {
      annotations: (value, start, end) => {
        const annotation = parsed(annotationSchema, value, path, 'an annotation');
        const key = annotation.id ?? `at ${position}`;
        position++;
        if (wanted !== undefined && !wanted.has(annotation.category_id ?? '')) return;
        if (annotation.iscrowd && !this.options.crowd) {
          this.#crowds++;
          return;
        }
        if (this.#doubled.image.has(annotation.image_id)) return; // told of the image
        const image = this.#images.get(annotation.image_id);
        if (image === undefined) return this.#problem('belongs to no image of the file', key);
        if (seen.has(key)) return this.#problem('has the id of another', key);
        seen.add(key);
        if (!this.#isSound(annotation.segmentation, image, key)) return;
        found.add(image, key, start, end);
        this.#used.add(image);
      },
    });
    this.#warn();
    return found.samples();
  }

  #isSound(segmentation: unknown, image: CocoImage, key: string): boolean {
    try {
      const { reach, leftOut } = checkSegmentation(segmentation, image.size);
      for (const error of leftOut)
        this.#partial.push(`${key} (${error instanceof BadRle ? `its RLE ${error.message}` : `it ${error.message}`})`);
      if (reach === 'beyond') this.#beyond.push(key);
      if (reach === 'outside') this.#outside.push(key);
      return true;
    } catch (error) {
      if (error instanceof BadRle) this.#problem('has a bad RLE', `${key} (it ${error.message})`);
      else this.#problem(error instanceof Error ? error.message : String(error), key);
      return false;
    }
  }

  #wantedCategories(): ReadonlySet<string> | undefined {
    if (this.options.categories === undefined) return undefined;
    const wanted = new Set<string>();
    const unknown: string[] = [];
    const named = (categories: Iterable<readonly [string, string | undefined]>) =>
      nameAll(Array.from(categories, ([key, name]) => (name === undefined ? key : `${name} (${key})`)));
    for (const asked of words(this.options.categories.normalize('NFC'))) {
      const found = [...this.#categories].filter(([key, name]) => name?.normalize('NFC') === asked || key === asked);
      if (found.length > 1) {
        throw new SamError('SAM_BAD_OPTION', `${this.file.path} has several categories ${asked}: ${named(found)}`, {
          fix: 'name them by their ids',
        });
      }
      if (found.length === 0) unknown.push(asked);
      for (const [key] of found) wanted.add(key);
    }
    if (unknown.length === 0) return wanted;
    throw new SamError('SAM_BAD_OPTION', `${this.file.path} has no category ${nameAll(unknown)}`, {
      fix: `the categories there are: ${named(this.#categories)}`,
    });
  }

  #problem(what: string, key: string): void {
    const known = this.#problems.get(what);
    if (known === undefined) this.#problems.set(what, [key]);
    else known.push(key);
  }

  #described(): string[] {
    return [...this.#problems].map(([what, keys]) => {
      const count = keys.length === 1 ? '1 annotation' : `${keys.length} annotations, each of which`;
      return `${count} ${what}: ${nameAll(keys)}`;
    });
  }

  #report(problems: readonly string[]): void {
    if (problems.length === 0) return;
    const message = `in ${this.file.path} ${problems.join('; ')}`;
    if (!this.reading.skipBad) throw new SamError('SAM_BAD_DATA', message, { fix: FIX });
    this.reading.onWarning?.(`${message}; left out`);
  }

  #warn(): void {
    const lines = (what: string, keys: readonly string[]) => (keys.length === 0 ? [] : [`${what}: ${nameAll(keys)}`]);
    for (const line of [
      ...(this.#crowds === 0 ? [] : [`${this.#crowds} of crowds (iscrowd) are left out (\`crowd\` takes them)`]),
      ...lines('parts of outlines that are none, beside good ones, are left out', this.#partial),
      ...lines('outlines reach beyond their image and are clipped', this.#beyond),
      ...lines('outlines lie wholly outside their image, so that their masks are empty', this.#outside),
    ]) {
      this.reading.onWarning?.(`annotations in ${this.file.path}: ${line}`);
    }
  }
}

/** Makes unlabelled samples of images, of each file one, but for the files that have samples. */
function unlabelled(images: readonly CocoImage[], used: Iterable<CocoImage>): Samples {
  const others = new Set(Array.from(used, ({ name }) => name));
  const own = images.filter(({ name }) => !others.has(name));
  const files = [...new Map(own.map((image) => [image.name, image])).values()];
  return new SampleList(files.length, (index) => ({ name: files[index]!.stem, image: files[index]!.reference }));
}

/** Annotations found in a file, in columns, which take some 40 bytes each; samples are made of them when they are asked for. */
class FoundAnnotations {
  readonly #images: CocoImage[] = [];
  readonly #keys: string[] = [];
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  constructor(readonly file: string) {}

  add(image: CocoImage, key: string, start: number, end: number): void {
    this.#images.push(image);
    this.#keys.push(key);
    this.#starts.push(start);
    this.#ends.push(end);
  }

  samples(): Samples {
    return new SampleList(this.#images.length, (index) => {
      const [image, key] = [this.#images[index]!, this.#keys[index]!];
      const mask = new CocoMask(this.file, key, image, this.#starts[index]!, this.#ends[index]!);
      return { name: `${image.stem}#${key}`, image: image.reference, mask };
    });
  }
}

function parsed<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  path: string,
  what: string,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const shown = JSON.stringify(value).slice(0, 80);
  throw new SamError(
    'SAM_BAD_DATA',
    `${path} has ${what} whose ${issue?.path.join('.') || 'form'} is not COCO's: ${shown}`,
    {
      fix: 'write the file again as COCO JSON',
    },
  );
}
