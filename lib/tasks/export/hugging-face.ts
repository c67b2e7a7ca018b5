/** `export --to hf`: a model as transformers' `SamModel.from_pretrained` reads it. */
import { existsSync } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { native, nativeCall } from '../../addon/native.js';
import { SamError } from '../../core/errors.js';
import { makeFolder, moveWhole, scratchFolder, writeFileWhole } from '../../core/files.js';
import { CONFIG, PREPROCESSOR } from '../../models/hub-files.js';
import { decoderFiles, type ResolvedModel } from '../../models/model.js';
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
      native().exportHuggingFace({
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

/** transformers' SamVisionConfig of the three sizes; what is not here has its default. */
const VISION: Record<string, object> = {
  'ViT-B': {
    hidden_size: 768,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    mlp_dim: 3072,
    global_attn_indexes: [2, 5, 8, 11],
  },
  'ViT-L': {
    hidden_size: 1024,
    num_hidden_layers: 24,
    num_attention_heads: 16,
    mlp_dim: 4096,
    global_attn_indexes: [5, 11, 17, 23],
  },
  'ViT-H': {
    hidden_size: 1280,
    num_hidden_layers: 32,
    num_attention_heads: 16,
    mlp_dim: 5120,
    global_attn_indexes: [7, 15, 23, 31],
  },
};

async function visionConfigOf(model: ResolvedModel): Promise<object | undefined> {
  if (model.folder !== undefined) return undefined; // its own config says it
  const { encoder } = await inspect(model.weights);
  const known = VISION[encoder ?? ''];
  if (known !== undefined) return known;
  throw new SamError(
    'SAM_BAD_CHECKPOINT',
    `${model.spec} cannot be exported for transformers: its SamModel knows ViT-B, L and H, and this has ${encoder ?? 'no image encoder'}`,
    { fix: 'export the encoder alone with --to torchscript, or tune facebook/sam-vit-base instead' },
  );
}

async function writeConfigs(folder: string, model: ResolvedModel, vision: object | undefined): Promise<void> {
  const config = model.folder && join(model.folder, CONFIG);
  if (config !== undefined) await copyFile(config, join(folder, CONFIG));
  else await writeFileWhole(join(folder, CONFIG), json(configOf(vision ?? {})));
  const preprocessor = model.folder && join(model.folder, PREPROCESSOR);
  if (preprocessor !== undefined && existsSync(preprocessor)) await copyFile(preprocessor, join(folder, PREPROCESSOR));
  else await writeFileWhole(join(folder, PREPROCESSOR), json(PREPROCESSING));
}

/** For Meta's weights, whose transformer norms have an epsilon of 1e-5. */
function configOf(vision: object): object {
  return {
    architectures: ['SamModel'],
    model_type: 'sam',
    vision_config: { model_type: 'sam_vision_model', ...vision },
    mask_decoder_config: { layer_norm_eps: 1e-5 },
    prompt_encoder_config: {},
  };
}

/** As `facebook/sam-vit-base` has it. */
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
