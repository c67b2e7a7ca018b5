/** `sample:rivers`: drawn photographs of rivers with exact masks, made once into the cache, in the folder layout. */

import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { makeFolder, scratchFolder, writeFileWhole } from '../core/files.js';
import type { Hooks } from '../core/hooks.js';
import { writeMaskPng } from '../core/mask-png.js';
import { Thread } from '../core/thread.js';
import { drawRiver, type RiverScene, SIDE } from './rivers/scene.js';

/** A change of the drawings is another version, in a folder of its own. */
const VERSION = 1;
/** How many pictures each split has. */
export const RIVER_SPLITS: Readonly<Record<string, number>> = { train: 24, validation: 8 };

export interface RiverRequest {
  readonly split: string;
  readonly index: number;
}

/**
 * The folder that holds the splits; drawn first where it isn't there. Whole or not at all: the images are drawn aside and
 * renamed, so several processes may do it at once.
 */
export async function makeRivers(
  cacheDir: string,
  hooks: Pick<Hooks, 'onNote'> = {},
  splits = RIVER_SPLITS,
): Promise<string> {
  const folder = join(cacheDir, 'samples', `rivers-${VERSION}`);
  if (await isComplete(folder, splits)) return folder;
  hooks.onNote?.(`Drawing the sample rivers into ${folder} (once)`);
  const scratch = await scratchFolder(join(cacheDir, 'samples', 'drawing'));
  try {
    const drawn = join(scratch.path, 'rivers');
    await drawAll(drawn, splits);
    await moveInto(drawn, folder, splits);
  } finally {
    await scratch.remove();
  }
  return folder;
}

async function drawAll(folder: string, splits: typeof RIVER_SPLITS): Promise<void> {
  const painter = startPainter();
  try {
    for (const [split, count] of Object.entries(splits)) {
      for (let index = 0; index < count; index++) {
        const { pixels, mask } = await painter.ask({ split, index });
        const name = `river-${String(index + 1).padStart(2, '0')}.png`;
        const image = sharp(pixels, { raw: { width: SIDE, height: SIDE, channels: 3 } });
        const png = await image.png({ compressionLevel: 3 }).toBuffer();
        await writeFileWhole(join(folder, split, 'images', name), png);
        await writeMaskPng(join(folder, split, 'masks', name), mask, SIDE, SIDE);
      }
    }
  } finally {
    await painter.stop();
  }
}

function startPainter(): Thread<RiverRequest, RiverScene> {
  const script = new URL('./sample-rivers-worker.js', import.meta.url);
  return new Thread(script, ({ split, index }) => drawRiver(split, index), 'the drawing thread');
}

/** Another process may have been first; what is there but not whole (files were deleted) makes room. */
async function moveInto(drawn: string, folder: string, splits: typeof RIVER_SPLITS): Promise<void> {
  await makeFolder(join(folder, '..'));
  for (let attempt = 0; ; attempt++) {
    try {
      await rename(drawn, folder);
      return;
    } catch (error) {
      if (await isComplete(folder, splits)) return;
      if (attempt === 3) throw error;
      await rm(folder, { recursive: true, force: true });
    }
  }
}

async function isComplete(folder: string, splits: typeof RIVER_SPLITS): Promise<boolean> {
  for (const [split, count] of Object.entries(splits)) {
    for (const kind of ['images', 'masks']) {
      const names = await readdir(join(folder, split, kind)).catch(() => []);
      if (names.filter((name) => name.endsWith('.png')).length !== count) return false;
    }
  }
  return true;
}
