/**
 * Turns the name of a model into files: `mobile-sam`, a safetensors file of weights (Hugging Face or Meta names), a run
 * folder (its best checkpoint), or a checkpoint. Sources are converted and encoders built on first use, into the cache.
 */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { z } from 'zod';
import { SamError } from '../errors.js';
import { closest } from '../suggest.js';
import { readSafetensorsHeader, type SafetensorsHeader } from '../training/safetensors-header.js';
import { builtEncoder, type EncoderFile, givenEncoder } from './encoder.js';
import { sha256File } from './hash.js';
import { findMobileSam, type OfficialFile } from './mobile-sam.js';
import type { ModelDescriptor, ResolvedModel } from './model.js';

export interface ResolveOptions {
  cacheDir: string;
  /** A TorchScript encoder instead of the model's own. */
  encoder?: string | undefined;
  /** Relative paths start here. Default: the working folder. */
  cwd?: string | undefined;
  signal?: AbortSignal | undefined;
  /** Told a line for each step that takes time. */
  onStep?: ((line: string) => void) | undefined;
  /** Told of downloads, in bytes. */
  onProgress?: ((done: number, total: number | undefined) => void) | undefined;
  /** Another official MobileSAM file than the published one. */
  official?: Partial<OfficialFile> | undefined;
}

/**
 * @throws SamError `SAM_NOT_FOUND` (no such model), `SAM_BAD_CHECKPOINT` (cut short, not weights, a checkpoint of other
 * weights), `SAM_BAD_ENCODER` (no encoder can be had), `SAM_NETWORK`.
 */
export async function resolveModel(spec: string, options: ResolveOptions): Promise<ResolvedModel> {
  const cwd = options.cwd ?? process.cwd();
  if (spec === 'mobile-sam') return resolveSource(spec, { ...options, cwd });
  const path = resolve(cwd, spec);
  if (!existsSync(path)) throw unknownModel(spec);
  if (statSync(path).isDirectory()) return resolveRun(spec, path, { ...options, cwd });
  const header = await readSafetensorsHeader(path);
  const name = basename(path, extname(path));
  return isCheckpoint(header)
    ? resolveCheckpoint({ spec, path, name, header }, { ...options, cwd })
    : resolveSource(spec, { ...options, cwd });
}

interface Located extends ResolveOptions {
  cwd: string;
  /** Only these source weights will do. */
  wantedHash?: string;
}

/** Source weights: `mobile-sam` or a file of weights. */
async function resolveSource(spec: string, options: Located): Promise<ResolvedModel> {
  const own = spec === 'mobile-sam';
  const path = resolve(options.cwd, spec);
  const name = own ? spec : basename(path, extname(path));
  if (!own) await readSafetensorsHeader(path); // says better what is wrong with it than hashing would
  const { weights, weightsHash } = own
    ? await findMobileSam(options)
    : { weights: path, weightsHash: await sha256File(path, options.signal) };
  const names = Object.keys((await readSafetensorsHeader(weights)).tensors);
  requireDecoder(weights, names);
  const encoder: EncoderFile =
    options.encoder === undefined
      ? await builtEncoder({ ...options, name, weights, weightsHash, names })
      : await givenEncoder(resolve(options.cwd, options.encoder), options.signal);
  const descriptor: ModelDescriptor = {
    spec: own ? spec : path,
    name,
    weightsHash,
    encoderHash: encoder.encoderHash,
    encoder: options.encoder === undefined ? null : encoder.encoder,
  };
  return { spec, name, weights, weightsHash, ...encoder, descriptor };
}

/** A run folder stands for its best checkpoint. */
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

/** Finds the weights that the checkpoint was tuned from, and lays it over them. */
async function resolveCheckpoint(
  checkpoint: { spec: string; path: string; name: string; header: SafetensorsHeader },
  options: Located,
): Promise<ResolvedModel> {
  const { spec, path, name } = checkpoint;
  const { metadata } = checkpoint.header;
  const source = sourceOf(path, metadata);
  const base = await resolveSource(source.spec, {
    ...options,
    wantedHash: source.weightsHash,
    encoder: options.encoder ?? source.encoder ?? undefined,
  }).catch((error: unknown) => {
    if (!(error instanceof SamError)) throw error;
    throw new SamError(error.code, `${path} was tuned from ${source.spec}: ${error.message}`, {
      fix: error.fix,
      cause: error,
    });
  });
  if (base.weightsHash !== source.weightsHash) {
    throw new SamError(
      'SAM_BAD_CHECKPOINT',
      `${path} was tuned from other weights (${source.weightsHash.slice(0, 8)}) than ${base.weights} ` +
        `(${base.weightsHash.slice(0, 8)})`,
      { fix: 'put the weights back that it was trained with, or train anew' },
    );
  }
  if (base.encoderHash !== source.encoderHash) {
    options.onStep?.(`${path} was tuned with another image encoder than ${base.encoder}: masks may be worse`);
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

/** A checkpoint of ours says what it was tuned from. */
function isCheckpoint(header: SafetensorsHeader): boolean {
  return header.metadata.model !== undefined;
}

function sourceOf(path: string, metadata: Readonly<Record<string, string>>): ModelDescriptor {
  try {
    return descriptorSchema.parse(JSON.parse(metadata.model ?? ''));
  } catch (error) {
    throw new SamError('SAM_BAD_CHECKPOINT', `${path} does not say which weights it was tuned from`, {
      fix: 'it may be of another version of sam-native: train anew, or use that version',
      cause: error,
    });
  }
}

function requireDecoder(path: string, names: readonly string[]): void {
  for (const part of ['mask_decoder.', 'prompt_encoder.']) {
    if (names.some((name) => name.startsWith(part))) continue;
    throw new SamError(
      'SAM_BAD_CHECKPOINT',
      `${path}: no weights of SAM in it (no ${part}* in ${names.length} tensors)`,
      {
        fix: 'give a safetensors file with the prompt encoder and mask decoder of SAM, Hugging Face or Meta names',
      },
    );
  }
}

function notACheckpoint(path: string): SamError {
  return new SamError('SAM_BAD_CHECKPOINT', `${path} is not a checkpoint of sam-native`, {
    fix: 'name a run folder that train has written',
  });
}

function unknownModel(spec: string): SamError {
  const meant = closest(spec, ['mobile-sam']);
  return new SamError('SAM_NOT_FOUND', `no model ${spec}: no such file or folder`, {
    fix:
      meant === undefined
        ? 'give mobile-sam, a safetensors file, a run folder or a checkpoint'
        : `did you mean ${meant}?`,
  });
}

/** The folder of the run that a checkpoint belongs to, if it lies in one. */
export function runFolder(model: ResolvedModel): string | undefined {
  if (model.checkpoint === undefined) return undefined;
  const folder = dirname(dirname(model.checkpoint.path));
  return existsSync(join(folder, 'config.json')) ? folder : undefined;
}
