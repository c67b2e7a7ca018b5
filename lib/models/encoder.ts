/**
 * The image encoder of a model. SAM's own ViT is built in memory from the weights, which stay where they are; MobileSAM's
 * TinyViT is written as TorchScript once, into the cache; and the user may name another.
 */
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { native, nativeCall } from '../addon/native.js';
import { SamError, systemCode } from '../core/errors.js';
import { makeFolder, moveWhole, scratchFolder } from '../core/files.js';
import { sha256, sha256File } from '../core/hash.js';
import { ENCODERS, encoderNamed, namesOf, VIT } from './encoders.js';
import { findSource, inspect, type Source, type SourceOptions } from './source.js';

export interface EncoderFile {
  /** File of the encoder: TorchScript, or weights of which it is built. */
  encoder: string;
  encoderHash: string;
}

export interface GivenEncoder extends EncoderFile {
  /** Name or absolute path that finds it again. */
  spec: string;
  /** Weights of the model that it was named by, where it was: they may have to lend their prompt encoder. */
  source?: Source;
}

/**
 * Finds the encoder in a model's own weights. One that runs as TorchScript is built into the cache, unless it is there.
 *
 * @throws SamError `SAM_BAD_ENCODER`: the weights hold no encoder, or one that can't be built.
 */
export async function ownEncoder(source: Source, options: SourceOptions): Promise<EncoderFile> {
  const { weights, weightsHash, name, info } = source;
  if (!info.buildable) {
    throw new SamError(
      'SAM_BAD_ENCODER',
      info.encoder === null
        ? `${weights}: no image encoder in it`
        : `${weights}: its image encoder is none of ${namesOf(ENCODERS)}, which can be built from weights`,
      {
        fix:
          'name one with `encoder`: a model such as mobile-sam or facebook/sam-vit-base, or a TorchScript file ' +
          '(scripts/export_encoder.py writes one)',
      },
    );
  }
  const { recipe, scripted } = encoderNamed(info.encoder) ?? VIT; // what is buildable and has no name is a ViT
  const encoderHash = sha256(`${recipe}:${weightsHash}`);
  if (!scripted) return { encoder: weights, encoderHash };
  const folder = join(options.cacheDir, 'models', `${name}-${weightsHash.slice(0, 8)}`);
  const encoder = join(folder, `encoder-${recipe}.pt`);
  if (!existsSync(encoder)) {
    options.onNote?.(`building the image encoder of ${name}`);
    await buildInto(folder, encoder, weights, options.cacheDir);
  }
  return { encoder, encoderHash };
}

/**
 * Finds what `--encoder` names: any model (its encoder is taken), or a TorchScript file. That is loaded, and so proved, only when
 * something must be encoded.
 *
 * @throws SamError as {@link ownEncoder} and {@link findSource}.
 */
export async function givenEncoder(spec: string, options: SourceOptions): Promise<GivenEncoder> {
  const path = resolve(options.cwd, spec);
  if (existsSync(path) && statSync(path).isFile() && !(await isWeights(path))) {
    return { spec: path, encoder: path, encoderHash: await sha256File(path, options.signal) };
  }
  const source = await findSource(spec, { ...options, wantedHash: undefined }).catch((error: unknown) => {
    if (systemCode(error) !== 'SAM_NOT_FOUND' || !(error instanceof SamError)) throw error;
    throw new SamError('SAM_NOT_FOUND', `\`encoder\`: no such file: ${path}`, { fix: 'check the path', cause: error });
  });
  return { spec: source.spec, source, ...(await ownEncoder(source, options)) };
}

/** Tells whether a file holds weights, rather than TorchScript. */
export async function isWeights(path: string): Promise<boolean> {
  try {
    await inspect(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'SAM_BAD_CHECKPOINT') return false;
    throw error;
  }
}

/** Builds an encoder aside: another process sees the whole file or none, and what a killed one leaves is swept away. */
async function buildInto(folder: string, encoder: string, weights: string, cacheDir: string): Promise<void> {
  const scratch = await scratchFolder(join(cacheDir, 'tmp'));
  try {
    const output = join(scratch.path, 'encoder.pt');
    await nativeCall(() => native().exportModel({ format: 'torchscript', weights, output }));
    await makeFolder(folder);
    await moveWhole(output, encoder);
  } finally {
    await scratch.remove();
  }
}
