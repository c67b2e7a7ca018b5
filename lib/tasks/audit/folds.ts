/** Which fold each sample is in: groups stay together, and folds are about equally large. */

import { SamError } from '../../core/errors.js';
import { groupPattern, groupSamples } from '../../data/groups.js';
import { inDrawnOrder } from '../../data/open-data.js';
import type { Samples } from '../../data/sample.js';

/**
 * The fold of each sample, 0 to `folds` - 1. Groups are those of `--group-by`, else of each image; in an order drawn from the seed
 * each goes to the fold that has fewest samples so far.
 *
 * @throws {SamError} `SAM_BAD_DATA`: fewer groups than folds; `SAM_BAD_OPTION`: a pattern that can't be used.
 */
export function foldsOf(samples: Samples, folds: number, groupBy: string | undefined, seed: number): Uint32Array {
  const { groupOf, sizes } = groupSamples(samples, groupPattern(groupBy));
  if (sizes.length < folds) {
    const groups = sizes.length === 1 ? '1 group' : `${sizes.length} groups`;
    const fix = sizes.length < 2 ? 'add images, or choose another --group-by' : `take --folds ${sizes.length}, or less`;
    throw new SamError('SAM_BAD_DATA', `${samples.length} samples in ${groups} make no ${folds} folds`, { fix });
  }
  const counts = new Array<number>(folds).fill(0);
  const foldOfGroup = new Uint32Array(sizes.length);
  for (const group of inDrawnOrder([...sizes.keys()], seed)) {
    const fold = counts.indexOf(Math.min(...counts));
    foldOfGroup[group] = fold;
    counts[fold]! += sizes[group]!;
  }
  return groupOf.map((group) => foldOfGroup[group]!);
}
