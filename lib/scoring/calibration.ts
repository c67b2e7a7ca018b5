/** Does the model know how good its masks are? Its predicted IoU beside the real one. */
import type { Calibration, CalibrationBin } from './results.js';
import { correlation, mean, ranks } from './statistics.js';

const BINS = 10;

/**
 * Holds a model's guesses of its IoU against the truth.
 *
 * @param guesses predicted and real IoU of each image, at least one. A prediction beyond 0 to 1 falls into the outer bin.
 */
export function calibration(guesses: readonly { predicted: number; real: number }[]): Calibration {
  const [predicted, real] = [guesses.map((guess) => guess.predicted), guesses.map((guess) => guess.real)];
  const bins = Array.from({ length: BINS }, (_, index) =>
    binOf(
      index,
      guesses.filter((guess) => Math.min(BINS - 1, Math.max(0, Math.floor(guess.predicted * BINS))) === index),
    ),
  ).filter(({ count }) => count > 0);
  const error = (bin: CalibrationBin) => (bin.count * Math.abs(bin.meanPredicted - bin.meanReal)) / guesses.length;
  return {
    bins,
    expectedError: bins.reduce((sum, bin) => sum + error(bin), 0),
    bias: mean(predicted) - mean(real),
    meanAbsoluteError: mean(guesses.map((guess) => Math.abs(guess.predicted - guess.real))),
    pearson: correlation(predicted, real),
    spearman: correlation(ranks(predicted), ranks(real)),
  };
}

function binOf(index: number, guesses: readonly { predicted: number; real: number }[]): CalibrationBin {
  return {
    from: index / BINS,
    to: (index + 1) / BINS,
    count: guesses.length,
    meanPredicted: mean(guesses.map(({ predicted }) => predicted)),
    meanReal: mean(guesses.map(({ real }) => real)),
  };
}
