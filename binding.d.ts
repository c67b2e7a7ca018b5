/**
 * The native boundary: every function and class that crosses between TypeScript and C++, and nothing else.
 *
 * Conventions. Arrays are row-major. B images, P prompts for each image, N points for each prompt, C mask outputs.
 * "Model frame": pixels of the 1024 x 1024 input, x then y, origin at the top left. Every Promise is settled on the
 * main thread; its work runs off it, on one of two lanes ("compute" or "data"), first in first out, one task at a
 * time in each. Rejections and throws are `Error`s with a `code` of {@link NativeErrorCode} and, where LibTorch spoke,
 * a `detail`. Typed arrays are checked (type, length) and copied before the call returns: they may be reused at once.
 */

/** Codes that native errors carry. */
// biome-ignore format: a list of words
export type NativeErrorCode =
  | 'SAM_BAD_ARGUMENT' | 'SAM_BAD_SHAPE' | 'SAM_BAD_CHECKPOINT' | 'SAM_BAD_ENCODER' | 'SAM_CACHE_DAMAGED'
  | 'SAM_DISPOSED' | 'SAM_IO' | 'SAM_NO_CUDA' | 'SAM_OUT_OF_MEMORY' | 'SAM_TORCH';

export type Precision = 'fp32' | 'bf16' | 'fp16';
export type MaskOutput = 'multi' | 'single'; // mask tokens 1 to 3, or token 0

/** Everything that holds native memory. Calls on a disposed handle fail with `SAM_DISPOSED`. */
export interface Disposable {
  dispose(): void;
  [Symbol.dispose](): void;
}

export interface RuntimeInfo {
  /** LibTorch compiled against, e.g. `2.13.0`. */
  compiledFor: string;
  /** LibTorch loaded now, e.g. `2.13`. */
  torch: string;
  /** The CPU multiplies bf16 in hardware (avx512_bf16 or AMX). */
  fastBf16: boolean;
  threads: number;
  /** Live native handles (models, trainers, encodings …): returns to its start when all are disposed. */
  liveHandles: number;
  /** `library`: this LibTorch has a CUDA half and it loads. `devices`: what the driver sees. Both only with `probeCuda`. */
  cuda: { library: boolean; available: boolean; devices: { name: string; memoryBytes: number; capability: string }[] };
}

/** Prompts of B images, P for each. A point label is 1 (positive), 0 (negative), -1 (Meta's "not a point"), -10 (Hugging
 * Face's padding: a zero token that attention sees) or -100 (missing: masked out of attention; the result is as without it). */
export interface PromptBatch {
  images: number;
  promptsPerImage: number;
  /** N; 0 where there are only boxes or masks. */
  pointsPerPrompt: number;
  /** B*P*N*2, model frame. */
  points?: Float32Array;
  /** B*P*N. */
  pointLabels?: Int32Array;
  /** B*P*4, x0 y0 x1 y1, model frame. */
  boxes?: Float32Array;
  /** B*P*256*256 logits. */
  masks?: Float32Array;
  /** B*P, 1 where the prompt exists. A missing prompt's masks enter neither mean, best nor loss. Default: all exist. */
  promptPresent?: Uint8Array;
}

/** How several masks of one image become one. Over the P prompts `best` takes the highest predicted IoU, `mean` averages logits. */
export interface Selection {
  maskOutput: MaskOutput;
  multiMask: 'best' | 'mean';
}

export type LossWeights = Record<'dice' | 'bce' | 'focal' | 'iou', number>;

/** Embeddings in memory, B x 256 x 64 x 64, fp32. */
export interface Embeddings extends Disposable {
  readonly count: number;
  /** A copy. */
  toFloat32Array(): Float32Array;
}

/** One image on its way through the encoder. */
export interface Encoding extends Disposable {
  /** Runs the next slice of the encoder (compute lane). True when the embedding is ready. */
  advance(): Promise<boolean>;
  /** The finished embedding, B = 1. Throws before `advance` returned true. */
  embeddings(): Embeddings;
}

export interface ImageEncoder extends Disposable {
  /** Resizes (Pillow's antialiased bilinear), normalises and pads interleaved RGB, on the data lane. `imageSize` N: the
   * picture is first resized to N x N. */
  begin(image: { pixels: Uint8Array; width: number; height: number; imageSize?: number }): Promise<Encoding>;
}

/** Embeddings on disk: safetensors shards in one directory, for one encoder, preprocessing and precision. Several
 * processes may write at once. All on the data lane. */
export interface EmbeddingCache extends Disposable {
  /** In memory: the shards' headers are read when opened. */
  has(key: string): boolean;
  readonly size: number;
  /** `SAM_CACHE_DAMAGED` (with `keys`) when a checksum fails: those keys are forgotten and their shard is deleted. */
  read(keys: string[]): Promise<Embeddings>;
  /** Kept in memory until a shard is full (16) or `flush`. */
  write(key: string, embeddings: Embeddings): Promise<void>;
  flush(): Promise<void>;
  /** Writes the embeddings of `keys` under `names` (256 x 64 x 64 each, fp32) to one safetensors file, one at a time. */
  export(options: { path: string; keys: string[]; names: string[] }): Promise<void>;
}

export interface Decoded {
  /** B*P*C*256*256 logits. */
  lowResLogits: Float32Array;
  /** B*P*C predicted IoU. */
  iouPredictions: Float32Array;
  outputs: number;
}

/** `masks`: one for each image, height*width of the original, 0 or 255. `scores`: B, predicted IoU of the mask taken (for
 * `mean` the mean over the prompts). `lowResLogits`: B*256*256, of the mask taken. */
export interface Predicted {
  masks: Uint8Array[];
  scores: Float32Array;
  lowResLogits: Float32Array;
}

/** Prompt encoder and mask decoder. */
export interface SamModel extends Disposable {
  /** Raw decoder output (compute lane). */
  decode(request: { embeddings: Embeddings; prompts: PromptBatch; maskOutput: MaskOutput }): Promise<Decoded>;
  /** Masks at each image's own size (compute lane). `sizes`: B*2 original height, width. `imageSize` as in `begin`. */
  predict(request: {
    embeddings: Embeddings;
    prompts: PromptBatch;
    selection: Selection;
    sizes: Int32Array;
    imageSize?: number;
  }): Promise<Predicted>;
}

export interface TrainingBatch {
  embeddings: Embeddings;
  prompts: PromptBatch;
  /** B*maskSize*maskSize, 0 or 1, padded at right and bottom. */
  targets: Uint8Array;
  maskSize: number;
  /** B*2: rows and columns of `targets` inside the picture; the rest never enters the loss. */
  validSizes: Int32Array;
}

export interface StepResult {
  /** Mean over the batch. NaN or infinite: nothing was changed. */
  loss: number;
  /** B, each image's loss. */
  losses: Float64Array;
  /** Norm of all gradients before clipping; NaN when `update` was false. */
  gradientNorm: number;
}

/** AdamW over the mask decoder of a model, which it shares with it, in the model's precision. All on the compute lane. */
export interface Trainer extends Disposable {
  /** Forward and backward; with `update` also clip and step. `scale` multiplies the loss (1 / accumulated batches). */
  step(
    batch: TrainingBatch,
    options: { learningRate: number; update: boolean; scale: number; clipGradNorm?: number },
  ): Promise<StepResult>;
  /** Without gradients; the mask is chosen as prediction does. IoU at `maskSize`. */
  validate(batch: TrainingBatch): Promise<{ losses: Float64Array; ious: Float64Array }>;
  /** Decoder (Hugging Face names) and `optimizer.*` to one safetensors file: temporary name, fsync, rename. Only between updates. */
  save(path: string, metadata: Record<string, string>): Promise<void>;
  /** Reads back what `save` wrote. */
  restore(path: string): Promise<void>;
}

export interface TrainerOptions {
  weightDecay: number;
  loss: LossWeights;
  selection: Selection;
}

/** The whole addon. */
export interface NativeBinding {
  /** Compared with the number that `lib/native.ts` was written for; another one is a stale build. */
  readonly contract: number;
  /** `probeCuda` loads LibTorch's CUDA library if it is there. */
  info(options?: { probeCuda?: boolean }): RuntimeInfo;
  /** CPU threads for the compute lane, for all later tasks of this process. */
  setThreads(threads: number): void;
  /** Reads the ONNX initialisers of MobileSAM's `encoder.onnx` and SAM's `sam.onnx` and writes them as safetensors under
   * MobileSAM's names (data lane). */
  convertMobileSam(options: { encoder: string; decoder: string; output: string }): Promise<void>;
  /** Reads a `.pth`/`.pt` state dict and writes it as safetensors, names unchanged (data lane). */
  convertPickle(options: { input: string; output: string }): Promise<void>;
  /** Writes MobileSAM's image encoder as TorchScript from weights in MobileSAM's names (compute lane). */
  exportEncoder(options: { weights: string; output: string }): Promise<void>;
  /** Loads a TorchScript encoder and, unless `check` is false, runs it once to see that N x 3 x 1024 x 1024 gives N x 256 x 64 x 64. */
  loadEncoder(options: { path: string; device: string; precision: Precision; check?: boolean }): Promise<ImageEncoder>;
  /** Loads prompt encoder and mask decoder from safetensors (Hugging Face or Meta names), then the `decoder` tensors of a checkpoint over it. */
  loadModel(options: { weights: string; decoder?: string; device: string; precision: Precision }): Promise<SamModel>;
  openCache(options: { directory: string; precision: 'fp16' | 'fp32' }): Promise<EmbeddingCache>;
  createTrainer(model: SamModel, options: TrainerOptions): Trainer;
  /** From B*256*64*64 floats. */
  embeddingsFrom(values: Float32Array): Embeddings;
  /** Writes named fp32 tensors of one shape to one safetensors file (data lane). */
  saveTensors(options: { path: string; names: string[]; shape: number[]; values: Float32Array }): Promise<void>;
}
