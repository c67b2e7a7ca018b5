/** Which of many files are there. */
import { stat } from 'node:fs/promises';
import { systemCode } from '../core/errors.js';
import { eachOf } from '../core/parallel.js';

/** Number of files asked about at a time. */
const PARALLEL = 16;

/** Returns those of the paths that lead to no file. */
export async function missingFiles(paths: Iterable<string>): Promise<ReadonlySet<string>> {
  const missing = new Set<string>();
  await eachOf(paths, PARALLEL, async (path) => {
    if (!(await isThere(path))) missing.add(path);
  });
  return missing;
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(systemCode(error) ?? '')) return false;
    throw error;
  }
}
