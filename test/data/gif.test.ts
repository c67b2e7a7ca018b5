/** GIF as pictures and labels: the pixels that Pillow reads (both files are Pillow's, 4 x 2), and animations, which are refused. */
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { decodeImage, decodeMask, decodeValues } from '../../lib/data/decode.js';
import { grey, temporaryFolder, write } from './pictures.js';

/** Greys 0 to 5, 255 and 7: `Image.fromarray([[0, 1, 2, 3], [4, 5, 255, 7]]).save('grey.gif')`. */
const GREY = 'R0lGODdhBAACAIIAAAAAAAEBAQICAgMDAwQEBAUFBQcHB////ywAAAAABAACAAAIDAABBBAwgECBAwYCAgA7';
/** Palette black, 090909, red, 000007, of which 090909 is transparent; indexes 0, 1, 2, 3, 2, 3, 1, 0. */
const PALETTE = 'R0lGODlhBAACAIEAAAAAAAkJCf8AAAAAByH5BAEAAAEALAAAAAAEAAIAAAgLAAEEEDCAYAAAAQEAOw==';

async function sampleOf(content: Buffer, name = 'a.gif') {
  const folder = await temporaryFolder();
  const path = await write(join(folder, name), content);
  return { name: 'a', image: { path: await write(join(folder, 'a.png'), await grey(9, 4, 2)) }, mask: { path } };
}
const bytes = (base64: string) => Buffer.from(base64, 'base64');
const size = { width: 4, height: 2 };

test('a picture', async () => {
  const { mask: image } = await sampleOf(bytes(GREY));
  const { pixels } = await decodeImage({ name: 'a', image });
  expect([...pixels]).toEqual([0, 1, 2, 3, 4, 5, 255, 7].flatMap((value) => [value, value, value]));
});

test('a label: any colour but black is inside, the transparent one outside; values stay exact', async () => {
  expect([...(await decodeMask(await sampleOf(bytes(GREY)), size)).values]).toEqual([0, 1, 1, 1, 1, 1, 1, 1]);
  const sample = await sampleOf(bytes(PALETTE));
  expect([...(await decodeMask(sample, size)).values]).toEqual([0, 0, 1, 1, 1, 1, 0, 0]);
  const { codes, colours } = await decodeValues(sample.mask);
  expect([[...codes], colours]).toEqual([[0, 0, 0xff0000, 7, 0xff0000, 7, 0, 0], true]);
});

test('one cut short is refused', async () => {
  const noise = Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, index) => (index * index * 7919) % 251));
  const whole = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
    .gif()
    .toBuffer();
  const { mask: image } = await sampleOf(whole.subarray(0, whole.length / 2));
  await expect(decodeImage({ name: 'a', image })).rejects.toThrow('is truncated or broken');
});

test.each(['gif', 'webp'] as const)(
  'an animated %s is refused: nothing says which picture is meant',
  async (format) => {
    const frames = Buffer.from(Array.from({ length: 4 * 4 * 3 }, (_, index) => (index * 37) % 256));
    const animation = sharp(frames, { raw: { width: 4, height: 4, channels: 3, pageHeight: 2 } });
    const sample = await sampleOf(await animation.toFormat(format, { loop: 0 }).toBuffer(), `a.${format}`);
    await expect(decodeMask(sample, size)).rejects.toMatchObject({
      code: 'SAM_BAD_DATA',
      message: `mask ${sample.mask.path} is an animation of 2 pictures`,
      fix: 'save the one that is meant as PNG',
    });
  },
);
