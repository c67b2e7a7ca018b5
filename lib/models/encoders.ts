/**
 * The image encoders that can be built from weights, a row each, as segment-anything's build_sam.py has SAM's: their names and
 * sizes. Resolving, `export`, `bench` and docs/models.md take from here what they need; their tensors are native/encoder's.
 */

interface Named {
  /** Name that `inspectWeights` gives it. */
  name: string;
  /** Model that it belongs to, as `--model` takes it. */
  model: string;
  /** Recipe by which weights become embeddings, part of their key: changed when the same weights would give others. */
  recipe: string;
  /** Scripted: it runs as TorchScript, which is written once, into the cache. */
  scripted: boolean;
}

/** ViT of SAM: https://arxiv.org/abs/2304.02643, after ViTDet, https://arxiv.org/abs/2203.16527. */
export interface Vit extends Named {
  kind: 'vit';
  /** Size as one word: that of its model's name, and of `bench --sizes`. */
  size: string;
  /** File names of Meta's weights begin with this: `sam_vit_b_01ec64.pth`. */
  file: string;
  dim: number;
  layers: number;
  heads: number;
  mlp: number;
  /** Layers that attend to the whole picture; the others to windows. */
  globalLayers: readonly number[];
  /** Side of the windows, in tokens. */
  window: number;
}

/** TinyViT of MobileSAM: https://arxiv.org/abs/2207.10666. The first stage is convolutional, the others attend within windows. */
export interface TinyVit extends Named {
  kind: 'tiny-vit';
  stages: readonly [Stage, ...Stage[]];
}

/** Stage of a TinyViT. `window`, `grid`: sides in tokens. */
export interface Stage {
  dim: number;
  blocks: number;
  window: number;
  grid: number;
}

export type Encoder = Vit | TinyVit;

/** ViT of any size: what SAM's three share with others. */
export const VIT = { kind: 'vit', recipe: 'vit-1', scripted: false, window: 14 } as const;

/** ViTs of SAM. */
// biome-ignore format: a table
export const VITS = [
  { ...VIT, name: 'ViT-B', size: 'base', model: 'facebook/sam-vit-base', file: 'sam_vit_b',
    dim: 768, layers: 12, heads: 12, mlp: 3072, globalLayers: [2, 5, 8, 11] },
  { ...VIT, name: 'ViT-L', size: 'large', model: 'facebook/sam-vit-large', file: 'sam_vit_l',
    dim: 1024, layers: 24, heads: 16, mlp: 4096, globalLayers: [5, 11, 17, 23] },
  { ...VIT, name: 'ViT-H', size: 'huge', model: 'facebook/sam-vit-huge', file: 'sam_vit_h',
    dim: 1280, layers: 32, heads: 16, mlp: 5120, globalLayers: [7, 15, 23, 31] },
] as const satisfies readonly Vit[];

export const TINY_VIT = {
  kind: 'tiny-vit',
  name: 'TinyViT',
  model: 'mobile-sam',
  recipe: 'tiny-vit-1',
  scripted: true,
  stages: [
    { dim: 64, blocks: 2, window: 0, grid: 256 },
    { dim: 128, blocks: 2, window: 7, grid: 128 },
    { dim: 160, blocks: 6, window: 14, grid: 64 },
    { dim: 320, blocks: 2, window: 7, grid: 64 },
  ],
} as const satisfies TinyVit;

/** Encoders, all of them. */
export const ENCODERS = [...VITS, TINY_VIT] as const;

/** Sizes of {@link VITS}. */
export type VitSize = (typeof VITS)[number]['size'];

/** Lists encoders by name, for messages: `ViT-B, ViT-L, ViT-H`. */
export const namesOf = (encoders: readonly Encoder[]) => encoders.map(({ name }) => name).join(', ');

/** Returns the encoder of the name that `inspectWeights` gave. */
export function encoderNamed(name: string | null): Encoder | undefined {
  return ENCODERS.find((encoder) => encoder.name === name);
}
