/** SAM's tensors, for making weights of their shapes. */
import type { Vit } from '../../models/encoders.js';
import { DECODER, EMBEDDING, GRID, PATCH } from './work.js';

const WINDOW = 14;

/** Named tensors, the first side the slowest. */
export type Shapes = Record<string, readonly number[]>;

const linear = (name: string, inputs: number, outputs: number): Shapes => ({
  [`${name}.weight`]: [outputs, inputs],
  [`${name}.bias`]: [outputs],
});
const norm = (name: string, width: number): Shapes => ({ [`${name}.weight`]: [width], [`${name}.bias`]: [width] });

/** An image encoder's tensors, in Hugging Face's names. */
export function encoderShapes({
  dim,
  layers,
  heads,
  mlp,
  globalLayers,
}: Pick<Vit, 'dim' | 'layers' | 'heads' | 'mlp' | 'globalLayers'>): Shapes {
  const shapes: Shapes = {
    'vision_encoder.pos_embed': [1, GRID, GRID, dim],
    'vision_encoder.patch_embed.projection.weight': [dim, 3, PATCH, PATCH],
    'vision_encoder.patch_embed.projection.bias': [dim],
    'vision_encoder.neck.conv1.weight': [EMBEDDING, dim, 1, 1],
    ...norm('vision_encoder.neck.layer_norm1', EMBEDDING),
    'vision_encoder.neck.conv2.weight': [EMBEDDING, EMBEDDING, 3, 3],
    ...norm('vision_encoder.neck.layer_norm2', EMBEDDING),
  };
  for (let layer = 0; layer < layers; layer++) {
    const name = `vision_encoder.layers.${layer}`;
    const positions = [2 * (globalLayers.includes(layer) ? GRID : WINDOW) - 1, dim / heads];
    Object.assign(shapes, {
      ...norm(`${name}.layer_norm1`, dim),
      ...linear(`${name}.attn.qkv`, dim, 3 * dim),
      ...linear(`${name}.attn.proj`, dim, dim),
      [`${name}.attn.rel_pos_h`]: positions,
      [`${name}.attn.rel_pos_w`]: positions,
      ...norm(`${name}.layer_norm2`, dim),
      ...linear(`${name}.mlp.lin1`, dim, mlp),
      ...linear(`${name}.mlp.lin2`, mlp, dim),
    });
  }
  return shapes;
}

/** The prompt encoder's and the mask decoder's tensors, in Hugging Face's names. */
export function decoderShapes(): Shapes {
  return { ...promptEncoderShapes(), ...transformerShapes(), ...maskHeadShapes() };
}

function promptEncoderShapes(): Shapes {
  const name = 'prompt_encoder';
  const points = [0, 1, 2, 3].map((kind) => [`${name}.point_embed.${kind}.weight`, [1, EMBEDDING]]);
  return {
    [`${name}.shared_embedding.positional_embedding`]: [2, EMBEDDING / 2],
    ...Object.fromEntries(points),
    [`${name}.not_a_point_embed.weight`]: [1, EMBEDDING],
    [`${name}.no_mask_embed.weight`]: [1, EMBEDDING],
    ...{ [`${name}.mask_embed.conv1.weight`]: [4, 1, 2, 2], [`${name}.mask_embed.conv1.bias`]: [4] },
    ...norm(`${name}.mask_embed.layer_norm1`, 4),
    ...{ [`${name}.mask_embed.conv2.weight`]: [16, 4, 2, 2], [`${name}.mask_embed.conv2.bias`]: [16] },
    ...norm(`${name}.mask_embed.layer_norm2`, 16),
    ...{ [`${name}.mask_embed.conv3.weight`]: [EMBEDDING, 16, 1, 1], [`${name}.mask_embed.conv3.bias`]: [EMBEDDING] },
  };
}

function attention(name: string, width: number): Shapes {
  return {
    ...linear(`${name}.q_proj`, EMBEDDING, width),
    ...linear(`${name}.k_proj`, EMBEDDING, width),
    ...linear(`${name}.v_proj`, EMBEDDING, width),
    ...linear(`${name}.out_proj`, width, EMBEDDING),
  };
}

function transformerShapes(): Shapes {
  const name = 'mask_decoder.transformer';
  const shapes: Shapes = {
    ...attention(`${name}.final_attn_token_to_image`, DECODER.cross),
    ...norm(`${name}.layer_norm_final_attn`, EMBEDDING),
  };
  for (let layer = 0; layer < DECODER.layers; layer++) {
    const own = `${name}.layers.${layer}`;
    Object.assign(shapes, {
      ...attention(`${own}.self_attn`, EMBEDDING),
      ...attention(`${own}.cross_attn_token_to_image`, DECODER.cross),
      ...attention(`${own}.cross_attn_image_to_token`, DECODER.cross),
      ...linear(`${own}.mlp.lin1`, EMBEDDING, DECODER.mlp),
      ...linear(`${own}.mlp.lin2`, DECODER.mlp, EMBEDDING),
    });
    for (const number of [1, 2, 3, 4]) Object.assign(shapes, norm(`${own}.layer_norm${number}`, EMBEDDING));
  }
  return shapes;
}

function maskHeadShapes(): Shapes {
  const name = 'mask_decoder';
  const [first, second] = DECODER.upscaled;
  const mlp = (own: string, outputs: number): Shapes => ({
    ...linear(`${own}.proj_in`, EMBEDDING, EMBEDDING),
    ...linear(`${own}.layers.0`, EMBEDDING, EMBEDDING),
    ...linear(`${own}.proj_out`, EMBEDDING, outputs),
  });
  const shapes: Shapes = {
    [`${name}.iou_token.weight`]: [1, EMBEDDING],
    [`${name}.mask_tokens.weight`]: [DECODER.masks, EMBEDDING],
    ...{ [`${name}.upscale_conv1.weight`]: [EMBEDDING, first, 2, 2], [`${name}.upscale_conv1.bias`]: [first] },
    ...norm(`${name}.upscale_layer_norm`, first),
    ...{ [`${name}.upscale_conv2.weight`]: [first, second, 2, 2], [`${name}.upscale_conv2.bias`]: [second] },
    ...mlp(`${name}.iou_prediction_head`, DECODER.masks),
  };
  for (let mask = 0; mask < DECODER.masks; mask++)
    Object.assign(shapes, mlp(`${name}.output_hypernetworks_mlps.${mask}`, second));
  return shapes;
}
