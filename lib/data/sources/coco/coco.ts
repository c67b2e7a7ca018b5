/** Data sets of COCO JSON files: each annotation is a sample, `<image>#<annotation>`. Outlines stay in the file until they are needed. */
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { SamError } from '../../../core/errors.js';
import { compare } from '../../../core/order.js';
import { counted, nameAll, words } from '../../../core/words.js';
import type { FoundFile } from '../../listing.js';
import { missingFiles } from '../../present.js';
import type { DataSource, Samples, SplitReading } from '../../sample.js';
import { concatenated, filtered, pick, SampleList } from '../../sample-list.js';
import { sourceOfFiles } from '../../splits.js';
import { annotationSchema, CocoImage, CocoMask, checkSegmentation } from './annotation.js';
import { folderWith, imageFolders, listCoco } from './files.js';
import { scanJson } from './json-elements.js';
import { BadRle } from './rle.js';

export interface CocoOptions {
  /** Folder of the images, if they are not in one of the usual places. */
  readonly images?: string | undefined;
  /** Categories to take, names or ids with commas; all if not given. */
  readonly categories?: string | undefined;
  /** Whether annotations of crowds are taken too. */
  readonly crowd?: boolean | undefined;
}

const id = z.union([z.number(), z.string()]);
const imageSchema = z.object({
  id,
  file_name: z.string().min(1),
  width: z.number().int().positive().optional(),
  height: z.number().int().positive().optional(),
});
const categorySchema = z.object({ id, name: z.string().optional() });
/** Number of images that are looked for to find their folder. */
const TRIED = 20;
const FIX = 'mend the file, or go on without these with `skipBad`';

/** Finds the data set of the COCO files that `path` is or holds; undefined where there are none. */
export async function findCoco(path: string, options: CocoOptions): Promise<DataSource | undefined> {
  const files = await listCoco(path);
  if (files.length === 0) return undefined;
  return sourceOfFiles(path, files, async (own, split, reading) => {
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
  readonly #images = new Map<string | number, CocoImage>();
  readonly #categories = new Map<string | number, string | undefined>();
  /** Ids of bad annotations, by what is wrong with them. */
  readonly #problems = new Map<string, (string | number)[]>();
  readonly #used = new Set<CocoImage>();
  readonly #beyond: (string | number)[] = [];
  readonly #outside: (string | number)[] = [];
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
    const samples = concatenated(...labelled, ...(masks === 'required' ? [] : [this.#bare()]));
    const missing = await missingFiles(this.#paths());
    const named = [...missing].sort(compare);
    this.#report([...this.#described(), ...counted('image', 'is missing', 'are missing', named)]);
    return missing.size === 0 ? samples : filtered(samples, ({ image }) => !missing.has(image.path));
  }

  /** Yields the paths of the images that have samples. */
  *#paths(): Generator<string, void> {
    for (const image of this.#used) yield image.reference.path;
  }

  async #readImages(): Promise<void> {
    const { path } = this.file;
    const entries: z.output<typeof imageSchema>[] = [];
    const lists = await scanJson(path, {
      images: (value) => entries.push(parsed(imageSchema, value, path, 'an image')),
      categories: (value) => {
        const category = parsed(categorySchema, value, path, 'a category');
        this.#categories.set(category.id, category.name);
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
      this.#images.set(key, new CocoImage(folder, name, width, height));
    }
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
    const seen = new Set<string | number>();
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

  #isSound(segmentation: unknown, image: CocoImage, key: string | number): boolean {
    try {
      const reach = checkSegmentation(segmentation, image.size);
      if (reach === 'beyond') this.#beyond.push(key);
      if (reach === 'outside') this.#outside.push(key);
      return true;
    } catch (error) {
      if (error instanceof BadRle) this.#problem('has a bad RLE', `${key} (it ${error.message})`);
      else this.#problem(error instanceof Error ? error.message : String(error), key);
      return false;
    }
  }

  /** Makes unlabelled samples of the images that no other sample has, each once. */
  #bare(): Samples {
    const images = [...this.#images.values()].filter((image) => !this.#used.has(image));
    for (const image of images) this.#used.add(image);
    return new SampleList(images.length, (index) => ({ name: images[index]!.stem, image: images[index]!.reference }));
  }

  #wantedCategories(): ReadonlySet<string | number> | undefined {
    if (this.options.categories === undefined) return undefined;
    const wanted = new Set<string | number>();
    const unknown: string[] = [];
    for (const asked of words(this.options.categories)) {
      const found = [...this.#categories].filter(([key, name]) => name === asked || String(key) === asked);
      if (found.length === 0) unknown.push(asked);
      for (const [key] of found) wanted.add(key);
    }
    if (unknown.length === 0) return wanted;
    const there = [...this.#categories].map(([key, name]) => (name === undefined ? `${key}` : `${name} (${key})`));
    throw new SamError('SAM_BAD_OPTION', `${this.file.path} has no category ${nameAll(unknown)}`, {
      fix: `the categories there are: ${nameAll(there)}`,
    });
  }

  #problem(what: string, key: string | number): void {
    const known = this.#problems.get(what);
    if (known === undefined) this.#problems.set(what, [key]);
    else known.push(key);
  }

  #described(): string[] {
    return [...this.#problems].map(([what, keys]) => {
      const count = keys.length === 1 ? '1 annotation' : `${keys.length} annotations, each of which`;
      return `${count} ${what}: ${nameAll(keys.map(String))}`;
    });
  }

  #report(problems: readonly string[]): void {
    if (problems.length === 0) return;
    const message = `in ${this.file.path} ${problems.join('; ')}`;
    if (!this.reading.skipBad) throw new SamError('SAM_BAD_DATA', message, { fix: FIX });
    this.reading.onWarning?.(`${message}; left out`);
  }

  #warn(): void {
    const lines = [
      ...(this.#crowds === 0 ? [] : [`${this.#crowds} of crowds (iscrowd) are left out (\`crowd\` takes them)`]),
      ...(this.#beyond.length === 0
        ? []
        : [`outlines reach beyond their image and are clipped: ${nameAll(this.#beyond.map(String))}`]),
      ...(this.#outside.length === 0
        ? []
        : [
            `outlines lie wholly outside their image, so that their masks are empty: ${nameAll(this.#outside.map(String))}`,
          ]),
    ];
    for (const line of lines) this.reading.onWarning?.(`annotations in ${this.file.path}: ${line}`);
  }
}

/** Annotations found in a file, in columns, which take some 40 bytes each; samples are made of them when they are asked for. */
class FoundAnnotations {
  readonly #images: CocoImage[] = [];
  readonly #keys: (string | number)[] = [];
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  constructor(readonly file: string) {}

  add(image: CocoImage, key: string | number, start: number, end: number): void {
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
