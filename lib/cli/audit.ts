/** `sam-native audit`: ranks labels by how much models that have not seen them disagree, and applies what was decided about them. */
import { z } from 'zod';
import { SamError } from '../core/errors.js';
import type { AuditProgress, AuditResult } from '../tasks/audit/audit.js';
import type { ApplyResult } from '../tasks/audit/decisions.js';
import { type AuditOptions, auditOptionsSchema } from '../tasks/audit/options.js';
import { command } from './command.js';
import { encodingProgress } from './encoding-progress.js';
import type { ProgressTask, Reporter } from './progress.js';

/** Most images that are named on the terminal. */
const MOST_LISTED = 10;

export default command({
  options: {
    ...auditOptionsSchema.shape,
    data: auditOptionsSchema.shape.data.optional(),
    out: z
      .string()
      .optional()
      .describe(
        'folder for the review page, its pictures and the predicted masks (audit if not given); with --apply the manifest (.csv)',
      ),
    apply: z
      .string()
      .min(1)
      .optional()
      .describe('decisions saved on the review page: writes the manifest that follows'),
  },
  epilogue:
    'Examples:\n' +
    "  sam-native audit --data photos --group-by '^(.*)_[ab]$' --out audits/first\n" +
    '  sam-native audit --apply decisions.json --out reviewed.csv\n' +
    '  sam-native train --data reviewed.csv\n\n' +
    'Open review.html in a browser: each label is kept, replaced by the prediction, or dropped. It saves the manifest for train itself,\n' +
    'or the decisions for --apply.',
  async run({ given, reporter, hooks }): Promise<AuditResult | ApplyResult> {
    if (given.apply !== undefined) return apply(given);
    const { audit } = await import('../tasks/audit/audit.js');
    const onProgress = presenter(reporter);
    return audit(given as AuditOptions, { ...hooks, onProgress });
  },
  summary: (result) => ('items' in result ? auditSummary(result) : applySummary(result)),
});

async function apply({ apply: path, out, ...rest }: Record<string, unknown>): Promise<ApplyResult> {
  const needless = Object.keys(rest);
  if (needless.length > 0) {
    throw new SamError('SAM_BAD_OPTION', `--apply goes with --out only, not with ${needless.join(', ')}`, {
      fix: 'leave the others out: the decisions say which audit they belong to',
    });
  }
  const { applyDecisions } = await import('../tasks/audit/decisions.js');
  return applyDecisions(String(path), out === undefined ? undefined : String(out));
}

function presenter(reporter: Reporter): (progress: AuditProgress) => void {
  const encoding = encodingProgress(reporter);
  let bar: { label: string; task: ProgressTask } | undefined;
  const update = (label: string, done: number, total: number, note: string) => {
    if (bar?.label !== label) bar?.task.end();
    if (bar?.label !== label) bar = { label, task: reporter.task(label, total) };
    bar.task.update(done, note, total);
  };
  return (progress) => {
    if (progress.stage === 'encode') return encoding(progress);
    if (progress.stage === 'pictures') return update('pictures', progress.done, progress.total, '');
    const fold = `fold ${progress.fold}/${progress.folds}`;
    if (progress.stage === 'train') update(fold, progress.epoch, progress.epochs, 'epochs');
    else if (progress.done === progress.total) reporter.say(`${fold} has judged ${progress.total}`);
  };
}

export function auditSummary({ items, review }: AuditResult): string {
  const worst = items.slice(0, MOST_LISTED);
  const lines = worst.map(({ name, iou }, index) => `${String(index + 1).padStart(3)}  IoU ${iou.toFixed(3)}  ${name}`);
  const more = items.length > worst.length ? [`     and ${items.length - worst.length} more`] : [];
  return [`${items.length} labels, worst first:`, ...lines, ...more, '', `decide on ${review}`].join('\n');
}

function applySummary({ manifest, kept, replaced, dropped, others }: ApplyResult): string {
  const rest = others === 0 ? '' : `, ${others} of other splits`;
  return `${kept} kept, ${replaced} replaced, ${dropped} dropped${rest}\ntrain with: sam-native train --data ${manifest}`;
}
