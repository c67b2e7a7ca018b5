/** COCO JSON files -> samples: each annotation is one, `<image>#<annotation>`. Outlines stay in the file until they are needed. */
import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { SamError } from '../errors.js';
import { annotationSchema, type CocoImage, CocoMask, checkSegmentation } from './coco-annotation.js';
import { folderWith, imageFolders, listCoco } from './coco-files.js';
import { BadRle } from './coco-rle.js';
import { compare, describe, type FoundFile, nameAll, stemOf } from './folder.js';
import { scanJson } from './json-elements.js';
import { sourceOfFiles } from './parquet-splits.js';
import { missingFiles } from './present.js';
import type { DataSource, Sample, SplitReading } from './sample.js';

export interface CocoOptions {
  /** Where the images are, if not in one of the usual places. */
  readonly images?: string | undefined;
  /** Names or ids with commas; all if not given. */
  readonly categories?: string | undefined;
  /** Take annotations of crowds too. */
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
/** So many images are looked for to find their folder. */
const TRIED = 20;
const FIX = 'Mend the file, or go on without these with --skip-bad.';

/** The COCO files that `path` is or holds; undefined where there are none. */
export async function findCoco(path: string, options: CocoOptions): Promise<DataSource | undefined> {
  const files = await listCoco(path);
  if (files.length === 0) return undefined;
  return sourceOfFiles(path, files, async (own, split, reading) => {
    const samples: Sample[] = [];
    for (const file of own) {
      const folders = options.images === undefined ? imageFolders(path, file, split.name) : [options.images];
      for (const sample of await new CocoFile(file, folders, options, reading).read()) samples.push(sample);
    }
    if (samples.length === 0) {
      throw new SamError('SAM_BAD_DATA', `${split.description} holds no annotation that can be used`, {
        fix: 'Look at the warnings before this line, and at --categories.',
      });
    }
    samples.sort((a, b) => compare(a.name, b.name));
    requireDistinct(samples, path);
    return samples;
  });
}

/** Of several files for one split, two may use one name for different things. */
function requireDistinct(samples: readonly Sample[], path: string): void {
  const doubled = samples.filter(({ name }, index) => index > 0 && samples[index - 1]!.name === name);
  if (doubled.length === 0) return;
  const names = nameAll(doubled.map(({ name }) => name));
  throw new SamError('SAM_BAD_DATA', `in ${path} several files have samples of one name: ${names}`, {
    fix: 'Name one of the files.',
  });
}

/** One file, read in two passes: annotations may stand before the images that they belong to. */
class CocoFile {
  readonly #images = new Map<string | number, CocoImage>();
  readonly #categories = new Map<string | number, string | undefined>();
  /** Ids of what is wrong, by what is wrong. */
  readonly #problems = new Map<string, (string | number)[]>();
  readonly #beyond: (string | number)[] = [];
  readonly #outside: (string | number)[] = [];
  #crowds = 0;

  constructor(
    readonly file: FoundFile,
    readonly folders: readonly string[],
    readonly options: CocoOptions,
    readonly reading: SplitReading,
  ) {}

  async read(): Promise<Sample[]> {
    await this.#readImages();
    const samples = this.reading.requireMasks ? await this.#readAnnotations() : this.#unlabelled();
    const missing = new Set(await missingFiles(samples.map(({ image }) => image.path)));
    const named = [...missing].sort(compare);
    this.#report([...this.#described(), ...describe('image', 'is missing', 'are missing', named)]);
    return samples.filter(({ image }) => !missing.has(image.path));
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
          fix: 'Name a JSON file with images, annotations and categories.',
        },
      );
    }
    const folder = await this.#folderOf(entries.slice(0, TRIED).map(({ file_name: name }) => name));
    for (const { id: key, file_name: name, width, height } of entries) {
      const size = width === undefined || height === undefined ? undefined : { width, height };
      const path = isAbsolute(name) ? name : join(folder, name);
      this.#images.set(key, { stem: stemOf(name), reference: { path }, size });
    }
  }

  /** The folder that holds one of the first images; where there is none, the error names what was looked for. */
  async #folderOf(names: readonly string[]): Promise<string> {
    for (const name of names) {
      const found = isAbsolute(name) ? '' : await folderWith(this.folders, name);
      if (found !== undefined) return found;
    }
    const where = nameAll(this.folders);
    throw new SamError('SAM_BAD_DATA', `the images of ${this.file.path} are not found: no ${names[0]} in ${where}`, {
      fix: 'Name their folder with --images DIR.',
    });
  }

  async #readAnnotations(): Promise<Sample[]> {
    const { path } = this.file;
    const wanted = this.#wantedCategories();
    const seen = new Set<string | number>();
    const samples: Sample[] = [];
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
        const mask = new CocoMask(path, key, image, start, end);
        samples.push({ name: `${image.stem}#${key}`, image: image.reference, mask });
      },
    });
    this.#warn();
    return samples;
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

  /** Where masks don't matter, each image once. */
  #unlabelled(): Sample[] {
    return [...this.#images.values()].map(({ stem, reference }) => ({ name: stem, image: reference }));
  }

  #wantedCategories(): ReadonlySet<string | number> | undefined {
    if (this.options.categories === undefined) return undefined;
    const wanted = new Set<string | number>();
    const unknown: string[] = [];
    for (const asked of this.options.categories.split(',').map((part) => part.trim())) {
      const found = [...this.#categories].filter(([key, name]) => name === asked || String(key) === asked);
      if (found.length === 0) unknown.push(asked);
      for (const [key] of found) wanted.add(key);
    }
    if (unknown.length === 0) return wanted;
    const there = [...this.#categories].map(([key, name]) => (name === undefined ? `${key}` : `${name} (${key})`));
    throw new SamError('SAM_BAD_OPTION', `${this.file.path} has no category ${nameAll(unknown)}`, {
      fix: `The categories there are: ${nameAll(there)}.`,
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
      ...(this.#crowds === 0 ? [] : [`${this.#crowds} of crowds (iscrowd) are left out (--crowd takes them)`]),
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
      fix: 'Write the file again as COCO JSON.',
    },
  );
}
