/** Options of the comparison of prompts: those of `train`, and what is compared. */
import { z } from 'zod';
import { SamError } from '../../core/errors.js';
import { parseOptions, requireOptions } from '../../core/parse-options.js';
import { without } from '../../core/without.js';
import type { ComparisonOptions } from '../../option-types.js';
import { dataOptions, modelOptions, optimiserOptions, presetOption, promptOptions, withPreset } from '../../options.js';
import type { PromptKind } from '../../prompts/prompt.js';
import { toRoughMaskSettings } from '../../prompts/rough/settings.js';
import { absolutePaths } from '../../training/resume.js';
import { kindsOf, promptKinds, testSplit } from '../workbench/options.js';
import type { ArmSource } from './arms.js';

export type { ComparisonOptions };

/** Options of the search that a comparison refuses. */
const OF_THE_SEARCH = ['lrs', 'losses', 'trials', 'eta', 'minEpochs', 'keepTrials'] as const;

export const comparisonOptionsSchema = z.strictObject({
  preset: presetOption,
  ...dataOptions,
  testSplit,
  promptKinds,
  ...modelOptions,
  ...without(promptOptions, 'prompt'),
  ...optimiserOptions,
  out: z.string().default('tune-prompts').describe('folder for the results and the runs'),
  overwrite: z.boolean().default(false).describe('replace the comparison that `out` holds'),
});

export type ResolvedComparisonOptions = z.output<typeof comparisonOptionsSchema>;

/** Checks the options and fills in the defaults; paths become absolute. @throws SamError `SAM_BAD_OPTION`: wrong options, all named. */
export function resolveComparisonOptions(given: ComparisonOptions): ResolvedComparisonOptions {
  for (const name of OF_THE_SEARCH) {
    if (!(name in requireOptions(given))) continue;
    throw new SamError('SAM_BAD_OPTION', `\`${name}\` says nothing where prompts are compared`, {
      fix: 'leave it out, or leave out `prompts`',
    });
  }
  // A config file of `train` names a kind; here all are compared.
  const compared = without(withPreset(given) as ComparisonOptions & { prompt?: unknown }, 'prompt');
  return absolutePaths(parseOptions(comparisonOptionsSchema, compared));
}

/** Kinds and sources that are compared, each once. @throws SamError `SAM_BAD_OPTION`: one kind alone is left, and one source. */
export function comparedOf(options: ResolvedComparisonOptions): { kinds: PromptKind[]; sources: ArmSource[] } {
  const kinds = [...new Set(kindsOf(options))];
  const sources = sourcesOf(options);
  if (kinds.length * sources.length < 2) {
    throw new SamError('SAM_BAD_OPTION', `there is nothing to compare: prompts are ${kinds[0]} alone`, {
      fix: 'name more with `promptKinds`, or describe rough masks with `roughMask`',
    });
  }
  return { kinds, sources };
}

/** Lists the sources: labels and, where one is described, a rough mask; `--prompt-source` keeps to one. */
function sourcesOf(options: ResolvedComparisonOptions): ArmSource[] {
  const { promptSource } = options;
  const described = toRoughMaskSettings(options) !== undefined;
  if (promptSource === 'ground-truth' || !described) return ['ground-truth'];
  return promptSource === 'rough' ? ['rough'] : ['ground-truth', 'rough'];
}
