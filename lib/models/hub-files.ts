/** The files that a SAM of the `transformers` library consists of, on the Hub or in a local folder. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { SamError, systemCode } from '../core/errors.js';
import { isThere } from '../hub/cache.js';
import { VITS } from './encoders.js';

export const CONFIG = 'config.json';
export const PREPROCESSOR = 'preprocessor_config.json';

/** Weights of a MobileSAM that was pushed from here, as they were before training. */
export const MOBILE_SAM_WEIGHTS = 'mobile_sam.safetensors';

/** Tuned decoder of such a model, with the settings that it was trained with. */
export const CHECKPOINT = 'checkpoint.safetensors';

/** Config of such a model. transformers doesn't know the type, as it doesn't know the image encoder. */
export const MOBILE_SAM_CONFIG = {
  model_type: 'mobile_sam',
  library_name: 'sam-native',
  weights: MOBILE_SAM_WEIGHTS,
  checkpoint: CHECKPOINT,
} as const;

/** File that an adapter of PEFT is told by. */
export const ADAPTER = 'adapter_config.json';

/** Names of files of weights, the best first. An index names the shards that hold them. */
const WEIGHTS = [
  'model.safetensors',
  'model.safetensors.index.json',
  'pytorch_model.bin',
  'pytorch_model.bin.index.json',
  MOBILE_SAM_WEIGHTS,
] as const;

/** Chooses the weights to take of several formats, or the index of their shards. */
export function chooseWeights(names: Iterable<string>): string | undefined {
  const there = new Set(names);
  return WEIGHTS.find((name) => there.has(name));
}

export function isIndex(name: string): boolean {
  return name.endsWith('.index.json');
}

const configSchema = z.object({ model_type: z.string().optional(), _class_name: z.string().optional() });
const TYPES: readonly (string | undefined)[] = ['sam', MOBILE_SAM_CONFIG.model_type];
const adapterSchema = z.object({ base_model_name_or_path: z.string().nullish() });
const indexSchema = z.object({ weight_map: z.record(z.string(), z.string().regex(/^[\w.-]+$/)) });

/**
 * Refuses a folder whose `config.json` is not that of a SAM. Returns the files beside the weights that the model needs.
 *
 * @param name the model, for messages.
 * @throws SamError `SAM_BAD_CHECKPOINT`: `config.json` is missing, unreadable, or another model's.
 */
export async function requireSamConfig(name: string, folder: string): Promise<string[]> {
  const { model_type: type, _class_name: diffusers } = await readJson(join(folder, CONFIG), configSchema).catch(
    (error: unknown) => {
      if (systemCode(error) !== 'ENOENT') throw error;
      throw noConfig(name);
    },
  );
  if (TYPES.includes(type)) return type === 'sam' ? [] : [CHECKPOINT];
  const none = diffusers === undefined ? 'its config.json has no model_type' : `it is ${diffusers} of diffusers`;
  const is = type === undefined ? none : `its model_type is ${JSON.stringify(type)}`;
  throw new SamError('SAM_BAD_CHECKPOINT', `${name} is not a SAM model: ${is}`, { fix: SAM_MODELS });
}

/** Makes the error about what has no `config.json`; `files` are the names of what it has, where they are known. */
export function noConfig(name: string, files: { has(name: string): boolean } = new Set()): SamError {
  const is = files.has('model_index.json') ? 'it is a pipeline of diffusers' : 'it has no config.json';
  return new SamError('SAM_BAD_CHECKPOINT', `${name} is not a SAM model: ${is}`, { fix: SAM_MODELS });
}

/**
 * Makes the error about an adapter of PEFT, which is no model of its own.
 *
 * @param folder where its config lies; undefined: not here.
 */
export async function adapterOf(name: string, folder: string | undefined): Promise<SamError> {
  const config =
    folder === undefined ? undefined : await readJson(join(folder, ADAPTER), adapterSchema).catch(() => undefined);
  const of = config?.base_model_name_or_path ? ` for ${config.base_model_name_or_path}` : '';
  return new SamError(
    'SAM_BAD_CHECKPOINT',
    `${name} is an adapter of PEFT${of} (LoRA or the like), not a whole model`,
    {
      fix: "merge it in Python, model.merge_and_unload().save_pretrained('merged'), and name that folder",
    },
  );
}

/** Says what SAM is, to those who named something else. */
export const SAM_MODELS = `SAM (version 1) is ${VITS.map(({ model }) => model).join(', ')}, and what was tuned from them`;

/**
 * Reads the names of the files that an index names, in order.
 *
 * @throws SamError `SAM_BAD_CHECKPOINT`: the index is damaged.
 */
export async function shardsOf(index: string): Promise<string[]> {
  const { weight_map: map } = await readJson(index, indexSchema);
  return [...new Set(Object.values(map))].sort();
}

/** Returns the paths of the weights in a folder: one file, or all the shards. Undefined where they are not all there. */
export async function weightsIn(folder: string): Promise<string[] | undefined> {
  const chosen = chooseWeights(await readdir(folder).catch(() => []));
  if (chosen === undefined || !(await isThere(join(folder, chosen)))) return undefined;
  const names = isIndex(chosen) ? await shardsOf(join(folder, chosen)) : [chosen];
  const files = names.map((name) => join(folder, name));
  return (await Promise.all(files.map((file) => isThere(file)))).every(Boolean) ? files : undefined;
}

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  const text = await readFile(path, 'utf8');
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new SamError('SAM_BAD_CHECKPOINT', `${path} is damaged, or not what its name says`, {
      fix: 'remove it and get it again',
      cause: error,
    });
  }
}
