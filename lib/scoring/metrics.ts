/**
 * How well the pixels of a mask agree with its label's.
 *
 * With TP, FP, FN the pixels in both, only in the mask, only in the label:
 *   IoU = TP / (TP + FP + FN)   (Jaccard 1901)      F1 = 2 TP / (2 TP + FP + FN)   (Dice 1945)
 *   precision = TP / (TP + FP)                      recall = TP / (TP + FN)
 *   accuracy = the share of all pixels that are right
 * An empty mask of an empty label is right: all are 1. Any other 0/0 is 0.
 */
import type { MaskScores } from './results.js';

/** Counts of pixels by what mask and label say of them. */
export interface Confusion {
  truePositive: number;
  falsePositive: number;
  falseNegative: number;
  trueNegative: number;
}

/** Scores of a mask's pixels. */
export type Scores = Pick<MaskScores, 'iou' | 'f1' | 'precision' | 'recall' | 'accuracy'>;

/** Pixels counted before other work gets its turn: about 5 ms. */
const SLICE = 1 << 21;

/**
 * Counts where two masks of one size agree; any value but 0 is inside. Node's event loop gets its turn between slices, so that a
 * picture of 100 megapixels does not hold up a service.
 *
 * @param labelled 0 where there is no label: those pixels aren't counted. Undefined: all are.
 * @throws RangeError: the lengths differ.
 */
export async function confusion(
  predicted: Uint8Array,
  label: Uint8Array,
  labelled?: Uint8Array | undefined,
): Promise<Confusion> {
  if (predicted.length !== label.length) {
    throw new RangeError(`a mask of ${predicted.length} pixels cannot be compared with a label of ${label.length}`);
  }
  let truePositive = 0;
  let predictedPixels = 0;
  let labelPixels = 0;
  let pixels = 0;
  for (let start = 0; start < label.length; start += SLICE) {
    if (start > 0) await new Promise(setImmediate);
    const end = Math.min(start + SLICE, label.length);
    for (let i = start; i < end; i++) {
      if (labelled !== undefined && labelled[i] === 0) continue;
      pixels++;
      const inPrediction = predicted[i] === 0 ? 0 : 1;
      const inLabel = label[i] === 0 ? 0 : 1;
      truePositive += inPrediction & inLabel;
      predictedPixels += inPrediction;
      labelPixels += inLabel;
    }
  }
  const falsePositive = predictedPixels - truePositive;
  const falseNegative = labelPixels - truePositive;
  const trueNegative = pixels - truePositive - falsePositive - falseNegative;
  return { truePositive, falsePositive, falseNegative, trueNegative };
}

/** Computes the scores from the counts, by the formulas at the top of this file. */
export function scores({ truePositive, falsePositive, falseNegative, trueNegative }: Confusion): Scores {
  const wrong = falsePositive + falseNegative;
  if (truePositive + wrong === 0) return { iou: 1, f1: 1, precision: 1, recall: 1, accuracy: 1 };
  return {
    iou: truePositive / (truePositive + wrong),
    f1: (2 * truePositive) / (2 * truePositive + wrong),
    precision: ratio(truePositive, truePositive + falsePositive),
    recall: ratio(truePositive, truePositive + falseNegative),
    accuracy: (truePositive + trueNegative) / (truePositive + trueNegative + wrong),
  };
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
