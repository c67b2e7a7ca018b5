/**
 * Source weights: what a model was before anyone tuned it here. By name (`mobile-sam`, a model on the Hugging Face Hub), a
 * folder as transformers saves it, or a file.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { z } from 'zod';
import type { WeightsInfo } from '../../binding.js';
import { native, nativeCall } from '../addon/native.js';
import { SamError } from '../core/errors.js';
import { sha256, sha256File } from '../core/hash.js';
import { TINY_VIT, VITS } from './encoders.js';
import { encoderOfHubName, fetchHubModel, isHubName } from './hub.js';
import {
  ADAPTER,
  adapterOf,
  CONFIG,
  chooseWeights,
  isIndex,
  MOBILE_SAM_CONFIG,
  requireSamConfig,
  SAM_MODELS,
  shardsOf,
} from './hub-files.js';
import { isLocalName, nowhere, unknownModel } from './missing.js';
import { type FindOptions, findMobileSam } from './mobile-sam.js';
import { notTaken, originOf, relativeOf } from './origins.js';
import { otherFormat } from './other-formats.js';
import { namesIn } from './raw-names.js';

export type SourceOptions = FindOptions;

export interface Source {
  /** Name or absolute path that finds it again. */
  spec: string;
  /** Short name, for reports. */
  name: string;
  /** Path of the weights, or of the index of sharded ones. */
  weights: string;
  weightsHash: string;
  info: WeightsInfo;
  /** Epsilon of the mask decoder's layer norms, where a config says it. */
  normEpsilon?: number;
  /** Folder with the model's config, as transformers saves it, where it came in one. */
  folder?: string;
}

const GENERIC = /^(pytorch_)?model$/;

/** Tells whether a folder looks like one that transformers has saved. */
export function isModelFolder(folder: string): boolean {
  const names = readdirSync(folder);
  // A run of ours has a config.json too.
  const isSaved = names.includes(CONFIG) || names.includes(ADAPTER) || chooseWeights(names) !== undefined;
  return !names.includes('checkpoints') && isSaved;
}

/**
 * Finds source weights by name or path, and fetches them where they have to be.
 *
 * @throws SamError `SAM_NOT_FOUND`: no such file, folder or name. `SAM_BAD_CHECKPOINT`: not weights, not SAM's, damaged, or of another
 * size than the name says. `SAM_NETWORK`: they can't be fetched.
 */
export async function findSource(spec: string, options: SourceOptions): Promise<Source> {
  if (spec === 'mobile-sam') {
    const { weights, weightsHash } = await findMobileSam(options);
    return { spec, name: spec, weights, weightsHash, info: await inspect(weights) };
  }
  const path = resolve(options.cwd, spec);
  if (!existsSync(path)) {
    // What a checkpoint records as a name was one of the Hub's: of files here it records the whole path.
    const isLocal = options.wantedHash === undefined && isLocalName(spec, options.cwd);
    if (isLocal || !isHubName(spec)) throw unknownModel(spec, options.cwd);
    const folder = await fetchHubModel(spec, options).catch((error: unknown) => {
      throw nowhere(spec, error);
    });
    const name = basename(spec).replace(/@.*$/, '');
    return fromFolder(folder, { spec, name, asked: encoderOfHubName(spec)?.name }, options);
  }
  if (statSync(path).isDirectory()) return fromFolder(path, { spec: path, name: basename(path) }, options);
  const name = basename(path).replace(/\.index\.json$/, '');
  const stem = basename(name, extname(name));
  const asked = VITS.find(({ file }) => name.startsWith(`${file}_`) || name.startsWith(`${file}.`))?.name;
  // `model.safetensors` says less than the folder that it lies in.
  const names = { spec: path, name: GENERIC.test(stem) ? basename(dirname(path)) : stem, asked };
  const source = await fromFile(path, names, options);
  const said = originOf(path, await namesIn(path), source.info);
  if (said !== undefined) options.onNote?.(`${path}: ${said}`);
  return source;
}

interface Asked {
  spec: string;
  name: string;
  /** Image encoder that the name promises. */
  asked?: string | undefined;
}

async function fromFile(weights: string, { asked, ...names }: Asked, { signal }: SourceOptions): Promise<Source> {
  const folder = dirname(weights);
  if (basename(weights).startsWith('adapter_model.') && existsSync(join(folder, ADAPTER)))
    throw await adapterOf(weights, folder);
  const info = await inspect(weights);
  if (asked !== undefined && info.encoder !== null && info.encoder !== asked) {
    throw new SamError('SAM_BAD_CHECKPOINT', `${weights} looks like ${info.encoder}; you asked for ${asked}`, {
      fix: `name the model that it is, or get the file of ${asked} again`,
    });
  }
  return { ...names, weights, weightsHash: await hashOf(weights, signal), info };
}

async function fromFolder(folder: string, names: Asked, options: SourceOptions): Promise<Source> {
  const files = readdirSync(folder);
  const file = chooseWeights(files);
  if (file === undefined && files.includes(ADAPTER)) throw await adapterOf(names.spec, folder);
  const config = files.includes(CONFIG) ? await readConfig(names.spec, folder) : undefined;
  if (file === undefined) {
    throw new SamError('SAM_NOT_FOUND', `${folder} holds no weights (model.safetensors and the like)`, {
      fix: 'name a folder that save_pretrained of transformers wrote, a run folder, or a file of weights',
    });
  }
  const asked = names.asked ?? encoderOf(config);
  const source = await fromFile(join(folder, file), { ...names, asked }, options);
  const normEpsilon = config?.mask_decoder_config?.layer_norm_eps;
  return { ...source, folder, ...(normEpsilon !== undefined && { normEpsilon }) };
}

/** Part of transformers' config.json that matters here; it leaves out what has its default. */
const configSchema = z.object({
  model_type: z.string().optional(),
  mask_decoder_config: z.object({ layer_norm_eps: z.number().optional() }).nullish(),
  vision_config: z.object({ hidden_size: z.number().optional(), num_hidden_layers: z.number().optional() }).nullish(),
});
type Config = z.infer<typeof configSchema>;

async function readConfig(name: string, folder: string): Promise<Config> {
  await requireSamConfig(name, folder);
  const config = configSchema.safeParse(JSON.parse(await readFile(join(folder, CONFIG), 'utf8')));
  if (config.success) return config.data;
  throw new SamError('SAM_BAD_CHECKPOINT', `${join(folder, CONFIG)} is not the config of a SAM`, {
    fix: 'get the folder again, or name its file of weights',
    cause: config.error,
  });
}

function encoderOf(config: Config | undefined): string | undefined {
  if (config === undefined) return undefined;
  if (config.model_type === MOBILE_SAM_CONFIG.model_type) return TINY_VIT.name;
  const { hidden_size: width = 768, num_hidden_layers: depth = 12 } = config.vision_config ?? {};
  return VITS.find(({ dim, layers }) => dim === width && layers === depth)?.name;
}

/** Returns the hash of a file of weights; of sharded ones, given by their index, the hash of all shards' hashes. */
async function hashOf(weights: string, signal: AbortSignal | undefined): Promise<string> {
  if (!isIndex(weights)) return sha256File(weights, signal);
  const hashes: string[] = [];
  for (const shard of await shardsOf(weights)) {
    hashes.push(`${shard}:${await sha256File(join(dirname(weights), shard), signal)}`);
  }
  return sha256(hashes.join('\n'));
}

/**
 * Tells what a file of weights holds, by its names and shapes.
 *
 * @throws SamError `SAM_BAD_CHECKPOINT`: none that can be taken, with what they are where that is known.
 */
export async function inspect(weights: string): Promise<WeightsInfo> {
  try {
    return await nativeCall(() => native().inspectWeights({ path: weights }));
  } catch (error) {
    throw error instanceof SamError && error.code === 'SAM_BAD_CHECKPOINT' ? await explained(weights, error) : error;
  }
}

/** Says whose weights, or what else, a file holds that was refused. */
async function explained(weights: string, error: SamError): Promise<SamError> {
  const other = await otherFormat(weights);
  const refused = (text: string, fix: string) => new SamError('SAM_BAD_CHECKPOINT', text, { fix, cause: error });
  if (other !== undefined) return refused(`${weights} is ${other.name}, not weights of PyTorch`, other.fix);
  const names = await namesIn(weights);
  const relative = relativeOf(names);
  if (relative !== undefined) return notTaken(weights, relative, error);
  if (!error.message.includes('holds nothing of SAM')) return error;
  const lightning = names.has('pytorch-lightning_version')
    ? ': a checkpoint of PyTorch Lightning of another network'
    : '';
  return refused(`${error.message}${lightning}`, SAM_MODELS);
}
