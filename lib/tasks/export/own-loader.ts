/** Exported weights at work: loaded anew from the files that were written, by this package itself. */
import { join } from 'node:path';
import type { ImageEncoder, PromptBatch, SamModel } from '../../../binding.js';
import { native, nativeCall } from '../../addon/native.js';
import { defaultCacheDir } from '../../core/cache-dir.js';
import { runEncoding } from '../../embeddings/encode.js';
import { LOW_RES_SIDE } from '../../frame.js';
import { findSource } from '../../models/source.js';
import type { DecodedMasks, EncoderInput, Exported } from './exported.js';
import type { Job } from './format.js';

const COMPUTE = { device: 'cpu', precision: 'fp32' } as const;
const PLANE = LOW_RES_SIDE ** 2;

export const loadEncoder = (path: string): Promise<ImageEncoder> =>
  nativeCall(() => native().loadEncoder({ path, ...COMPUTE, check: false }));

export const loadModel = (files: { weights: string; decoder?: string; normEpsilon?: number }): Promise<SamModel> =>
  nativeCall(() => native().loadModel({ ...files, ...COMPUTE }));

/** Encodes a picture: 256 x 64 x 64 numbers. */
export async function encodeBy(
  encoder: ImageEncoder,
  { image }: Pick<EncoderInput, 'image'>,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  using encoding = await nativeCall(() => encoder.begin(image));
  using embeddings = await runEncoding(encoding, signal);
  return embeddings.toFloat32Array();
}

/** Decodes all four mask tokens, token 0 first. */
export async function decodeAll(model: SamModel, embedding: Float32Array, prompts: PromptBatch): Promise<DecodedMasks> {
  using embeddings = native().embeddingsFrom(embedding);
  const [single, multi] = await nativeCall(() =>
    Promise.all((['single', 'multi'] as const).map((maskOutput) => model.decode({ embeddings, prompts, maskOutput }))),
  );
  const { promptsPerImage: count } = prompts;
  const lowResLogits = new Float32Array(count * 4 * PLANE);
  const iouPredictions = new Float32Array(count * 4);
  for (let prompt = 0; prompt < count; prompt++) {
    const [token0, others] = [single!, multi!].map(({ lowResLogits: all, outputs }) =>
      all.subarray(prompt * outputs * PLANE, (prompt + 1) * outputs * PLANE),
    );
    lowResLogits.set(token0!, prompt * 4 * PLANE);
    lowResLogits.set(others!, (prompt * 4 + 1) * PLANE);
    iouPredictions[prompt * 4] = single!.iouPredictions[prompt]!;
    iouPredictions.set(multi!.iouPredictions.subarray(prompt * 3, prompt * 3 + 3), prompt * 4 + 1);
  }
  return { lowResLogits, iouPredictions, outputs: 4 };
}

/**
 * Opens exported weights, a folder with a config or a file, as any other program's are opened here. `laidOver`: epsilon of the model
 * that a decoder is laid over, where no config and no names beside it say it.
 */
export async function openWeights(
  { folder, part, signal, onNote, cacheDir }: Job,
  name: string,
  laidOver?: number,
): Promise<Exported> {
  const options = { cacheDir: cacheDir ?? defaultCacheDir(), cwd: folder, signal, onNote };
  const { weights, normEpsilon = laidOver } = await findSource(join(folder, name), options);
  const encoder = part === 'decoder' ? undefined : await loadEncoder(weights);
  const model = await loadModel({ weights, ...(normEpsilon !== undefined && { normEpsilon }) });
  return {
    ...(encoder !== undefined && { encode: (picture) => encodeBy(encoder, picture, signal) }),
    decode: (embedding, prompts) => decodeAll(model, embedding, prompts),
    async close() {
      encoder?.dispose();
      model.dispose();
    },
  };
}
