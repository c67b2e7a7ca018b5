/** Options of `audit`: those of `train` that make a model, and how it is asked about the labels. */
import { z } from 'zod';
import { parseOptions } from '../../core/parse-options.js';
import { without } from '../../core/without.js';
import type { AuditOptions } from '../../option-types.js';
import { dataOptions, modelOptions, optimiserOptions, presetOption, promptOptions, withPreset } from '../../options.js';

export type { AuditOptions };

const count = z.number().int();
const data = without(dataOptions, 'trainSplit', 'validationSplit', 'validationFraction');
// Every model trains as long as the others: what would end one early is the loss on the very labels in question.
const optimiser = without(optimiserOptions, 'earlyStop');

export const auditOptionsSchema = z.strictObject({
  preset: presetOption,
  ...data,
  groupBy: data.groupBy.describe(
    'regular expression on the file name; what its first group matches stays in one fold (crops of one picture)',
  ),
  split: z.string().default('train').describe('the labelled split that is looked at'),
  folds: count.min(2).default(5).describe('models that are trained, each without the labels that it then judges'),
  draws: count.min(1).default(5).describe('prompts drawn for each image; their masks are put to the vote'),
  ...modelOptions,
  ...promptOptions,
  ...optimiser,
  // A few quick epochs: measured with spoilt labels (docs/benchmarks-history.md), a higher rate than train's finds more of them.
  lr: z.number().gt(0).default(1e-4).describe('learning rate of AdamW'),
  epochs: count.min(1).default(10).describe('passes over the other folds, of each model'),
  show: count.min(1).default(200).describe('images on the review page, the worst ones; all others are kept'),
  out: z.string().default('audit').describe('folder for the review page, its pictures and the predicted masks'),
  overwrite: z.boolean().default(false).describe('replace the audit that `out` holds'),
});

/** Options of `audit`, checked and with defaults filled in. */
export type ResolvedAuditOptions = z.output<typeof auditOptionsSchema>;

/** Checks the options and fills in the defaults. @throws SamError `SAM_BAD_OPTION`: wrong options, all named. */
export function resolveAuditOptions(given: AuditOptions): ResolvedAuditOptions {
  return parseOptions(auditOptionsSchema, withPreset(given));
}
