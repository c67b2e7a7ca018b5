/** Which of many files are there. */
import { stat } from 'node:fs/promises';
import { systemCode } from '../errors.js';

/** Files asked about at a time. */
const PARALLEL = 16;

/** Those of the paths that lead to no file, each once. */
export async function missingFiles(paths: Iterable<string>): Promise<string[]> {
  const missing: string[] = [];
  const queue = new Set(paths).values();
  const worker = async () => {
    for (const path of queue) if (!(await isThere(path))) missing.push(path);
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
