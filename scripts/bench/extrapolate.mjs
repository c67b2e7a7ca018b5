/** From a measured piece of work to the whole job, in seconds. Start-up, validation and checkpoints count on both sides. */

/** The article's: its photographs to train on and (held out) to validate, its epochs. */
export const WHOLE_JOB = { images: 1000, validation: 225, epochs: 50 };

/**
 * startup + epochs * (images * encoder + steps * rest of a step + validation + checkpoint).
 * @param measured a result of bench-recipe.py
 */
export function recipeSeconds(measured, job) {
  const { data, forward, backward, optimizer } = measured.secondsPerStep;
  const steps = Math.ceil(job.images / measured.batch);
  const training = job.images * measured.secondsPerEncodedImage + steps * (data + forward + backward + optimizer);
  const validation = (job.validation * measured.secondsPerValidation) / measured.validationImages;
  return measured.seconds.startup + job.epochs * (training + validation + measured.secondsPerCheckpoint);
}

/**
 * startup + (images + validation) * encoder + epochs * (images * trained image + validation + checkpoint).
 * @param measured a result of `sam-native train --json` with `wall`; what its seconds don't name counts as an epoch's checkpoints
 */
export function oursSeconds(measured, job) {
  const { setup, encode, train, validate } = measured.seconds;
  const { epochs, trainedSamples, encodedImages, validationImages, wall } = measured;
  const other = (wall - setup - encode - train - validate) / epochs;
  const validation = (validate * job.validation) / (validationImages * epochs);
  const encoding = ((job.images + job.validation) * encode) / encodedImages;
  return setup + encoding + job.epochs * ((job.images * train) / trainedSamples + validation + other);
}
