/** Masks that lie in a folder under the names of their images. */
import { SamError } from '../core/errors.js';
import { isFolder } from '../core/files.js';
import { listImages, stemOf } from './listing.js';

/**
 * Lists the masks in a folder: their paths by their names, which are the paths within the folder without extension.
 *
 * @param option what the error names, e.g. `--masks`.
 * @throws SamError `SAM_NOT_FOUND`: no such folder.
 */
export async function masksByName(folder: string, option: string): Promise<ReadonlyMap<string, string>> {
  if (!(await isFolder(folder))) {
    throw new SamError('SAM_NOT_FOUND', `${option}: no such folder: ${folder}`, { fix: 'check the path' });
  }
  return new Map((await listImages(folder)).map(({ relative, path }) => [stemOf(relative), path]));
}
