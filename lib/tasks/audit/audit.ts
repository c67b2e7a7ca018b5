/**
 * `sam-native audit`: ranks the labels of a split by how much models that have not seen them disagree, and writes a page to decide on
 * each.
 */

import { join, resolve } from 'node:path';
import type { Precision } from '../../../binding.js';
import { prepareFolder, writeFileWhole } from '../../core/files.js';
import type { Hooks } from '../../core/hooks.js';
import { writeMaskPng } from '../../core/mask-png.js';
import { checkHooks } from '../../core/parse-options.js';
import { LabelDoubts } from '../../data/label-doubts.js';
import { loadSplit } from '../../data/open-data.js';
import type { Sample } from '../../data/sample.js';
import { manifestCsv } from '../../data/sources/manifest.js';
import type { EnsureProgress } from '../../embeddings/embedding-store.js';
import { confusion } from '../../scoring/metrics.js';
import { environment } from '../../training/environment.js';
import { trainOptionsOf } from '../workbench/options.js';
import { checkLabels, openWorkbench } from '../workbench/workbench.js';
import { otherSplits, SampleCopies } from './as-files.js';
import { agreementOf, consensus, iouOf } from './disagreement.js';
import { type AuditItem, type AuditRecord, auditPaths, FORMAT_VERSION, forgetAudit, writeRecord } from './folder.js';
import { foldsOf, groupsForFolds } from './folds.js';
import { type AuditOptions, type ResolvedAuditOptions, resolveAuditOptions } from './options.js';
import { type AuditBench, type FoldProgress, outOfFold, type Verdict } from './out-of-fold.js';
import { makePicture, type ReviewPicture } from './pictures.js';
import { reviewPage } from './review-page.js';

/** Hooks of {@link audit}. */
export type AuditControl = Hooks<AuditProgress>;

/** How far {@link audit} is: encoding, a fold, the pictures of the review page. */
export type AuditProgress =
  | ({ stage: 'encode' } & EnsureProgress)
  | FoldProgress
  | {
      stage: 'pictures';
      /** Number done so far. */
      done: number;
      /** Number of all of them. */
      total: number;
    };

/** What {@link audit} gives back. */
export interface AuditResult {
  /** Items, one for each label, worst first. */
  items: AuditItem[];
  /** Path of the page to look at; its folder holds its pictures and the predicted masks. */
  review: string;
  /** Path of the manifest: it keeps every label until `--apply` writes what was decided. */
  manifest: string;
  /** Names of the images left out. */
  skipped: string[];
  /** Number of folds. */
  folds: number;
  /** Name of the model that was tuned. */
  model: string;
  /** Device that computed: `cpu` or `cuda:N`. */
  device: string;
  /** Precision that the device computed in. */
  precision: Precision;
  /** Seconds that the whole took. */
  seconds: number;
}

/**
 * Ranks the labels of a split by how much models that have not seen them disagree: each fold is judged by a model tuned on the others.
 * Writes a page on which to decide about each label; {@link applyDecisions} takes what it saves.
 *
 * ```ts
 * const { items, review } = await audit({ data: 'photos', groupBy: '^(.*)_[ab]$' });
 * ```
 * @throws SamError `SAM_BAD_DATA`: pictures and labels, all named, or fewer groups than folds; `SAM_RUN_EXISTS`, `SAM_IO`: `out`; and
 * what `train` throws.
 */
export async function audit(given: AuditOptions, control: AuditControl = {}): Promise<AuditResult> {
  checkHooks(control);
  const checked = resolveAuditOptions(given);
  const options = { ...checked, out: resolve(checked.out) };
  const results = [auditPaths(options.out).record] as const;
  const discard = await prepareFolder(options.out, options.overwrite, { what: 'an audit', results });
  try {
    return await auditLabels(options, control);
  } catch (error) {
    await discard();
    throw error;
  }
}

async function auditLabels(options: ResolvedAuditOptions, control: AuditControl): Promise<AuditResult> {
  const started = performance.now();
  const run = trainOptionsOf(options, {});
  const found = await loadSplit(options, control);
  const doubts = new LabelDoubts(run);
  const checked = await checkLabels({ train: found }, run, { ...control, doubts });
  groupsForFolds(checked.train, options.folds, options.groupBy); // refuses too few groups before anything slow begins
  doubts.settle(control);
  const bench = await openWorkbench(checked, run, {
    ...control,
    onProgress: (progress) => control.onProgress?.({ stage: 'encode', ...progress }),
  });
  try {
    const samples = [...bench.splits.train];
    await forgetAudit(options.out);
    const items = await itemsOf(samples, options, bench, control);
    const record = await recordOf(items, options, bench.model, control);
    const { review, manifest } = await write(record, samples, options, control);
    const usable = new Set(samples);
    return {
      items,
      review,
      manifest,
      skipped: found.filter((sample) => !usable.has(sample)).map(({ name }) => name),
      folds: options.folds,
      model: bench.model,
      device: bench.compute.device,
      precision: bench.compute.precision,
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await bench.dispose();
  }
}

/** Makes an item for each sample, worst first. */
async function itemsOf(
  samples: readonly Sample[],
  options: ResolvedAuditOptions,
  bench: AuditBench,
  control: AuditControl,
): Promise<AuditItem[]> {
  const { folds, groupBy, seed, out, split } = options;
  const files = new SampleCopies(out);
  const items: AuditItem[] = [];
  const foldOf = foldsOf(samples, folds, groupBy, seed);
  for await (const verdict of outOfFold(samples, foldOf, { ...control, options, bench })) {
    items.push({ ...(await files.rowOf(verdict.sample, split)), ...(await findingsOf(verdict, out)) });
  }
  return items.sort((a, b) => a.iou - b.iou || (a.name < b.name ? -1 : 1));
}

async function findingsOf({ sample, fold, label, predictions }: Verdict, out: string) {
  const { values, labelled, width, height } = label;
  const masks = predictions.map(({ mask }) => mask);
  const vote = consensus(masks);
  const prediction = auditPaths(out).prediction(sample.name);
  await writeMaskPng(prediction, vote, width, height);
  const share = async (mask: Uint8Array) => {
    const counts = await confusion(mask, mask, labelled);
    return counts.truePositive / Math.max(1, counts.truePositive + counts.trueNegative);
  };
  return {
    prediction,
    iou: await iouOf(vote, values, labelled),
    agreement: await agreementOf(masks, vote, labelled),
    labelShare: await share(values),
    predictionShare: await share(vote),
    fold,
  };
}

async function recordOf(
  items: AuditItem[],
  options: ResolvedAuditOptions,
  model: string,
  { onWarning }: AuditControl,
): Promise<AuditRecord> {
  // Where its own pictures had to be copied, those of the other splits are no files either.
  const copied = items.some(({ image }) => image.startsWith(join(options.out, '/')));
  const others = copied ? [] : await otherSplits(options, new SampleCopies(options.out), onWarning);
  return {
    formatVersion: FORMAT_VERSION,
    createdAt: new Date().toISOString(),
    versions: environment.versions(),
    options,
    split: options.split,
    model,
    items,
    others,
  };
}

/** Writes the files of an audit. The page comes last: once it is there, all is. */
async function write(
  record: AuditRecord,
  samples: readonly Sample[],
  { out, show }: ResolvedAuditOptions,
  { signal, onProgress }: AuditControl,
): Promise<{ review: string; manifest: string }> {
  const paths = auditPaths(out);
  const byName = new Map(samples.map((sample) => [sample.name, sample]));
  const shown = record.items.slice(0, show);
  const pictures: ReviewPicture[] = [];
  for (const { name, prediction } of shown) {
    signal?.throwIfAborted();
    pictures.push(await makePicture(byName.get(name)!, prediction, paths.picture(name)));
    onProgress?.({ stage: 'pictures', done: pictures.length, total: shown.length });
  }
  await writeRecord(out, record);
  await writeFileWhole(paths.manifest, manifestCsv([...record.items, ...record.others]));
  await writeFileWhole(paths.review, reviewPage(record, pictures, out));
  return { review: paths.review, manifest: paths.manifest };
}
