/** One COCO file: what stands in it, checked, as samples; and what is wrong with it, in one line. */
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { SamError } from '../../../core/errors.js';
import { compare } from '../../../core/order.js';
import { counted, nameAll, words } from '../../../core/words.js';
import type { FoundFile } from '../../listing.js';
import { findFiles } from '../../present.js';
import type { Samples, SplitReading } from '../../sample.js';
import { concatenated, filtered, SampleList } from '../../sample-list.js';
import { annotationSchema, CocoImage, CocoMask, checkSegmentation } from './annotation.js';
import { ById } from './by-id.js';
import { folderWith } from './files.js';
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

/** A COCO file, read in two passes, since annotations may stand before the images that they belong to. */
export class CocoFile {
  readonly #images = new ById<CocoImage>(({ name }) => name);
  /** Names of categories; where there is none, the id. */
  readonly #categories = new ById<string>((name) => name);
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
        this.#categories.add(key, name ?? key);
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
      this.#images.add(key, new CocoImage(folder, name, width, height));
    }
    this.#report([
      ...counted('image id', 'stands twice', 'stand twice', this.#images.clashes()),
      ...counted('category id', 'stands twice', 'stand twice', this.#categories.clashes()),
    ]);
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
        if (this.#images.isDoubled(annotation.image_id)) return; // told of the image
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
    const named = (categories: Iterable<readonly [string, string]>) =>
      nameAll(Array.from(categories, ([key, name]) => (name === key ? key : `${name} (${key})`)));
    for (const asked of words(this.options.categories.normalize('NFC'))) {
      const found = [...this.#categories].filter(([key, name]) => name.normalize('NFC') === asked || key === asked);
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
