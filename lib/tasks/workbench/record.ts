/** Record of many runs: what was asked and what came of it, for people and programs. */
import { writeFileWhole } from '../../core/files.js';
import { environment } from '../../training/environment.js';

const FORMAT_VERSION = 1;

/** Writes the record, which comes last: a folder with it holds results that are whole. */
export async function writeRecord(result: { record: string }, options: object): Promise<void> {
  const about = {
    formatVersion: FORMAT_VERSION,
    createdAt: new Date().toISOString(),
    versions: environment.versions(),
  };
  await writeFileWhole(result.record, `${JSON.stringify({ ...about, options, ...result }, null, 2)}\n`);
}
