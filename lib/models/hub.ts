/**
 * Models named as on the Hugging Face Hub, `facebook/sam-vit-base`: fetched into the cache that Python shares, and found there.
 * Only what a SAM needs is fetched, and nothing before its config says that it is one.
 */

import { join } from 'node:path';
import type { ListFileEntry } from '@huggingface/hub';
import { SamError } from '../core/errors.js';
import type { Hooks } from '../core/hooks.js';
import { CachedRepository, isCommit, isThere } from '../hub/cache.js';
import type { DownloadProgress } from '../hub/download.js';
import { type HubEnvironment, hubEnvironment } from '../hub/environment.js';
import { type HubName, parseHubName } from '../hub/names.js';
import { currentCommit, type FetchFileOptions, fetchFile, filesAt, sizeOf } from '../hub/repository.js';
import type { Asked } from '../hub/request.js';
import { VITS } from './encoders.js';
import {
  ADAPTER,
  adapterOf,
  CONFIG,
  chooseWeights,
  isIndex,
  noConfig,
  PREPROCESSOR,
  requireSamConfig,
  shardsOf,
  weightsIn,
} from './hub-files.js';

/** How a model is fetched. `onProgress` is told of the weights' bytes, those of all shards together. */
export interface FetchHubModelOptions
  extends Pick<FetchFileOptions, 'attempts' | 'pauseMs' | 'stallMs'>,
    Hooks<DownloadProgress> {
  /** Environment's variables; those of this process by default. */
  env?: NodeJS.ProcessEnv | undefined;
}

/** Names of files of weights, which are taken for ones that are not there: nobody would name a repository so. */
const WEIGHTS_FILE = /\.(safetensors|pth?|bin|onnx)$/i;

function parse(spec: string): HubName | undefined {
  const parsed = parseHubName(spec);
  return parsed === undefined || WEIGHTS_FILE.test(parsed.name) ? undefined : parsed;
}

/** Tells whether a text is `owner/name` or `owner/name@revision`, by the Hub's rules. A path may look the same: look for it first. */
export function isHubName(spec: string): boolean {
  return parse(spec) !== undefined;
}

/** Returns the image encoder that a name of one of Meta's own models promises; undefined for other names. */
export function encoderOfHubName(spec: string): (typeof VITS)[number] | undefined {
  const name = parse(spec)?.name;
  return VITS.find(({ model }) => model === name);
}

/**
 * Fetches a model, unless it is in the cache, and returns the local snapshot folder, with `config.json` and the weights (`weightsIn`
 * names them). Offline, or where the Hub can't be reached, it is the one that the cache holds.
 *
 * @throws SamError `SAM_NOT_FOUND`: no such repository or revision, or offline and not in the cache. `SAM_NO_ACCESS`: the token is
 * refused, or the model gated. `SAM_BAD_CHECKPOINT`: not a SAM. `SAM_NETWORK`: the Hub can't be reached. `SAM_IO`: the cache can't be
 * written.
 */
export async function fetchHubModel(spec: string, options: FetchHubModelOptions = {}): Promise<string> {
  const { name, revision } = parse(spec) ?? notAName(spec);
  const hub = hubEnvironment(options.env);
  const asked: Asked = { hub, repo: { type: 'model', name }, revision, signal: options.signal };
  const cached = new CachedRepository(hub, asked.repo);
  const known = await snapshotAt(spec, cached, await cached.commitOf(revision));
  if (known !== undefined && (hub.offline !== undefined || isCommit(revision))) return known;
  if (hub.offline !== undefined) throw notInCache(spec, hub, hub.offline);

  const commit = await currentCommit(asked).catch((error: unknown) => {
    if (known === undefined || !(error instanceof SamError) || error.code !== 'SAM_NETWORK') throw error;
    options.onNote?.(`${error.message}: taking ${spec} from the cache, ${known}`);
    return undefined;
  });
  if (commit === undefined) return known!;
  if ((await snapshotAt(spec, cached, commit)) === undefined) await fetchAt(spec, asked, commit, options);
  // Only now: whoever looks offline finds either the old snapshot or the new one, whole.
  await cached.setCommitOf(revision, commit);
  return cached.snapshot(commit);
}

/** Returns the snapshot folder of a commit, if all that is needed of it is in the cache. */
async function snapshotAt(
  spec: string,
  cached: CachedRepository,
  commit: string | undefined,
): Promise<string | undefined> {
  if (commit === undefined) return undefined;
  const folder = cached.snapshot(commit);
  if (!(await isThere(join(folder, CONFIG)))) return undefined;
  const beside = await requireSamConfig(spec, folder);
  const there = await Promise.all(beside.map((name) => isThere(join(folder, name))));
  return (await weightsIn(folder)) === undefined || there.includes(false) ? undefined : folder;
}

/** Fetches config, then the rest of the small files, then the weights. */
async function fetchAt(spec: string, asked: Asked, commit: string, options: FetchHubModelOptions): Promise<void> {
  const { attempts, pauseMs, stallMs } = options;
  const fetchOne = (entry: ListFileEntry, onProgress?: (progress: DownloadProgress) => void) =>
    fetchFile(asked, commit, entry, { attempts, pauseMs, stallMs, onProgress });
  const files = await filesAt(asked, commit);
  const config = files.get(CONFIG);
  if (config === undefined) throw files.has(ADAPTER) ? await adapterOf(spec, undefined) : noConfig(spec, files);
  await fetchOne(config);
  const beside = await requireSamConfig(spec, new CachedRepository(asked.hub, asked.repo).snapshot(commit));

  const chosen = chooseWeights(files.keys());
  if (chosen === undefined) throw noWeights(spec, [...files.keys()]);
  const preprocessor = files.get(PREPROCESSOR);
  if (preprocessor !== undefined) await fetchOne(preprocessor);
  const names = isIndex(chosen) ? await shardsOf(await fetchOne(files.get(chosen)!)) : [chosen];
  const weights = [
    ...names.map((name) => files.get(name) ?? noFile(spec, chosen, name)),
    ...beside.map((name) => files.get(name) ?? noFile(spec, CONFIG, name)),
  ];

  const total = weights.reduce((sum, entry) => sum + sizeOf(entry), 0);
  const megabytes = Math.ceil(total / 1e6);
  options.onNote?.(`downloading ${spec} from ${asked.hub.endpoint} to ${asked.hub.cacheDir} (${megabytes} MB)`);
  let before = 0;
  for (const entry of weights) {
    await fetchOne(entry, ({ done }) => options.onProgress?.({ done: before + done, total }));
    before += sizeOf(entry);
  }
}

function notAName(spec: string): never {
  throw new SamError('SAM_BAD_OPTION', `${spec} is not a name on the Hugging Face Hub`, {
    fix: 'write owner/name or owner/name@revision, as in facebook/sam-vit-base',
  });
}

function notInCache(spec: string, { cacheDir }: HubEnvironment, offline: string): SamError {
  return new SamError('SAM_NOT_FOUND', `${spec} is not in ${cacheDir}, and ${offline} forbids to download it`, {
    fix: `unset ${offline.split('=')[0]}, or ${withoutNetwork(spec, cacheDir)}`,
  });
}

/** Says how a model comes into a cache that no network reaches. */
export function withoutNetwork(spec: string, cacheDir: string): string {
  const download = `hf download ${spec.replace('@', ' --revision ')}`;
  return `run ${download} on a machine with a network and copy its cache to ${cacheDir}`;
}

function noWeights(spec: string, names: readonly string[]): SamError {
  return new SamError('SAM_BAD_CHECKPOINT', `${spec} has neither model.safetensors nor pytorch_model.bin`, {
    fix: 'name a repository with weights for PyTorch',
    detail: names.join(', '),
  });
}

function noFile(spec: string, by: string, file: string): never {
  throw new SamError('SAM_BAD_CHECKPOINT', `${spec}: ${by} names ${file}, which the repository does not have`, {
    fix: 'tell its owner, or name another revision: owner/name@revision',
  });
}
