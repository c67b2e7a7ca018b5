/** Decisions of the review page, and the manifest for `train --data` that follows from them. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { SamError, systemCode } from '../../core/errors.js';
import { writeFileWhole } from '../../core/files.js';
import { parseOptions } from '../../core/parse-options.js';
import { nameAll } from '../../core/words.js';
import { manifestCsv } from '../../data/sources/manifest.js';
import { type AuditItem, type AuditRecord, auditPaths, type ManifestRow, readRecord } from './folder.js';

/** Decision about a label: it stays, the predicted mask takes its place, or the image is left out. */
export type Decision = 'keep' | 'replace' | 'drop';

/** Decisions as the review page saves them. */
export interface Decisions {
  /** Folder of the audit, as it was when the page was written. */
  audit: string;
  /** Time of the audit, since names alone can't tell it from another one. */
  createdAt: string;
  /** Decisions by the name of the sample; a label without one is kept. */
  decisions: Record<string, Decision>;
}

const decisionsSchema: z.ZodType<Decisions> = z.object({
  audit: z.string(),
  createdAt: z.string(),
  decisions: z.record(z.string(), z.enum(['keep', 'replace', 'drop'])),
});

/** What {@link applyDecisions} gives back. */
export interface ApplyResult {
  /** Path of the manifest that was written. */
  manifest: string;
  /** Labels that stay. */
  kept: number;
  /** Labels that the predicted mask replaces. */
  replaced: number;
  /** Images left out. */
  dropped: number;
  /** Number of samples of the other splits, which stay as they were. */
  others: number;
}

/**
 * Writes the manifest (by default `manifest.csv` in the audit's folder) from the decisions that the review page gave.
 *
 * @throws SamError `SAM_NOT_FOUND`: no such file, no such audit; `SAM_BAD_DATA`: no decisions, those of another audit, images that the
 * audit does not know, or nothing that is left to train on.
 */
export async function applyDecisions(path: string, out?: string): Promise<ApplyResult> {
  parseOptions(z.strictObject({ path: z.string(), out: z.string().optional() }), { path, out });
  const given = await readDecisions(path);
  const { dir, record } = await recordOf(given, path);
  const known = new Set(record.items.map(({ name }) => name));
  const unknown = Object.keys(given.decisions).filter((name) => !known.has(name));
  if (unknown.length > 0) {
    throw new SamError(
      'SAM_BAD_DATA',
      `${path} decides about images that the audit does not know: ${nameAll(unknown)}`,
      {
        fix: `take the decisions from ${auditPaths(dir).review}`,
      },
    );
  }
  const decided = decide(record.items, given.decisions);
  const count = (wanted: Decision) => decided.filter(({ decision }) => decision === wanted).length;
  const left = decided.flatMap(({ row }) => row ?? []);
  if (left.length === 0) {
    throw new SamError('SAM_BAD_DATA', `${path} drops every image: nothing is left to train on`, { fix: 'keep some' });
  }
  const manifest = out === undefined ? auditPaths(dir).manifest : resolve(out);
  if (!manifest.toLowerCase().endsWith('.csv')) {
    throw new SamError('SAM_BAD_OPTION', `\`out\` ${out} is no name for a manifest`, { fix: 'name a .csv file' });
  }
  await writeFileWhole(manifest, manifestCsv([...left, ...record.others]));
  const counts = { kept: count('keep'), replaced: count('replace'), dropped: count('drop') };
  return { manifest, ...counts, others: record.others.length };
}

function decide(
  items: readonly AuditItem[],
  decisions: Decisions['decisions'],
): { decision: Decision; row: ManifestRow | undefined }[] {
  return items.map(({ name, split, image, mask, prediction }) => {
    const decision = decisions[name] ?? 'keep';
    const row = { name, split, image, mask: decision === 'replace' ? prediction : mask };
    return { decision, row: decision === 'drop' ? undefined : row };
  });
}

async function readDecisions(path: string): Promise<Decisions> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (systemCode(error) !== 'ENOENT') throw error;
    throw new SamError('SAM_NOT_FOUND', `there is no file ${path}`, { fix: 'save the decisions on the review page' });
  });
  try {
    return decisionsSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new SamError('SAM_BAD_DATA', `${path} holds no decisions of a review page`, {
      fix: 'save them on the review page, and leave them as they are',
      cause: error,
    });
  }
}

/** Reads the record of the audit in the folder that the page came from, or, where that has moved, beside the decisions. */
async function recordOf({ audit, createdAt }: Decisions, path: string): Promise<{ dir: string; record: AuditRecord }> {
  for (const dir of [dirname(resolve(path)), audit]) {
    const record = await readRecord(dir).catch((error: unknown) => {
      if (error instanceof SamError && error.code === 'SAM_NOT_FOUND') return undefined;
      throw error;
    });
    if (record?.createdAt === createdAt) return { dir, record };
  }
  await readRecord(audit); // says so where there is none
  throw new SamError('SAM_BAD_DATA', `${path} holds decisions about another audit than that in ${audit}`, {
    fix: `review that one anew: ${auditPaths(audit).review}`,
  });
}
