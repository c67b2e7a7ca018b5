/** Which fold each sample is in: groups stay together, and folds are about equally large. */

import { SamError } from '../../core/errors.js';
import { dealOut } from '../../data/cuts.js';
import { type Groups, groupPattern, groupSamples } from '../../data/groups.js';
import type { Samples } from '../../data/sample.js';

/**
 * The fold of each sample, 0 to `folds` - 1, drawn from the seed.
 *
 * @throws SamError as {@link groupsForFolds}.
 */
export function foldsOf(samples: Samples, folds: number, groupBy: string | undefined, seed: number): Uint32Array {
  const { groupOf, sizes } = groupsForFolds(samples, folds, groupBy);
  const foldOfGroup = dealOut(sizes, folds, seed);
  return groupOf.map((group) => foldOfGroup[group]!);
}

/**
 * The groups that become folds: those of `--group-by`, else of each image.
 *
 * @throws SamError `SAM_BAD_DATA`: fewer groups than folds; `SAM_BAD_OPTION`: a pattern that can't be used.
 */
export function groupsForFolds(samples: Samples, folds: number, groupBy: string | undefined): Groups {
  const groups = groupSamples(samples, groupPattern(groupBy));
  const { sizes } = groups;
  if (sizes.length >= folds) return groups;
  const what = sizes.length === 1 ? '1 group' : `${sizes.length} groups`;
  const fix = sizes.length < 2 ? 'add images, or choose another `groupBy`' : `take \`folds\` ${sizes.length}, or less`;
  throw new SamError('SAM_BAD_DATA', `${samples.length} samples in ${what} make no ${folds} folds`, { fix });
}
