/** A data set of tiny pictures, for what grows with their number and not with their size. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';

export const SIDE = 64;
export const MASKS = 40;

export const nameOf = (index) => `picture-${String(index).padStart(6, '0')}.png`;

/** `count` pictures with masks and one to validate, each picture of another content. */
export async function writeFolder(root, count) {
  const picture = await sharp({ create: { width: SIDE, height: SIDE, channels: 3, background: '#405060' } })
    .png()
    .toBuffer();
  const masks = await Promise.all(Array.from({ length: MASKS }, (_, index) => maskPicture(index)));
  for (const [split, length] of [
    ['train', count],
    ['validation', 1],
  ]) {
    for (const kind of ['images', 'masks']) await mkdir(join(root, split, kind), { recursive: true });
    for (let index = 0; index < length; index++) {
      // What follows the end of a PNG is no part of the picture.
      const content = Buffer.concat([picture, Buffer.from(`${split} ${index}`)]);
      await writeFile(join(root, split, 'images', nameOf(index)), content);
      await writeFile(join(root, split, 'masks', nameOf(index)), masks[index % MASKS]);
    }
  }
}

/** A rectangle somewhere. */
function maskPicture(index) {
  const values = Buffer.alloc(SIDE * SIDE);
  for (let y = index; y < index + 20; y++) values.fill(255, y * SIDE + 5, y * SIDE + 30);
  return sharp(values, { raw: { width: SIDE, height: SIDE, channels: 1 } })
    .png()
    .toBuffer();
}
