/** Masks -> PNG files. */
import sharp from 'sharp';
import { writeFileWhole } from './files.js';

/**
 * Writes an 8-bit grey PNG, under a temporary name first. The folder is made.
 *
 * @param mask width*height, 0 or 255.
 */
export async function writeMaskPng(path: string, mask: Uint8Array, width: number, height: number): Promise<void> {
  const png = await sharp(mask, { raw: { width, height, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
  await writeFileWhole(path, png);
}
