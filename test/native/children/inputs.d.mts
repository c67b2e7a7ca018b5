import type {
  Embeddings,
  ImageEncoder,
  NativeBinding,
  Precision,
  PromptBatch,
  SamModel,
  TrainerOptions,
  TrainingBatch,
} from '../../../binding.js';

export declare const EMBEDDING: number;
export declare const MASK_SIZE: number;
export declare const TRAINING: TrainerOptions;
export declare const STEP: { learningRate: number; update: boolean; scale: number };
export declare function loadAddon(): NativeBinding;
export declare function loadModel(addon: NativeBinding, precision?: Precision): Promise<SamModel>;
export declare function loadEncoder(addon: NativeBinding): Promise<ImageEncoder>;
export declare function noise(count: number, seed: number): Float32Array;
export declare function onePoint(seed?: number): PromptBatch;
export declare function batchOf(addon: NativeBinding, seed?: number): TrainingBatch & { embeddings: Embeddings };
export declare function withoutDescriptors<T>(left: number, work: () => Promise<T>): Promise<T>;
export declare const picture: { pixels: Uint8Array; width: number; height: number };
