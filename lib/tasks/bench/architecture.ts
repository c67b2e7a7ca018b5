/** SAM's parts as numbers: what their sizes are, for counting their arithmetic and for making weights of their shapes. */

export interface VitConfig {
  dim: number;
  layers: number;
  heads: number;
  mlp: number;
  /** Layers that attend to the whole picture; the others to windows. */
  globalLayers: readonly number[];
}

export type VitSize = 'base' | 'large' | 'huge';

export const VIT: Readonly<Record<VitSize, VitConfig>> = {
  base: { dim: 768, layers: 12, heads: 12, mlp: 3072, globalLayers: [2, 5, 8, 11] },
  large: { dim: 1024, layers: 24, heads: 16, mlp: 4096, globalLayers: [5, 11, 17, 23] },
  huge: { dim: 1280, layers: 32, heads: 16, mlp: 5120, globalLayers: [7, 15, 23, 31] },
};

export const SIDE = 1024; // of the picture, pixels
export const PATCH = 16;
export const GRID = SIDE / PATCH; // side of the embedding
export const WINDOW = 14;
export const EMBEDDING = 256; // channels

/** MobileSAM's stages: the first is convolutional, the others attend within windows. `grid`: side in tokens. */
export const TINY_VIT = [
  { dim: 64, blocks: 2, window: 0, grid: 256 },
  { dim: 128, blocks: 2, window: 7, grid: 128 },
  { dim: 160, blocks: 6, window: 14, grid: 64 },
  { dim: 320, blocks: 2, window: 7, grid: 64 },
] as const;

export const DECODER = {
  layers: 2,
  mlp: 2048,
  /** Width of attention between tokens and image. */
  cross: 128,
  masks: 4,
  /** Channels after the two upscalings. */
  upscaled: [64, 32],
} as const;

/** Named tensors, the first side the slowest. */
export type Shapes = Record<string, readonly number[]>;

const linear = (name: string, inputs: number, outputs: number): Shapes => ({
  [`${name}.weight`]: [outputs, inputs],
  [`${name}.bias`]: [outputs],
});
const norm = (name: string, width: number): Shapes => ({ [`${name}.weight`]: [width], [`${name}.bias`]: [width] });

/** An image encoder's tensors, in Hugging Face's names. */
export function encoderShapes({ dim, layers, heads, mlp, globalLayers }: VitConfig): Shapes {
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
