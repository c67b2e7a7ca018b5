/** Every score of a mask, at the label's resolution and on the decoder's grid. */
import { type LowResMask, toLowRes, withoutPadding } from '../data/low-res.js';
import type { Mask } from '../data/sample.js';
import { LOW_RES_SIDE } from '../frame.js';
import { boundaryScores } from './boundary.js';
import { confusion, scores } from './metrics.js';
import type { ImageScores, MaskScores, ScoresAt256 } from './results.js';

export type Measured = MaskScores & ScoresAt256 & Pick<ImageScores, 'labelPixels' | 'predictedPixels'>;

/**
 * Measures masks against a label, in both resolutions. Pixels without a label count nowhere; for edges they are as what lies beyond the
 * picture.
 */
export class Ruler {
  readonly #grid: LowResMask;

  constructor(
    readonly label: Mask,
    readonly imageSize: number | undefined,
  ) {
    this.#grid = toLowRes(label, LOW_RES_SIDE, imageSize);
  }

  /**
   * Measures a mask of the label's size.
   *
   * @param lowRes the decoder's logits, 256*256, above 0 inside. Without them the mask is brought to the decoder's grid.
   */
  async measure(mask: Uint8Array, lowRes?: Float32Array): Promise<Measured> {
    const { width, height, values, labelled } = this.label;
    const { validWidth, validHeight } = this.#grid;
    const counts = await confusion(mask, values, labelled);
    const own = { ...scores(counts), ...(await boundaryScores(withLabel(mask, labelled), values, width, height)) };
    const onGrid = lowRes ?? toLowRes({ values: mask, width, height }, LOW_RES_SIDE, this.imageSize).values;
    const smallLabelled = this.#grid.labelled && inPicture(this.#grid.labelled, this.#grid);
    const small = withLabel(inPicture(onGrid, this.#grid), smallLabelled);
    const smallLabel = inPicture(this.#grid.values, this.#grid);
    const at256 = {
      ...scores(await confusion(small, smallLabel, smallLabelled)),
      ...(await boundaryScores(small, smallLabel, validWidth, validHeight)),
    };
    return {
      ...own,
      ...suffixed(at256),
      labelPixels: counts.truePositive + counts.falseNegative,
      predictedPixels: counts.truePositive + counts.falsePositive,
    };
  }
}

/** Returns the part of the grid that the picture fills, as 0 and 1. */
function inPicture(grid: Uint8Array | Float32Array, frame: LowResMask): Uint8Array {
  const part = withoutPadding(grid, frame);
  const values = new Uint8Array(part.length);
  for (let at = 0; at < part.length; at++) values[at] = part[at]! > 0 ? 1 : 0;
  return values;
}

/** Returns what of a mask has a label: 0 where there is none. */
function withLabel(mask: Uint8Array, labelled: Uint8Array | undefined): Uint8Array {
  return labelled === undefined ? mask : mask.map((value, at) => (labelled[at] === 0 ? 0 : value));
}

function suffixed(scored: MaskScores): ScoresAt256 {
  const { iou, f1, precision, recall, accuracy, boundaryIou, boundaryF1, hd95 } = scored;
  return {
    iouAt256: iou,
    f1At256: f1,
    precisionAt256: precision,
    recallAt256: recall,
    accuracyAt256: accuracy,
    boundaryIouAt256: boundaryIou,
    boundaryF1At256: boundaryF1,
    hd95At256: hd95,
  };
}
