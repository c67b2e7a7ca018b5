/** Writes masks as PNG files. */
import sharp from 'sharp';
import { writeFileWhole } from './files.js';

/**
 * Writes a mask as an 8-bit grey PNG, under a temporary name first. Makes the file's folder.
 *
 * @param mask width*height values, row by row, 0 or 255.
 */
export async function writeMaskPng(path: string, mask: Uint8Array, width: number, height: number): Promise<void> {
  const png = await sharp(mask, { raw: { width, height, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
  await writeFileWhole(path, png);
}
