/** The whole job from a measured piece of it: a piece that is the whole job must give its own wall time. */
import { expect, test } from 'vitest';
import { oursSeconds, recipeSeconds } from '../../scripts/bench/extrapolate.mjs';

const JOB = { images: 16, validation: 4, epochs: 3 };

test('the recipe encodes every image of every epoch, and those of the validation', () => {
  const measured = {
    batch: 8,
    secondsPerStep: { data: 0.1, forward: 1, backward: 2, optimizer: 0.4 },
    secondsPerEncodedImage: 5,
    secondsPerValidation: 12,
    validationImages: 2,
    secondsPerCheckpoint: 0.5,
    seconds: { startup: 6 },
  };
  // 3 epochs of 16 images, 2 steps, 4 validation images at 6 s, a checkpoint
  expect(recipeSeconds(measured, JOB)).toBeCloseTo(6 + 3 * (16 * 5 + 2 * 3.5 + 24 + 0.5));
});

test('ours encodes each image once', () => {
  const seconds = { setup: 2, encode: 40, train: 18, validate: 6 };
  const measured = { seconds, wall: 69, epochs: 3, trainedSamples: 48, encodedImages: 20, validationImages: 4 };
  expect(oursSeconds(measured, JOB)).toBeCloseTo(69);
  const longer = { ...JOB, epochs: 30 };
  expect(oursSeconds(measured, longer)).toBeCloseTo(42 + 10 * (69 - 42));
  const larger = { ...JOB, images: 160 };
  expect(oursSeconds(measured, larger)).toBeCloseTo(2 + 164 * 2 + 3 * (20 * 3 + 2 + 1));
});
