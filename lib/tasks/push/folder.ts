/** The files of a tuned model as they lie on the Hub: for transformers where it knows the image encoder, else for this package. */
import { copyFile, rename } from 'node:fs/promises';
import { basename, isAbsolute, join } from 'node:path';
import { native, nativeCall } from '../../addon/native.js';
import { SamError } from '../../core/errors.js';
import { writeFileWhole } from '../../core/files.js';
import { sha256File } from '../../core/hash.js';
import { encodedBy } from '../../models/encoder.js';
import { TINY_VIT } from '../../models/encoders.js';
import { CHECKPOINT, CONFIG, MOBILE_SAM_CONFIG, MOBILE_SAM_WEIGHTS } from '../../models/hub-files.js';
import type { CheckpointInfo, ModelDescriptor, ResolvedModel } from '../../models/model.js';
import { inspect } from '../../models/source.js';
import { promptOptions } from '../../options.js';
import { copyTensors } from '../../runs/copy-tensors.js';
import { FORMATS } from '../export/formats.js';

/** Tuned weights as MobileSAM's own package loads them. */
export const MOBILE_SAM_TUNED = 'mobile_sam_tuned.pth';

/** What of a model is written, and how. */
const WHOLE = { part: 'both', cacheDir: undefined, layout: 'meta', variants: ['fp32'] } as const;

/** Whose library a folder is for: that of transformers, or this one alone. */
export type FolderKind = 'transformers' | 'mobile-sam';

/**
 * Writes the weights and configs of a run's model into an empty folder.
 *
 * @throws SamError `SAM_BAD_CHECKPOINT`: the decoder was tuned for another image encoder than the model's own.
 */
export async function writeModelFolder(folder: string, model: ResolvedModel): Promise<FolderKind> {
  if (model.descriptor.encoder !== null) {
    const encoder = basename(model.descriptor.encoder);
    throw new SamError('SAM_BAD_CHECKPOINT', `${model.spec} was tuned with another image encoder, ${encoder}`, {
      fix: 'only models whose weights hold their own image encoder can be pushed',
    });
  }
  if ((await inspect(model.weights)).encoder !== TINY_VIT.name) {
    await FORMATS.hf.write({ model, folder, ...WHOLE });
    return 'transformers';
  }
  await writeMobileSam(folder, model, model.checkpoint!);
  return 'mobile-sam';
}

/**
 * Writes what `--model owner/name` takes apart again: MobileSAM's weights as they were before training, and over them the tuned decoder
 * with the settings that it was trained with. And all of the tuned weights, for MobileSAM's own package.
 */
async function writeMobileSam(folder: string, model: ResolvedModel, checkpoint: CheckpointInfo): Promise<void> {
  const weights = join(folder, MOBILE_SAM_WEIGHTS);
  if (model.weights.endsWith('.safetensors')) await copyFile(model.weights, weights);
  else await nativeCall(() => native().convertWeights({ weights: model.weights, output: weights }));
  const weightsHash = await sha256File(weights);
  const descriptor = { ...model.descriptor, weightsHash, encoderHash: encodedBy(TINY_VIT.recipe, weightsHash) };
  await copyTensors(checkpoint.path, join(folder, CHECKPOINT), {
    keep: (name) => name.startsWith('mask_decoder.'),
    metadata: publishedMetadata(checkpoint, descriptor),
  });
  await writeFileWhole(join(folder, CONFIG), `${JSON.stringify(MOBILE_SAM_CONFIG, null, 2)}\n`);
  const [tuned] = await FORMATS.meta.write({ model, folder, ...WHOLE });
  await rename(join(folder, tuned!), join(folder, MOBILE_SAM_TUNED));
}

/** Entries of a checkpoint that say nothing of the machine that it was trained on. */
const TOLD = ['formatVersion', 'epoch', 'step', 'loss', 'stretch'];

/** Makes the metadata of the published checkpoint: no path of this machine is in them. */
function publishedMetadata({ metadata }: CheckpointInfo, descriptor: ModelDescriptor): Record<string, string> {
  const told = Object.entries(metadata).filter(([key]) => TOLD.includes(key));
  const options = JSON.parse(metadata.options ?? '{}') as Record<string, unknown>;
  const drawn = Object.entries(options).filter(([name]) => name in promptOptions && name !== 'roughMasks');
  const { spec } = descriptor;
  const model = { ...descriptor, spec: isAbsolute(spec) ? basename(spec) : spec };
  return {
    ...Object.fromEntries(told),
    model: JSON.stringify(model),
    options: JSON.stringify(Object.fromEntries(drawn)),
  };
}
