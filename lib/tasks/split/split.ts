/**
 * `sam-native split`: makes splits of a data set for training, validation and test that do not leak, as a list of files for
 * `train`.
 */
import { dirname, extname, isAbsolute, relative, resolve } from 'node:path';
import { SamError } from '../../core/errors.js';
import { requireFree, requireWritable, writeFileWhole } from '../../core/files.js';
import type { Hooks } from '../../core/hooks.js';
import { checkHooks, parseOptions } from '../../core/parse-options.js';
import { shareOut } from '../../data/cuts.js';
import { type Groups, GroupUnion, groupPattern, groupSamples } from '../../data/groups.js';
import { openSource } from '../../data/open-data.js';
import { isPlainFile } from '../../data/picture.js';
import type { DataSource, Sample } from '../../data/sample.js';
import { isManifest, manifestCsv } from '../../data/sources/manifest.js';
import { describeImages, NEAR_DUPLICATE } from '../../embeddings/descriptors.js';
import type { EnsureProgress } from '../../embeddings/embedding-store.js';
import { type NearDuplicate, nearDuplicates, nearDuplicateWarning } from '../../embeddings/near-duplicates.js';
import { similarPairs, type Vectors } from '../../embeddings/similarity.js';
import type { WorkOptions } from '../../embeddings/work-options.js';
import { openWorkplace } from '../../embeddings/workplace.js';
import { type SplitDataOptions, splitDataOptionsSchema } from './options.js';

/** Split that can be made, in the order of the shares. */
export type Split = 'train' | 'validation' | 'test';
const SPLITS: readonly Split[] = ['train', 'validation', 'test'];

/** Options of `split`, checked. */
interface Splitting extends WorkOptions {
  /** Data set of files: a folder, a CSV or JSONL file, sample:rivers. */
  data: string;
  /** Splits of the data set to take samples from. Default: all. */
  splits?: readonly string[] | undefined;
  /** List of files to write: .csv or .jsonl. */
  out: string;
  overwrite?: boolean;
  /** Share of each split; together 1. A split with a share of 0 is not made. */
  shares: Readonly<Record<Split, number>>;
  /** Pattern of groups, as `--group-by` of train. */
  groupBy?: string | undefined;
  /** Cosine of descriptors from which on images stay together. */
  groupBySimilarity?: number | undefined;
  /** Whether to look for near-duplicates across the splits, which encodes every image. Default: true. */
  check?: boolean;
  model: string;
  seed: number;
  onProgress?: ((progress: EnsureProgress) => void) | undefined;
}

/** What {@link splitData} gives back. */
export interface SplitDataResult {
  /** Number of samples of each split. */
  splits: Record<Split, number>;
  /** Groups: how many there were to share out, and the samples of the largest. */
  groups: number;
  /** Number of samples of the largest group. */
  largestGroup: number;
  /** Near-duplicates across the splits; null where images were not looked at. */
  nearDuplicates: NearDuplicate[] | null;
  /** Paths of what was written. */
  files: string[];
}

/**
 * Shares the samples of a data set out among training, validation and test splits, groups of them whole, and writes the list of files
 * that `train` takes.
 *
 * ```ts
 * const { splits } = await splitData({ data: 'photos', groupBy: '^(.*)_[ab]$', out: 'splits.csv' });
 * ```
 * @throws SamError `SAM_BAD_OPTION`: shares, patterns, a file in the way; `SAM_BAD_DATA`: the data, too few groups.
 */
export async function splitData(given: SplitDataOptions, hooks: Hooks<EnsureProgress> = {}): Promise<SplitDataResult> {
  checkHooks(hooks);
  const { split: splits, train, validation, test, ...options } = parseOptions(splitDataOptionsSchema, given);
  const similar = options.groupBySimilarity === true ? NEAR_DUPLICATE : options.groupBySimilarity || undefined;
  return shareSamples({
    ...options,
    ...hooks,
    splits,
    shares: { train, validation, test },
    groupBySimilarity: similar,
  });
}

async function shareSamples(options: Splitting): Promise<SplitDataResult> {
  const { seed, signal, onWarning, groupBySimilarity: threshold } = options;
  const made = madeSplits(options.shares);
  const out = await checkedOut(options.out, options.overwrite ?? false);
  const pattern = groupPattern(options.groupBy);
  const read = await readSamples(options);
  const { samples, images } = await look(read, options);
  const names = uniqueNames(read);
  const named = groupSamples(samples, pattern);
  const groups =
    images === undefined || threshold === undefined ? named : await joinSimilar(named, images, threshold, signal);
  requireEnough(groups, samples.length, made);
  const shares = made.map((split) => options.shares[split]);
  const placeOf = shareOut(groups.sizes, shares, seed);
  const splitOf = Array.from(groups.groupOf, (group) => made[placeOf[group]!]!);
  const found = images && (await leaks(images, { samples, names, splitOf }, signal));
  const warning = nearDuplicateWarning(found ?? []);
  if (warning !== undefined) onWarning?.(warning);
  await writeFileWhole(out, manifestOf({ samples, names, splitOf }, out));
  const count = (split: Split) => splitOf.filter((one) => one === split).length;
  return {
    splits: { train: count('train'), validation: count('validation'), test: count('test') },
    groups: groups.sizes.length,
    largestGroup: groups.sizes.reduce((most, size) => Math.max(most, size), 0),
    nearDuplicates: found ?? null,
    files: [out],
  };
}

/** Lists the splits with a share. */
function madeSplits(shares: Splitting['shares']): Split[] {
  const sum = SPLITS.reduce((total, split) => total + shares[split], 0);
  if (Math.abs(sum - 1) > 1e-6) {
    const given = SPLITS.map((split) => `\`${split}\` ${shares[split]}`).join(', ');
    throw new SamError('SAM_BAD_OPTION', `${given} add up to ${Number(sum.toFixed(6))}, not 1`, {
      fix: 'give all three; 0 for a split that is not wanted',
    });
  }
  if (shares.train === 0) {
    throw new SamError('SAM_BAD_OPTION', '`train` 0 leaves nothing to train on', { fix: 'give it a share above 0' });
  }
  return SPLITS.filter((split) => shares[split] > 0);
}

async function checkedOut(given: string, overwrite: boolean): Promise<string> {
  const out = resolve(given);
  if (!isManifest(out)) {
    throw new SamError('SAM_BAD_OPTION', `\`out\` ${given} is neither .csv nor .jsonl`, { fix: 'name such a file' });
  }
  requireFree(out, overwrite);
  await requireWritable(out, '`out`');
  return out;
}

/** Sample with the split of the data set that it comes from. */
type Origin = Sample & { readonly from: string };

/** Reads the samples of all the splits asked for. */
async function readSamples(options: Splitting): Promise<Origin[]> {
  const { signal, onWarning, onNote, skipBad = false } = options;
  const hooks = { signal, onWarning, onNote };
  const source = await openSource({ data: options.data, cacheDir: options.cacheDir }, hooks);
  const there = options.splits ?? (await source.splits());
  // A source without splits says itself what is missing.
  const splits = there.length > 0 ? there : ['train'];
  const lists = await Promise.all(splits.map((split) => readFiles(source, split, { skipBad, onWarning })));
  return lists.flatMap((samples, place) => samples.map((sample) => ({ ...sample, from: splits[place]! })));
}

/** Names each sample in the list: a name that several splits have is preceded by the split's. */
function uniqueNames(samples: readonly Origin[]): Map<Sample, string> {
  const times = new Map<string, number>();
  for (const { name } of samples) times.set(name, (times.get(name) ?? 0) + 1);
  const unique = (sample: Origin) => (times.get(sample.name) === 1 ? sample.name : `${sample.from}/${sample.name}`);
  return new Map(samples.map((sample) => [sample, unique(sample)]));
}

async function readFiles(
  source: DataSource,
  split: string,
  reading: Pick<WorkOptions, 'skipBad' | 'onWarning'>,
): Promise<Sample[]> {
  const { skipBad = false, onWarning } = reading;
  const samples = [...(await source.readSplit(split, { masks: 'required', skipBad, onWarning }))];
  const isFiles = ({ image, mask }: Sample) =>
    isPlainFile(image) && mask !== undefined && isPlainFile(mask) && mask.draw === undefined;
  if (samples.every(isFiles)) return samples;
  throw new SamError('SAM_BAD_OPTION', `${source.root} does not keep each image and each mask in a file of its own`, {
    fix: 'split lists files: give a folder SRC/<split>/{images,masks}, or a CSV or JSONL file',
  });
}

/** Images, each once however many samples it has, by what they look like. */
interface Images {
  /** Places of the first sample of each image. */
  readonly firsts: readonly number[];
  readonly vectors: Vectors;
}

/**
 * Looks at the images: encodes them where similarity is asked for. Those that cannot be read are an error, or left out by
 * `skipBad`.
 */
async function look(
  samples: readonly Sample[],
  options: Splitting,
): Promise<{ samples: readonly Sample[]; images?: Images }> {
  if (options.groupBySimilarity === undefined && options.check === false) return { samples };
  const { signal, skipBad, onWarning, onProgress } = options;
  const workplace = openWorkplace(options, options);
  try {
    const store = await workplace.store(await workplace.model(options.model), undefined);
    const encoded = await store.ensure(samples, { signal, skipBad, onWarning, onProgress });
    const usable = samples.filter(encoded.usable);
    const seen = new Set<string>();
    const firsts = [...usable.keys()].filter((place) => seen.size !== seen.add(usable[place]!.image.path).size);
    const images = firsts.map((place) => usable[place]!);
    const read = (sample: Sample) => store.read([sample], { signal, onWarning });
    const vectors = await describeImages(images, { read, squashed: false, signal });
    return { samples: usable, images: { firsts, vectors } };
  } finally {
    await workplace.dispose();
  }
}

async function joinSimilar(
  groups: Groups,
  { firsts, vectors }: Images,
  threshold: number,
  signal: AbortSignal | undefined,
): Promise<Groups> {
  const union = new GroupUnion(groups);
  const groupOf = (image: number) => groups.groupOf[firsts[image]!]!;
  for await (const pairs of similarPairs(vectors, threshold, signal)) {
    for (const { a, b } of pairs) union.link(groupOf(a), groupOf(b));
  }
  return union.joined();
}

/** Outcome: the samples, what each is called, and its new split. */
interface Outcome {
  readonly samples: readonly Sample[];
  readonly names: ReadonlyMap<Sample, string>;
  readonly splitOf: readonly Split[];
}

function leaks(
  { firsts, vectors }: Images,
  { samples, names, splitOf }: Outcome,
  signal: AbortSignal | undefined,
): Promise<NearDuplicate[]> {
  const of = (image: number) => ({ name: names.get(samples[firsts[image]!]!)!, split: splitOf[firsts[image]!]! });
  return nearDuplicates(vectors, of, signal);
}

function requireEnough({ sizes }: Groups, samples: number, made: readonly Split[]): void {
  if (sizes.length >= made.length) return;
  const what = sizes.length === 1 ? '1 group' : `${sizes.length} groups`;
  throw new SamError('SAM_BAD_DATA', `${samples} samples are ${what}: too few for ${made.join(', ')}`, {
    fix: 'add samples, leave a split out (`test` 0), choose another `groupBy` or a higher `groupBySimilarity`',
  });
}

function manifestOf({ samples, names, splitOf }: Outcome, out: string): string {
  const at = (path: string) => {
    const below = relative(dirname(out), resolve(path));
    return below.startsWith('..') || isAbsolute(below) ? resolve(path) : below;
  };
  const rows = samples.map((sample, place) => ({
    image: at(sample.image.path),
    mask: at(sample.mask!.path),
    split: splitOf[place]!,
    name: names.get(sample)!,
  }));
  if (extname(out).toLowerCase() !== '.csv') return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  return manifestCsv(rows);
}
