/** Result of `bench` as types: the contract of its JSON. */
import type { Precision } from '../../../binding.js';
import type { Meaning } from './meaning.js';

export interface EncoderSpeed {
  /** Name of the model, or for instance `ViT-B, random weights`. */
  model: string;
  precision: Precision;
  secondsPerImage: number;
  imagesPerSecond: number;
  /** Arithmetic of an image, counted from the sizes; null for an encoder that isn't SAM's or MobileSAM's. */
  gflopPerImage: number | null;
  gflopPerSecond: number | null;
}

export interface StepSpeed {
  batch: number;
  secondsPerStep: number;
  stepsPerSecond: number;
  imagesPerSecond: number;
}

export interface PromptSpeed {
  /** Number of prompts at once. */
  prompts: number;
  secondsPerPrompt: number;
  promptsPerSecond: number;
}

export interface BenchResult {
  device: string;
  deviceName: string;
  /** Precision of decoder steps, prompts and `means`. */
  precision: Precision;
  threads: number;
  versions: { samNative: string; libtorch: string; node: string };
  date: string;
  quick: boolean;
  encoder: EncoderSpeed[];
  steps: StepSpeed[];
  prompts: PromptSpeed[];
  /** For each model, with the fastest batch. */
  means: ({ model: string; batch: number } & Meaning)[];
  /** The file with the tables, if one was asked for. */
  out: string | null;
}
