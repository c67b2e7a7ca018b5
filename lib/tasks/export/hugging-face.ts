/** `export --to hf`: writes a model as transformers' `SamModel.from_pretrained` reads it. */
import { existsSync } from 'node:fs';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { native, nativeCall } from '../../addon/native.js';
import { SamError } from '../../core/errors.js';
import { writeFileWhole } from '../../core/files.js';
import { encoderNamed, namesOf, VITS } from '../../models/encoders.js';
import { CONFIG, PREPROCESSOR } from '../../models/hub-files.js';
import { decoderFiles, type ResolvedModel } from '../../models/model.js';
import { trainedStretch } from '../../models/prompt-options.js';
import { inspect } from '../../models/source.js';
import { encoderSource } from './encoder-source.js';
import type { Format, Job } from './format.js';
import { openWeights } from './own-loader.js';

const WEIGHTS = 'model.safetensors';
/** Name of prompt encoder and mask decoder alone: no folder with it passes for a model, half of which would be random. */
const DECODER = 'decoder.safetensors';

/**
 * A folder of `model.safetensors` (all of the model, fp32: the tuned mask decoder, the rest bit for bit as it came), `config.json` and
 * `preprocessor_config.json`; or `decoder.safetensors` alone, to be laid over the model that it was tuned from.
 */
export const huggingFace: Format = {
  parts: ['both', 'decoder'],
  async write(job) {
    const { model, part, folder } = job;
    if (part === 'decoder') {
      await writeWeights(job, DECODER, { part });
      return [DECODER];
    }
    const vision = await visionConfigOf(model);
    await writeWeights(job, WEIGHTS, encoderSource(model));
    await writeConfigs(folder, model, { vision });
    return [WEIGHTS, CONFIG, PREPROCESSOR];
  },
  open: async (job) =>
    job.part === 'decoder' ? openWeights(job, DECODER, await epsilonOf(job.model)) : openWeights(job, ''),
};

async function writeWeights(
  { model, folder }: Job,
  name: string,
  what: { part: 'decoder' } | { encoder?: string },
): Promise<void> {
  const { weights, decoder } = decoderFiles(model);
  await nativeCall(() =>
    native().exportModel({
      format: 'hf',
      weights,
      ...what,
      ...(decoder !== undefined && { decoder }),
      output: join(folder, name),
    }),
  );
}

/** Folder of the model's own config, where that is of all of it. */
const folderOf = ({ folder, weights, encoderWeights }: ResolvedModel) =>
  encoderWeights === weights ? folder : undefined;

async function visionConfigOf(model: ResolvedModel): Promise<object | undefined> {
  if (folderOf(model) !== undefined) return undefined; // its own config says it
  const encoder = await encoderOf(model);
  const vision = visionConfig(encoder);
  if (vision !== undefined) return vision;
  throw new SamError(
    'SAM_BAD_CHECKPOINT',
    `${model.spec} cannot be exported for transformers: its SamModel knows ${namesOf(VITS)}, and this has ${encoder ?? 'no image encoder'}`,
    {
      fix: "export it for MobileSAM's own package with `to` meta, or as `to` onnx or torchscript; the decoder alone goes with `decoderOnly`",
    },
  );
}

/** Returns the name of the image encoder that is exported. */
export async function encoderOf(model: ResolvedModel): Promise<string | null> {
  return (await inspect(encoderSource(model).encoder ?? model.weights)).encoder;
}

/** Makes transformers' SamVisionConfig of an encoder that it knows; what is not here has its default. */
export function visionConfig(encoder: string | null): object | undefined {
  const known = encoderNamed(encoder);
  if (known?.kind !== 'vit') return undefined;
  const { dim, layers, heads, mlp, globalLayers } = known;
  return {
    hidden_size: dim,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    mlp_dim: mlp,
    global_attn_indexes: globalLayers,
  };
}

/** Writes the files by which others know the model, and make pictures ready for it. `more`: added to the config. */
export async function writeConfigs(
  folder: string,
  model: ResolvedModel,
  { vision = {}, more }: { vision?: object | undefined; more?: object | undefined },
): Promise<void> {
  const own = folderOf(model);
  const config = own && join(own, CONFIG);
  const isThere = config !== undefined && existsSync(config);
  if (isThere && more === undefined) await copyFile(config, join(folder, CONFIG));
  else {
    const base: object = isThere
      ? JSON.parse(await readFile(config, 'utf8'))
      : configOf(vision, await epsilonOf(model));
    await writeFileWhole(join(folder, CONFIG), json({ ...base, ...more }));
  }
  const preprocessor = own && join(own, PREPROCESSOR);
  const copied = preprocessor !== undefined && existsSync(preprocessor);
  const stretch = trainedStretch(model);
  if (copied && stretch === undefined) return copyFile(preprocessor, join(folder, PREPROCESSOR));
  const base: object = copied ? JSON.parse(await readFile(preprocessor, 'utf8')) : PREPROCESSING;
  // Others have to make pictures of measurements in the same way: the key is ours, and transformers passes it over.
  await writeFileWhole(join(folder, PREPROCESSOR), json({ ...base, ...(stretch && { sam_native_stretch: stretch }) }));
}

/** Returns the epsilon of the transformer's norms, which transformers takes from the config: Meta's code and its own differ. */
export async function epsilonOf({ normEpsilon, weights }: ResolvedModel): Promise<number> {
  return normEpsilon ?? ((await inspect(weights)).names === 'meta' ? 1e-5 : 1e-6);
}

function configOf(vision: object, epsilon: number): object {
  return {
    architectures: ['SamModel'],
    model_type: 'sam',
    vision_config: { model_type: 'sam_vision_model', ...vision },
    mask_decoder_config: { layer_norm_eps: epsilon },
    prompt_encoder_config: {},
  };
}

/** Config of the preprocessing, as `facebook/sam-vit-base` has it. */
const PREPROCESSING = {
  processor_class: 'SamProcessor',
  image_processor_type: 'SamImageProcessor',
  do_convert_rgb: true,
  do_normalize: true,
  do_pad: true,
  do_rescale: true,
  do_resize: true,
  image_mean: [0.485, 0.456, 0.406],
  image_std: [0.229, 0.224, 0.225],
  pad_size: { height: 1024, width: 1024 },
  resample: 2,
  rescale_factor: 1 / 255,
  size: { longest_edge: 1024 },
};

const json = (value: object) => `${JSON.stringify(value, null, 2)}\n`;
