/** Masks as PNG files. */
import sharp from 'sharp';
import { writeFileWhole } from './files.js';

/**
 * Makes an 8-bit grey PNG of a mask.
 *
 * @param mask width*height values, row by row, 0 or 255.
 */
export function maskPng(mask: Uint8Array, width: number, height: number): Promise<Buffer> {
  return sharp(mask, { raw: { width, height, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
}

/** Writes a mask as {@link maskPng} makes it, under a temporary name first. Makes the file's folder. */
export async function writeMaskPng(path: string, mask: Uint8Array, width: number, height: number): Promise<void> {
  await writeFileWhole(path, await maskPng(mask, width, height));
}
