/**
 * Turns the name of a model into files: source weights (`mobile-sam`, a name on the Hugging Face Hub, a folder of transformers',
 * a file), a run folder (its best checkpoint), or a checkpoint.
 */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { z } from 'zod';
import { defaultCacheDir } from '../core/cache-dir.js';
import { SamError } from '../core/errors.js';
import { refuseNewer } from '../core/format.js';
import { sha256, sha256File } from '../core/hash.js';
import { FORMAT_VERSION } from '../runs/run-folder.js';
import { readSafetensorsHeader, type SafetensorsHeader } from '../runs/safetensors-header.js';
import { givenEncoder, ownEncoder } from './encoder.js';
import { CHECKPOINT } from './hub-files.js';
import type { ModelDescriptor, ResolvedModel } from './model.js';
import { notTaken, relativeOf } from './origins.js';
import { namesIn } from './raw-names.js';
import { findSource, isModelFolder, type Source, type SourceOptions } from './source.js';

export interface ResolveOptions extends Omit<SourceOptions, 'cacheDir' | 'cwd' | 'wantedHash'> {
  /** Folder where models are kept that are fetched or converted; {@link defaultCacheDir} by default. */
  cacheDir?: string | undefined;
  /** Image encoder to take instead of the model's own: TorchScript, or a model. */
  encoder?: string | undefined;
  /** Folder that relative paths start at; the working folder by default. */
  cwd?: string | undefined;
}

/**
 * Finds the files of a model: its weights, its image encoder and, for a run or a checkpoint, the tuned decoder.
 *
 * @param spec the model, as `--model` takes it.
 * @throws SamError `SAM_NOT_FOUND`: no such model. `SAM_BAD_CHECKPOINT`: cut short, not weights, not SAM, or a checkpoint of other
 * weights. `SAM_BAD_ENCODER`: no encoder can be had. `SAM_NETWORK`: it can't be fetched.
 */
export async function resolveModel(spec: string, options: ResolveOptions): Promise<ResolvedModel> {
  const { cacheDir = defaultCacheDir(), cwd = process.cwd() } = options;
  const located = { ...options, cacheDir, cwd };
  const path = resolve(located.cwd, spec);
  if (spec === 'mobile-sam' || !existsSync(path)) return withCheckpoint(await resolveSource(spec, located), located);
  if (statSync(path).isDirectory()) {
    if (!isModelFolder(path)) return resolveRun(spec, path, located);
    return withCheckpoint(await resolveSource(spec, located), located);
  }
  if (extname(path) === '.safetensors') {
    const header = await readSafetensorsHeader(path);
    const name = basename(path, '.safetensors');
    if (isCheckpoint(header)) return resolveCheckpoint({ spec, path, name, header }, located);
  }
  return resolveSource(spec, located);
}

type Located = SourceOptions & { encoder?: string | undefined };
/** Weights whose mask decoder lies in another file. */
type WithDecoder = Source & { decoder?: string };

/** Finds source weights, and their own encoder or the one that was named. */
async function resolveSource(spec: string, options: Located): Promise<ResolvedModel> {
  const source: WithDecoder = await findSource(spec, options);
  await requireDecoder(source);
  const given = options.encoder === undefined ? undefined : await givenEncoder(options.encoder, options);
  const { encoder, encoderHash } = given ?? (await ownEncoder(source, options));
  const files = source.info.promptEncoder ? source : withPromptEncoder(source, given?.source);
  const { name, weights, weightsHash, decoder, folder, normEpsilon } = files;
  const descriptor: ModelDescriptor = {
    spec: source.spec,
    name,
    weightsHash,
    encoderHash,
    encoder: given?.spec ?? null,
  };
  const encoderWeights = given === undefined ? source.weights : given.source?.weights;
  const rest = {
    ...(encoderWeights !== undefined && { encoderWeights }),
    ...(decoder !== undefined && { decoder }),
    ...(folder !== undefined && { folder }),
    ...(normEpsilon !== undefined && { normEpsilon }),
  };
  return { spec, name, weights, weightsHash, encoder, encoderHash, ...rest, descriptor };
}

/** Lends weights with a mask decoder alone the prompt encoder of the model that `--encoder` names. */
function withPromptEncoder(decoder: Source, base: Source | undefined): WithDecoder {
  if (base === undefined || !base.info.promptEncoder) {
    throw new SamError('SAM_BAD_CHECKPOINT', `${decoder.weights} holds a mask decoder, but no prompt encoder`, {
      fix: 'name the model that it belongs to with `encoder`, such as `encoder` facebook/sam-vit-base',
    });
  }
  const weightsHash = sha256(`${base.weightsHash}+${decoder.weightsHash}`);
  return { ...base, spec: decoder.spec, name: decoder.name, weightsHash, decoder: decoder.weights };
}

/** Lays the checkpoint that lies in a model's folder, if one does, over the weights there: so `push` publishes a MobileSAM. */
async function withCheckpoint(base: ResolvedModel, options: Located): Promise<ResolvedModel> {
  const path = base.folder === undefined ? '' : join(base.folder, CHECKPOINT);
  if (!existsSync(path)) return base;
  const { spec, name } = base;
  const header = await readSafetensorsHeader(path);
  if (!isCheckpoint(header)) throw notACheckpoint(path);
  return layOver(base, { spec, path, name, header }, options);
}

/** Finds the best checkpoint of a run folder, which stands for it. */
async function resolveRun(spec: string, folder: string, options: Located): Promise<ResolvedModel> {
  const best = join(folder, 'checkpoints', 'best.safetensors');
  if (!existsSync(best)) {
    const last = join(folder, 'checkpoints', 'last.safetensors');
    throw new SamError('SAM_NOT_FOUND', `${spec} is not a run with a finished epoch: no checkpoints/best.safetensors`, {
      fix: existsSync(last) ? `name the checkpoint itself: ${last}` : 'name a run folder, a checkpoint or mobile-sam',
    });
  }
  const header = await readSafetensorsHeader(best);
  if (!isCheckpoint(header)) throw notACheckpoint(best);
  return resolveCheckpoint({ spec, path: best, name: basename(folder), header }, options);
}

interface Found {
  spec: string;
  path: string;
  name: string;
  header: SafetensorsHeader;
}

/** Finds the weights that a checkpoint was tuned from, and lays it over them. */
async function resolveCheckpoint(checkpoint: Found, options: Located): Promise<ResolvedModel> {
  const { path } = checkpoint;
  const source = sourceOf(path, checkpoint.header.metadata);
  const base = await resolveSource(source.spec, {
    ...options,
    wantedHash: source.weightsHash,
    encoder: options.encoder ?? source.encoder ?? undefined,
  }).catch((error: unknown) => {
    if (!(error instanceof SamError) || error.code === 'SAM_INTERRUPTED') throw error;
    throw new SamError(error.code, `${path} was tuned from ${source.spec}: ${error.message}`, {
      fix: error.fix,
      cause: error,
    });
  });
  return layOver(base, checkpoint, options);
}

/** Lays a checkpoint over weights, if they are those that it was tuned from. */
async function layOver(
  base: ResolvedModel,
  { spec, path, name, header }: Found,
  options: Located,
): Promise<ResolvedModel> {
  const { metadata } = header;
  const source = sourceOf(path, metadata);
  if (base.weightsHash !== source.weightsHash) {
    throw new SamError(
      'SAM_BAD_CHECKPOINT',
      `${path} was tuned from other weights (${source.weightsHash.slice(0, 8)}) than ${base.weights} ` +
        `(${base.weightsHash.slice(0, 8)})`,
      { fix: 'put the weights back that it was trained with, or train anew' },
    );
  }
  if (base.encoderHash !== source.encoderHash) {
    options.onNote?.(`${path} was tuned with another image encoder than ${base.encoder}: masks may be worse`);
  }
  const hash = await sha256File(path, options.signal);
  return { ...base, spec, name, decoder: path, checkpoint: { path, hash, metadata } };
}

const descriptorSchema = z.object({
  spec: z.string(),
  name: z.string(),
  weightsHash: z.string(),
  encoderHash: z.string(),
  encoder: z.string().nullable(),
});

/** Tells a checkpoint of this package, which says what it was tuned from, from other weights. */
function isCheckpoint(header: SafetensorsHeader): boolean {
  return header.metadata.model !== undefined;
}

function sourceOf(path: string, metadata: Readonly<Record<string, string>>): ModelDescriptor {
  try {
    const formatVersion: unknown = JSON.parse(metadata.formatVersion ?? 'null');
    refuseNewer(path, { formatVersion }, { known: FORMAT_VERSION, code: 'SAM_BAD_CHECKPOINT' });
    return descriptorSchema.parse(JSON.parse(metadata.model ?? ''));
  } catch (error) {
    if (error instanceof SamError) throw error;
    throw new SamError('SAM_BAD_CHECKPOINT', `${path} does not say which weights it was tuned from`, {
      fix: 'it may be of another version of sam-native: train anew, or use that version',
      cause: error,
    });
  }
}

async function requireDecoder({ weights, info }: Source): Promise<void> {
  if (info.maskDecoder) return;
  const relative = relativeOf(await namesIn(weights));
  if (relative !== undefined) throw notTaken(weights, relative);
  throw new SamError(
    'SAM_BAD_CHECKPOINT',
    `${weights}: no mask decoder in it, only ${info.encoder ?? 'a prompt encoder'}`,
    {
      fix: 'give weights with the prompt encoder and mask decoder of SAM; an image encoder goes with `encoder`',
    },
  );
}

function notACheckpoint(path: string): SamError {
  return new SamError('SAM_BAD_CHECKPOINT', `${path} is not a checkpoint of sam-native`, {
    fix: 'name a run folder that train has written',
  });
}

/** Returns the folder of the run that a model's checkpoint belongs to, if it lies in one. */
export function runFolder(model: ResolvedModel): string | undefined {
  if (model.checkpoint === undefined) return undefined;
  const folder = dirname(dirname(model.checkpoint.path));
  return existsSync(join(folder, 'config.json')) ? folder : undefined;
}
