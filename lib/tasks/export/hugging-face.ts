/** `export --to hf`: writes a model as transformers' `SamModel.from_pretrained` reads it. */
import { existsSync } from 'node:fs';
import { copyFile, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { native, nativeCall } from '../../addon/native.js';
import { SamError } from '../../core/errors.js';
import { makeFolder, moveWhole, scratchFolder, writeFileWhole } from '../../core/files.js';
import { encoderNamed, namesOf, VITS, type Vit } from '../../models/encoders.js';
import { CONFIG, PREPROCESSOR } from '../../models/hub-files.js';
import { decoderFiles, type ResolvedModel } from '../../models/model.js';
import { trainedStretch } from '../../models/prompt-options.js';
import { inspect } from '../../models/source.js';

const WEIGHTS = 'model.safetensors';

/**
 * Writes a folder: `model.safetensors` (all of the model, fp32: the tuned mask decoder, the rest bit for bit as it came),
 * `config.json` and `preprocessor_config.json`. Files of those names that are there are replaced, others stay. Returns their paths.
 *
 * @throws SamError `SAM_BAD_CHECKPOINT`: an image encoder that transformers' SamModel doesn't know; `SAM_IO`: the folder cannot be
 * written.
 */
export async function exportHuggingFace(model: ResolvedModel, out: string | undefined): Promise<string[]> {
  const vision = await visionConfigOf(model);
  const folder = resolve(out ?? `${model.name}-hf`);
  const made = await makeFolder(folder);
  // Beside the target, so that the weights are moved and not copied.
  const scratch = await scratchFolder(folder);
  try {
    const { weights, decoder } = decoderFiles(model);
    await nativeCall(() =>
      native().exportModel({
        format: 'hf',
        weights,
        ...(decoder !== undefined && { decoder }),
        output: join(scratch.path, WEIGHTS),
      }),
    );
    await writeConfigs(scratch.path, model, vision);
    const names = [WEIGHTS, CONFIG, PREPROCESSOR];
    for (const name of names) await moveWhole(join(scratch.path, name), join(folder, name));
    return names.map((file) => join(folder, file));
  } catch (error) {
    if (made !== undefined) await rm(made, { recursive: true, force: true });
    throw error;
  } finally {
    await scratch.remove();
  }
}

async function visionConfigOf(model: ResolvedModel): Promise<object | undefined> {
  if (model.folder !== undefined) return undefined; // its own config says it
  const { encoder } = await inspect(model.weights);
  const known = encoderNamed(encoder);
  if (known?.kind === 'vit') return visionConfig(known);
  throw new SamError(
    'SAM_BAD_CHECKPOINT',
    `${model.spec} cannot be exported for transformers: its SamModel knows ${namesOf(VITS)}, and this has ${encoder ?? 'no image encoder'}`,
    { fix: 'export the encoder alone with `to` torchscript, or tune facebook/sam-vit-base instead' },
  );
}

/** Makes transformers' SamVisionConfig; what is not here has its default. */
function visionConfig({ dim, layers, heads, mlp, globalLayers }: Vit): object {
  return {
    hidden_size: dim,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    mlp_dim: mlp,
    global_attn_indexes: globalLayers,
  };
}

async function writeConfigs(folder: string, model: ResolvedModel, vision: object | undefined): Promise<void> {
  const config = model.folder && join(model.folder, CONFIG);
  if (config !== undefined) await copyFile(config, join(folder, CONFIG));
  else await writeFileWhole(join(folder, CONFIG), json(configOf(vision ?? {})));
  const preprocessor = model.folder && join(model.folder, PREPROCESSOR);
  const copied = preprocessor !== undefined && existsSync(preprocessor);
  const stretch = trainedStretch(model);
  if (copied && stretch === undefined) return copyFile(preprocessor, join(folder, PREPROCESSOR));
  const base: object = copied ? JSON.parse(await readFile(preprocessor, 'utf8')) : PREPROCESSING;
  // Others have to make pictures of measurements in the same way: the key is ours, and transformers passes it over.
  await writeFileWhole(join(folder, PREPROCESSOR), json({ ...base, ...(stretch && { sam_native_stretch: stretch }) }));
}

/** Makes the config for Meta's weights, whose transformer norms have an epsilon of 1e-5. */
function configOf(vision: object): object {
  return {
    architectures: ['SamModel'],
    model_type: 'sam',
    vision_config: { model_type: 'sam_vision_model', ...vision },
    mask_decoder_config: { layer_norm_eps: 1e-5 },
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
