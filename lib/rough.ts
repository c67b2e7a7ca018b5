/** The sub-path `sam-native/rough`: what rough masks are made with, down to the pixels. Importing it loads neither the addon nor LibTorch. */

export type { LowResMask } from './data/low-res.js';
export { chebyshevDistance, erode } from './prompts/morphology.js';
export type { Margin } from './prompts/prompt.js';
export { type Cleaning, cleanMask } from './prompts/rough/clean.js';
export { dropSmall, fillHoles, keepLargest } from './prompts/rough/components.js';
export type { Distances, RoughResult } from './prompts/rough/compute.js';
export { type HsvBands, hsvMask, type Range, rgbToHsv } from './prompts/rough/hsv.js';
export { otsuThreshold } from './prompts/rough/otsu.js';
export { type RoughGrid, type RoughGridOptions, type RoughMask, RoughMasks } from './prompts/rough/rough-masks.js';
export type { BandChoice, IndexMethod, RoughMaskSettings, RoughMethod } from './prompts/rough/settings.js';
export {
  aboveThreshold,
  type BandRole,
  INDEX_BANDS,
  normalisedDifference,
  type SpectralIndex,
} from './prompts/rough/spectral.js';
