/** Result of `bench` as types: the contract of its JSON. */
import type { Precision } from '../../../binding.js';
import type { Meaning } from './meaning.js';

/** How fast an image encoder is. */
export interface EncoderSpeed {
  /** Name of the model, or for instance `ViT-B, random weights`. */
  model: string;
  /** Precision of the encoder. */
  precision: Precision;
  /** Seconds an image. */
  secondsPerImage: number;
  /** Images a second. */
  imagesPerSecond: number;
  /** Arithmetic of an image, counted from the sizes; null for an encoder that isn't SAM's or MobileSAM's. */
  gflopPerImage: number | null;
  /** GFLOP a second; null where the arithmetic is not counted. */
  gflopPerSecond: number | null;
}

/** How fast a training step is. */
export interface StepSpeed {
  /** Images in the batch. */
  batch: number;
  /** Seconds a step. */
  secondsPerStep: number;
  /** Steps a second. */
  stepsPerSecond: number;
  /** Images a second. */
  imagesPerSecond: number;
}

/** How fast prompts are, once the image is encoded. */
export interface PromptSpeed {
  /** Number of prompts at once. */
  prompts: number;
  /** Seconds a prompt. */
  secondsPerPrompt: number;
  /** Prompts a second. */
  promptsPerSecond: number;
}

/** What {@link bench} gives back. */
export interface BenchResult {
  /** Device that computed: `cpu` or `cuda:N`. */
  device: string;
  /** Name that the device gives itself. */
  deviceName: string;
  /** Precision of decoder steps, prompts and `means`. */
  precision: Precision;
  /** CPU threads. */
  threads: number;
  /** Versions of what was measured. */
  versions: {
    /** Version of sam-native. */
    samNative: string;
    /** Version of LibTorch. */
    libtorch: string;
    /** Version of Node. */
    node: string;
  };
  /** Day of the measurement, as 2026-01-31. */
  date: string;
  /** Whether each figure was measured once only. */
  quick: boolean;
  /** Speed of each encoder, in each precision. */
  encoder: EncoderSpeed[];
  /** Speed of training steps, by batch. */
  steps: StepSpeed[];
  /** Speed of prompts, one and many at once. */
  prompts: PromptSpeed[];
  /** For each model, with the fastest batch. */
  means: ({
    /** Name of the model. */
    model: string;
    /** Batch that trains fastest. */
    batch: number;
  } & Meaning)[];
  /** The file with the tables, if one was asked for. */
  out: string | null;
}
