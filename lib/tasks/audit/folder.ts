/** Folder of an audit: what lies where in it, and `audit.json`, which says all that was found. */
import { readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { SamError } from '../../core/errors.js';
import { writeFileWhole } from '../../core/files.js';
import { refuseNewer } from '../../core/format.js';

export const FORMAT_VERSION = 1;

export const auditPaths = (dir: string) => ({
  record: join(dir, 'audit.json'),
  review: join(dir, 'review.html'),
  manifest: join(dir, 'manifest.csv'),
  picture: (name: string) => join(dir, 'pictures', `${name}.jpg`),
  prediction: (name: string) => join(dir, 'predictions', `${name}.png`),
  /** Copies of pictures and labels that are no files of their own: rows of a Parquet file, drawn outlines. */
  copiedImage: (name: string, extension: string) => join(dir, 'images', `${name}.${extension}`),
  copiedLabel: (split: string, name: string, format: 'png' | 'tif') => join(dir, 'labels', split, `${name}.${format}`),
});

/**
 * Schema of a sample as a row of a manifest. Paths are absolute, but in `audit.json` those of files in the audit's folder start
 * there.
 */
const rowSchema = z.object({ name: z.string(), split: z.string(), image: z.string(), mask: z.string() });

const itemSchema = rowSchema.extend({
  prediction: z.string(),
  iou: z.number(),
  agreement: z.number(),
  labelShare: z.number(),
  predictionShare: z.number(),
  fold: z.number(),
});

const recordSchema = z.object({
  formatVersion: z.literal(FORMAT_VERSION),
  createdAt: z.string(),
  versions: z.object({ samNative: z.string(), libtorch: z.string(), node: z.string() }),
  /** Every option of `audit`. */
  options: z.record(z.string(), z.unknown()),
  split: z.string(),
  model: z.string(),
  /** Items, worst first. */
  items: z.array(itemSchema),
  /** Samples of the other splits, which go along into the manifest. */
  others: z.array(rowSchema),
});

export type ManifestRow = z.infer<typeof rowSchema>;

/** A label, and what the models that have not seen it make of its image. */
export interface AuditItem {
  /** Name of the sample within its split. */
  name: string;
  /** Split that was looked at. */
  split: string;
  /** Path of the image. */
  image: string;
  /** Path of the label. */
  mask: string;
  /** Path of the predicted masks' vote, a PNG of the label's size: 0 and 255. */
  prediction: string;
  /** IoU of the label with the vote, 0 to 1. */
  iou: number;
  /** Mean IoU of the predicted masks with their vote: near 1 where the model is sure of itself. */
  agreement: number;
  /** Share of the picture that the label covers, 0 to 1. */
  labelShare: number;
  /** Share of the picture that the vote covers, 0 to 1. */
  predictionShare: number;
  /** Fold that the image was held out with, from 1 on. */
  fold: number;
}

export type AuditRecord = z.infer<typeof recordSchema>;

/** Removes an earlier audit's own files, whose pictures and masks are about to be written over. */
export async function forgetAudit(dir: string): Promise<void> {
  const { record, review, manifest } = auditPaths(dir);
  for (const path of [record, review, manifest]) await rm(path, { force: true });
}

export async function writeRecord(dir: string, record: AuditRecord): Promise<void> {
  const inFolder = (path: string) => (path.startsWith(join(dir, '/')) ? path.slice(dir.length + 1) : path);
  await writeFileWhole(auditPaths(dir).record, `${JSON.stringify(withPaths(record, inFolder), null, 2)}\n`);
}

/**
 * Reads the record of an audit, and makes its paths absolute.
 *
 * @throws SamError `SAM_NOT_FOUND`: no audit there; `SAM_BAD_DATA`: not one of this version.
 */
export async function readRecord(dir: string): Promise<AuditRecord> {
  const { record: path } = auditPaths(dir);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new SamError('SAM_NOT_FOUND', `there is no audit in ${dir} (no audit.json)`, {
      fix: 'put the decisions into the folder of the audit that they belong to',
      cause: error,
    });
  });
  try {
    const record: unknown = JSON.parse(text);
    refuseNewer(path, record, { known: FORMAT_VERSION, code: 'SAM_BAD_DATA' });
    return withPaths(recordSchema.parse(record), (relative) => resolve(dir, relative));
  } catch (error) {
    if (error instanceof SamError) throw error;
    throw new SamError('SAM_BAD_DATA', `${path} is not an audit of this version`, {
      fix: 'audit again, or use the version that wrote it',
      cause: error,
    });
  }
}

function withPaths(record: AuditRecord, change: (path: string) => string): AuditRecord {
  const ofRow = <Row extends ManifestRow>(row: Row) => ({ ...row, image: change(row.image), mask: change(row.mask) });
  return {
    ...record,
    items: record.items.map((item) => ({ ...ofRow(item), prediction: change(item.prediction) })),
    others: record.others.map(ofRow),
  };
}
