/** Pictures for tests, written to folders that are removed. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { onTestFinished } from 'vitest';

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sam-native-data-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function write(path: string, content: string | Uint8Array): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
}

/** Raw samples as a picture that can be saved in any format. */
export function picture(
  samples: Uint8Array | Uint16Array,
  width: number,
  height: number,
  channels: 1 | 2 | 3 | 4,
): Sharp {
  const made = sharp(samples, { raw: { width, height, channels } });
  if (samples instanceof Uint16Array) return made.toColourspace(channels < 3 ? 'grey16' : 'rgb16');
  return channels < 3 ? made.toColourspace('b-w') : made;
}

/** A small PNG of one grey. */
export function grey(value: number, width = 8, height = 6): Promise<Buffer> {
  return picture(new Uint8Array(width * height).fill(value), width, height, 1)
    .png()
    .toBuffer();
}

/** A folder of splits, each with these images and their masks: names without a pixel. */
export async function dataSet(splits: Record<string, string[]>): Promise<string> {
  const root = await temporaryFolder();
  for (const [split, names] of Object.entries(splits)) {
    for (const name of names) {
      await write(join(root, split, 'images', `${name}.jpg`), '');
      await write(join(root, split, 'masks', `${name}.png`), '');
    }
  }
  return root;
}
