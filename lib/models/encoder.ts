/** The image encoder of a model: the file that the user names, or one built from the weights, once, into the cache. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SamError } from '../errors.js';
import { makeFolder, moveWhole, scratchFolder } from '../files.js';
import { native, nativeCall } from '../native.js';
import { sha256, sha256File } from './hash.js';

/** Changes when an encoder built from the same weights would give other embeddings. */
const RECIPE = 'tiny-vit-1';

export interface EncoderFile {
  /** TorchScript. */
  encoder: string;
  encoderHash: string;
}

/** A TorchScript file that the user names. It is loaded, and so proved, only when something must be encoded. */
export async function givenEncoder(path: string, signal?: AbortSignal): Promise<EncoderFile> {
  if (!existsSync(path)) {
    throw new SamError('SAM_NOT_FOUND', `--encoder: no such file: ${path}`, { fix: 'check the path' });
  }
  return { encoder: path, encoderHash: await sha256File(path, signal) };
}

/** Where the weights hold MobileSAM's TinyViT, its encoder; written on first use. `names`: the tensors in `weights`. */
export async function builtEncoder(options: {
  cacheDir: string;
  name: string;
  weights: string;
  weightsHash: string;
  names: Iterable<string>;
  onStep?: ((line: string) => void) | undefined;
}): Promise<EncoderFile> {
  const { weights, weightsHash } = options;
  requireTinyViT(weights, options.names);
  const folder = join(options.cacheDir, 'models', `${options.name}-${weightsHash.slice(0, 8)}`);
  const encoder = join(folder, `encoder-${RECIPE}.pt`);
  if (!existsSync(encoder)) {
    options.onStep?.(`building the image encoder of ${options.name}`);
    await buildInto(folder, encoder, weights, options.cacheDir);
  }
  return { encoder, encoderHash: sha256(`${RECIPE}:${weightsHash}`) };
}

/** Built aside: another process sees the whole file or none, and what a killed one leaves is swept away. */
async function buildInto(folder: string, encoder: string, weights: string, cacheDir: string): Promise<void> {
  const scratch = await scratchFolder(join(cacheDir, 'tmp'));
  try {
    const output = join(scratch.path, 'encoder.pt');
    await nativeCall(() => native().exportEncoder({ weights, output }));
    await makeFolder(folder);
    await moveWhole(output, encoder);
  } finally {
    await scratch.remove();
  }
}

function requireTinyViT(weights: string, names: Iterable<string>): void {
  const all = [...names];
  if (all.some((name) => name.startsWith('image_encoder.patch_embed.seq.'))) return;
  const other = all.some((name) => name.startsWith('image_encoder.') || name.startsWith('vision_encoder.'));
  throw new SamError(
    'SAM_BAD_ENCODER',
    other
      ? `${weights}: its image encoder is not MobileSAM's, the only one that can be built from weights`
      : `${weights}: no image encoder in it`,
    { fix: 'name a TorchScript encoder with --encoder FILE.pt (scripts/export_encoder.py writes one)' },
  );
}
