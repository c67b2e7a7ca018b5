/** Masks that lie in a folder under the names of their images. */
import { join } from 'node:path';
import { SamError } from '../core/errors.js';
import { isFolder } from '../core/files.js';
import { hasExtension, IMAGE_EXTENSIONS, listPaths, stemOf } from './listing.js';
import { notRead } from './unread-files.js';

const FIX = "give one of the image's name, or go on without such images with `skipBad`";

export class MaskFolder {
  private constructor(
    readonly folder: string,
    /** Option that names the folder, as errors say it. */
    readonly option: string,
    /** Paths of all files below the folder, by their names: these without extension. */
    readonly files: ReadonlyMap<string, readonly string[]>,
  ) {}

  /**
   * Lists the masks in a folder.
   *
   * @param option what errors name, e.g. `--masks`.
   * @throws SamError `SAM_NOT_FOUND`: no such folder.
   */
  static async open(folder: string, option: string): Promise<MaskFolder> {
    if (!(await isFolder(folder))) {
      throw new SamError('SAM_NOT_FOUND', `${option}: no such folder: ${folder}`, { fix: 'check the path' });
    }
    const files = new Map<string, string[]>();
    for (const path of await listPaths(folder)) {
      const name = stemOf(path);
      files.set(name, [...(files.get(name) ?? []), path]);
    }
    return new MaskFolder(folder, option, files);
  }

  /**
   * Returns the path of the mask of this name.
   *
   * @throws SamError `SAM_BAD_DATA`: there is none, or several.
   */
  maskOf(name: string): string {
    const there = this.files.get(name) ?? [];
    const masks = there.filter((path) => hasExtension(path, IMAGE_EXTENSIONS));
    const [mask, ...more] = masks;
    if (mask === undefined) {
      const hint = there[0] === undefined ? '' : `; ${notRead('', there[0])}`;
      throw new SamError('SAM_BAD_DATA', `no mask for ${name} in ${this.folder} (${this.option}${hint})`, { fix: FIX });
    }
    if (more.length === 0) return join(this.folder, mask);
    const all = masks.join(', ');
    throw new SamError('SAM_BAD_DATA', `${masks.length} masks for ${name} in ${this.folder} (${this.option}): ${all}`, {
      fix: 'leave one, or go on without such images with `skipBad`',
    });
  }
}
