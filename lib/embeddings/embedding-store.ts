/**
 * Embeddings of images, each encoded once: found on disk, or encoded now. An embedding is known by the picture's content, the
 * encoder, the preprocessing and the precision, so that renamed pictures and other data sets find it too.
 */

import { join } from 'node:path';
import type { EmbeddingCache, Embeddings, ImageEncoder, Precision } from '../../binding.js';
import { fromNative, native, nativeCall } from '../addon/native.js';
import { parseBytes } from '../core/bytes.js';
import { SamError, systemCode } from '../core/errors.js';
import { makeFolder, type ScratchFolder, scratchFolder } from '../core/files.js';
import { sha256 } from '../core/hash.js';
import type { Hooks } from '../core/hooks.js';
import { amount } from '../core/words.js';
import { decodeImage, imageIdentity } from '../data/decode.js';
import { readingOrder, type Sample, type Samples } from '../data/sample.js';
import { filtered, pick } from '../data/sample-list.js';
import { EMBEDDING_FLOATS } from '../frame.js';
import type { ResolvedModel } from '../models/model.js';
import { stretchNote } from '../raster/stretch.js';
import { collectGarbage, describeFolder, touchShards } from './embedding-folders.js';
import { type BadImage, encodeImages, isBadImage } from './encode.js';
import { KeyTable } from './key-table.js';

/** Name of the preprocessing; it changes when the same picture would reach the encoder with other numbers. */
const PREPROCESSING = 'longest-side-1024-aa-bilinear-1';

export interface EmbeddingStoreOptions {
  encoder: Pick<ResolvedModel, 'name' | 'encoder' | 'encoderHash'>;
  /** Device, `cpu` or `cuda:N`. */
  device: string;
  /** Type of the encoder. */
  precision: Precision;
  /** Type of the numbers on disk. Default: fp32 for a precision of fp32, else fp16. */
  cachePrecision?: 'fp16' | 'fp32' | undefined;
  cacheDir: string;
  /** Whether embeddings stay on disk. If not, they live in a private folder that is removed by `dispose` or with the process. */
  cache: boolean;
  /** Most bytes that all embeddings in `cacheDir` may take, e.g. `50GB`. No bound if not given. */
  cacheMax?: string | number | undefined;
  /** Side N of the square that pictures are first resized to; undefined: none. */
  imageSize?: number | undefined;
}

/** How far the embeddings of images are ready. */
export interface EnsureProgress {
  /** Number of images that are ready, found ones included; one of several samples counts once. */
  done: number;
  /** Number of images. */
  total: number;
  /** Images encoded now; the others were in the cache. */
  encoded: number;
  /** Name of the image that has just been encoded; undefined for those found. */
  name?: string;
}

export interface EnsureOptions extends Hooks<EnsureProgress> {
  /** Whether pictures that cannot be read are left out instead of failing the call. */
  skipBad?: boolean | undefined;
}

export interface EnsureResult {
  encoded: number;
  cached: number;
  /** Seconds of wall time with the encoder running; 0 when nothing was encoded. */
  seconds: number;
  /** Seconds of wall time of loading the encoder. */
  setupSeconds: number;
  /** Whether images of this store hold measurements, which are stretched to 8 bits. */
  stretched: boolean;
  /** Samples left out (`skipBad`), in the order given. */
  skipped: Sample[];
  /** Tells whether a sample has its embedding now: those left out have none, nor has any other sample or view of their picture. */
  usable: (sample: Sample) => boolean;
}

export class EmbeddingStore {
  readonly #options: EmbeddingStoreOptions;
  readonly #directory: string;
  readonly #scratch: ScratchFolder | undefined;
  readonly #cache: EmbeddingCache;
  /** Keys that this store was asked for, by view, bands and path of the image. */
  readonly #keys = new KeyTable();
  /** Beginnings of the keys in `#keys`, whose shards stay when the cache is trimmed. */
  readonly #used = new Set<number>();
  /** Image looked at last, since its other views often follow. */
  #last = { image: '', identity: '', stretched: false };
  /** Rows of `#keys` whose images are stretched to 8 bits. */
  readonly #stretched = new Set<number>();
  #toldOfStretch = false;
  /** Turn of the call under way: only one repair or ensure runs at a time, since both may load the encoder. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    options: EmbeddingStoreOptions,
    directory: string,
    scratch: ScratchFolder | undefined,
    cache: EmbeddingCache,
  ) {
    this.#options = options;
    this.#directory = directory;
    this.#scratch = scratch;
    this.#cache = cache;
  }

  /** Opens (and makes) the folder for this encoder and precision. Loads no encoder yet. */
  static async open(options: EmbeddingStoreOptions): Promise<EmbeddingStore> {
    const { encoderHash, name } = options.encoder;
    const cachePrecision = cachePrecisionOf(options);
    const precision = `${options.precision} on disk as ${cachePrecision}`;
    const scratch = options.cache ? undefined : await scratchFolder(join(options.cacheDir, 'tmp'));
    const short = sha256(`${encoderHash}:${precision}`).slice(0, 12);
    const directory = scratch?.path ?? join(options.cacheDir, 'embeddings', short);
    try {
      await makeFolder(directory);
      await describeFolder(directory, { model: name, encoderHash, precision });
      const { device } = options;
      const cache = await nativeCall(() => native().openCache({ directory, precision: cachePrecision, device }));
      return new EmbeddingStore(options, directory, scratch, cache);
    } catch (error) {
      await scratch?.remove();
      throw error;
    }
  }

  /** Bytes of one embedding on disk. */
  get bytesPerEmbedding(): number {
    return EMBEDDING_FLOATS * (cachePrecisionOf(this.#options) === 'fp32' ? 4 : 2);
  }

  /**
   * Encodes what is missing, each image once however many samples it has. Pictures that cannot be read are all tried before it fails, so that one error names them all.
   * @throws SamError `SAM_BAD_DATA`: pictures that cannot be read, all named; the signal's reason when aborted (what was encoded so far is kept).
   */
  async ensure(samples: Samples, options: EnsureOptions = {}): Promise<EnsureResult> {
    return this.#inTurn(async () => {
      const bad: BadImage[] = [];
      const { found, missing } = await this.#look(samples, bad, options.signal);
      const total = found + missing.length + bad.length;
      const result = { encoded: 0, cached: found, seconds: 0, setupSeconds: 0 };
      this.#tellOfStretch(total, options);
      options.onProgress?.({ done: found, total, encoded: 0 });
      if (missing.length > 0 && (bad.length === 0 || options.skipBad)) {
        Object.assign(result, await this.#encode(missing, bad, { ...options, before: found, total }));
      } else if (bad.length > 0 && !options.skipBad) {
        await findBad(missing, 0, bad);
      }
      this.#report(bad, options);
      await this.#trim();
      const skipped = this.#skipped(samples, bad);
      const unusable = new Set(skipped.map(({ image }) => image.path));
      const stretched = this.#stretched.size > 0;
      return { ...result, skipped, stretched, usable: ({ image }) => !unusable.has(image.path) };
    });
  }

  /** Reads the embeddings of these images, in their order. One that is missing or damaged is encoded (again) first. */
  read(samples: readonly Sample[], options: EnsureOptions = {}): Promise<Embeddings> {
    return this.#withEmbeddings(samples, options, (keys) => this.#cache.read(keys));
  }

  /**
   * Writes the embeddings as fp32 safetensors, 256 x 64 x 64 each, one for each sample under its name.
   *
   * @throws SamError `SAM_IO`: the file cannot be written; nothing is left of it.
   */
  export(path: string, samples: readonly Sample[], options: EnsureOptions = {}): Promise<void> {
    const names = samples.map(({ name }) => name);
    return this.#withEmbeddings(samples, options, (keys) => this.#cache.export({ path, keys, names }));
  }

  /** Works on stored embeddings. What turns out to be missing or damaged is encoded, and the work tried again. */
  async #withEmbeddings<T>(
    samples: readonly Sample[],
    options: EnsureOptions,
    work: (keys: string[]) => Promise<T>,
  ): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      const keys = await Promise.all(samples.map((sample) => this.#keyOf(sample)));
      if (!keys.every((key) => this.#cache.has(key))) await this.ensure(samples, { ...options, skipBad: false });
      try {
        return await work(keys);
      } catch (error) {
        if (systemCode(error) !== 'SAM_CACHE_DAMAGED' || attempt === 2) throw fromNative(error);
        options.onWarning?.(`a part of the embedding cache was damaged and is made anew (${this.#directory})`);
      }
    }
  }

  async dispose(): Promise<void> {
    await this.#turn.catch(() => {});
    this.#cache.dispose();
    await this.#scratch?.remove();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #keyOf(sample: Sample): Promise<string> {
    return this.#keys.keyAt(await this.#rowOf(sample));
  }

  /** Finds the row of a sample's key in the table, and looks at the image if that is not known yet. */
  async #rowOf(sample: Sample): Promise<number> {
    const place = placeOf(sample);
    const row = this.#keys.find(place);
    if (row !== undefined) return row;
    const image = imageOf(sample);
    if (this.#last.image !== image) this.#last = { image, ...(await imageIdentity(sample)) };
    const { identity, stretched } = this.#last;
    const { encoder, precision, imageSize } = this.#options;
    const parts = [identity, encoder.encoderHash, PREPROCESSING, imageSize ?? 'whole', precision];
    if (sample.view) parts.push(`view ${sample.view}`);
    const key = sha256(parts.join(':'));
    this.#used.add(beginningOf(key));
    const added = this.#keys.add(place, key);
    if (stretched) this.#stretched.add(added);
    return added;
  }

  /** Says, once, that images are stretched. */
  #tellOfStretch(images: number, { onNote }: EnsureOptions): void {
    if (this.#stretched.size === 0 || this.#toldOfStretch) return;
    this.#toldOfStretch = true;
    onNote?.(stretchNote(this.#stretched.size, images));
  }

  /**
   * Looks at every image. Returns the number of views that have an embedding, and one sample of each view that lacks it, in the order
   * in which they are read quickest. The same picture under two names counts as found. Images that can't be read join `bad`.
   */
  async #look(
    samples: Samples,
    bad: BadImage[],
    signal: AbortSignal | undefined,
  ): Promise<{ found: number; missing: Samples }> {
    const seen = new Set<number>();
    const unreadable = new Set<string>();
    const lacking = new KeyTable();
    const places: number[] = [];
    for (const place of readingOrder(samples)) {
      signal?.throwIfAborted();
      const sample = samples.at(place)!;
      if (unreadable.has(sample.image.path)) continue;
      try {
        const row = await this.#rowOf(sample);
        if (seen.size === seen.add(row).size) continue;
        const key = this.#keys.keyAt(row);
        if (this.#cache.has(key) || lacking.find(key) !== undefined) continue;
        lacking.add(key, key);
        places.push(place);
      } catch (error) {
        if (!isBadImage(error)) throw error;
        bad.push({ sample, error });
        unreadable.add(sample.image.path);
      }
    }
    return { found: seen.size - places.length, missing: pick(samples, Uint32Array.from(places)) };
  }

  /** Lists the samples of bad pictures, and of those with the very same content, which were not tried again. */
  #skipped(samples: Samples, bad: readonly BadImage[]): Sample[] {
    if (bad.length === 0) return [];
    const knownKey = (sample: Sample) => {
      const row = this.#keys.find(placeOf(sample));
      return row === undefined ? undefined : this.#keys.keyAt(row);
    };
    const paths = new Set(bad.map(({ sample }) => sample.image.path));
    const keys = new Set(bad.map(({ sample }) => knownKey(sample)).filter((key) => key !== undefined));
    return [...filtered(samples, (sample) => paths.has(sample.image.path) || keys.has(knownKey(sample) ?? ''))];
  }

  async #encode(
    missing: Samples,
    bad: BadImage[],
    options: EnsureOptions & { before: number; total: number },
  ): Promise<{ encoded: number; seconds: number; setupSeconds: number }> {
    const started = performance.now();
    const encoder = await this.#loadEncoder();
    const loaded = performance.now();
    let encoded = 0;
    let tried = 0;
    const doubts: string[] = [];
    try {
      await encodeImages({
        encoder,
        device: this.#options.device,
        samples: missing,
        imageSize: this.#options.imageSize,
        signal: options.signal,
        onEmbedding: async (sample, embeddings) => {
          await this.#cache.write(await this.#keyOf(sample), embeddings);
          encoded++;
          tried++;
          options.onProgress?.({ done: options.before + encoded, total: options.total, encoded, name: sample.name });
        },
        onDoubt: (doubt) => doubts.push(doubt),
        onBad: (found) => {
          bad.push(found);
          tried++;
          return options.skipBad === true;
        },
      });
    } finally {
      encoder.dispose();
      await nativeCall(() => this.#cache.flush());
    }
    if (doubts.length > 0) options.onWarning?.(`${doubts[0]}${andMore(doubts.length - 1)}`);
    const seconds = (performance.now() - loaded) / 1000;
    if (bad.length > 0 && !options.skipBad) await findBad(missing, tried, bad);
    return { encoded, seconds: encoded === 0 ? 0 : seconds, setupSeconds: (loaded - started) / 1000 };
  }

  async #loadEncoder(): Promise<ImageEncoder> {
    const { device, precision, encoder } = this.#options;
    return nativeCall(() => native().loadEncoder({ path: encoder.encoder, device, precision }));
  }

  #report(bad: readonly BadImage[], { skipBad, onWarning }: EnsureOptions): void {
    if (bad.length === 0) return;
    if (skipBad) {
      for (const { sample, error } of bad) onWarning?.(`skipping ${sample.name}: ${error.message}`);
      return;
    }
    if (bad.length === 1) throw bad[0]!.error;
    const reasons = bad.map(({ error }) => error.message).join('; ');
    throw new SamError('SAM_BAD_DATA', `${bad.length} images cannot be read: ${reasons}`, {
      fix: 'mend or remove them, or go on without them with `skipBad`',
    });
  }

  /** Trims the cache to its bound. What this store uses counts as used just now, and stays. */
  async #trim(): Promise<void> {
    if (this.#scratch !== undefined) return;
    const keep = await touchShards(this.#directory, (key) => this.#used.has(beginningOf(key)));
    const { cacheDir, cacheMax } = this.#options;
    if (cacheMax === undefined) return;
    await collectGarbage(cacheDir, typeof cacheMax === 'string' ? parseBytes(cacheMax) : cacheMax, keep);
  }
}

function andMore(others: number): string {
  return others === 0 ? '' : ` (and so it is with ${amount(others, 'other image')})`;
}

/** Names an image before its content is known. */
function imageOf({ image, bands = '' }: Sample): string {
  return `${bands} ${image.path}`;
}

function placeOf(sample: Sample): string {
  return `${sample.view ?? 0} ${imageOf(sample)}`;
}

/** Returns the first 48 bits of a key: another key that begins alike only keeps a shard longer. */
function beginningOf(key: string): number {
  return Number.parseInt(key.slice(0, 12), 16);
}

/** Finds the other bad images: decodes those that were not tried yet, only to name all that are bad. */
async function findBad(missing: Samples, tried: number, bad: BadImage[]): Promise<void> {
  for (let index = tried; index < missing.length; index++) {
    const sample = missing.at(index)!;
    await decodeImage(sample).catch((error: unknown) => {
      if (!isBadImage(error)) throw error;
      bad.push({ sample, error });
    });
  }
}

function cachePrecisionOf(options: EmbeddingStoreOptions): 'fp16' | 'fp32' {
  return options.cachePrecision ?? (options.precision === 'fp32' ? 'fp32' : 'fp16');
}
