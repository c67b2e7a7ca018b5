/** Types for the tests: see extrapolate.mjs. */
export interface Job {
  images: number;
  validation: number;
  epochs: number;
}
export const WHOLE_JOB: Job;
export function recipeSeconds(
  measured: {
    batch: number;
    secondsPerStep: Record<'data' | 'forward' | 'backward' | 'optimizer', number>;
    secondsPerEncodedImage: number;
    secondsPerValidation: number;
    validationImages: number;
    secondsPerCheckpoint: number;
    seconds: { startup: number };
  },
  job: Job,
): number;
export function oursSeconds(
  measured: {
    seconds: Record<'setup' | 'encode' | 'train' | 'validate', number>;
    wall: number;
    epochs: number;
    trainedSamples: number;
    encodedImages: number;
    validationImages: number;
  },
  job: Job,
): number;
