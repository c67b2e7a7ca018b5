/** Which of many files are there. */
import { stat } from 'node:fs/promises';
import { systemCode } from '../core/errors.js';

/** Files asked about at a time. */
const PARALLEL = 16;

/** Those of the paths that lead to no file. */
export async function missingFiles(paths: Iterable<string>): Promise<ReadonlySet<string>> {
  const missing = new Set<string>();
  const queue = paths[Symbol.iterator]();
  const worker = async () => {
    for (let next = queue.next(); next.done !== true; next = queue.next()) {
      if (!(await isThere(next.value))) missing.add(next.value);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
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
