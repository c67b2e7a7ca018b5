/** A picture of a prompt: the image, the mask it was drawn from tinted, the points and the box. */
import sharp from 'sharp';
import { writeFileWhole } from '../core/files.js';
import { gridFrame, sampleGrid, withoutPadding } from '../data/low-res.js';
import type { DecodedImage, Mask } from '../data/sample.js';
import { MODEL_SIDE } from '../frame.js';
import { promptMarks } from './marks.js';
import type { Prompt } from './prompt.js';

/** Colour of the mask, RGBA: cyan, 45 % opaque. */
const TINT = [0, 229, 255, 115] as const;
/** Colour of what has no label, RGBA: black, as opaque. */
const SHADE = [0, 0, 0, 115] as const;
const STYLE = `<style>
.prompt-in, .prompt-out { r: 9px; stroke: white; stroke-width: 3 } .prompt-in { fill: #19c24a } .prompt-out { fill: #e5322d }
.prompt-sign { display: none } .prompt-box { fill: none; stroke: #ffd400; stroke-width: 3 }
</style>`;

/** Writes the picture of a prompt as a PNG, its long side 1024 pixels. Positive points are green, negative ones red, the box is yellow. */
export async function writeOverlay(path: string, image: DecodedImage, mask: Mask, prompt: Prompt): Promise<void> {
  await writeFileWhole(path, await overlay(image, mask, prompt, MODEL_SIDE));
}

/**
 * Draws the picture of a prompt, as the bytes of a PNG.
 *
 * @param side long side of the picture, pixels.
 */
export async function overlay(image: DecodedImage, mask: Mask, prompt: Prompt, side: number): Promise<Buffer> {
  const frame = gridFrame(mask, side);
  const { validWidth: width, validHeight: height } = frame;
  const raw = { width: image.width, height: image.height, channels: 3 } as const;
  const picture = sharp(image.pixels, { raw }).resize(width, height, { fit: 'fill' });
  const onGrid = (values: Uint8Array) => withoutPadding(sampleGrid(values, frame, new Uint8Array(side * side)), frame);
  const tints = tinted(onGrid(mask.values), mask.labelled && onGrid(mask.labelled));
  const tint = { input: tints, raw: { width, height, channels: 4 as const } };
  const [scaleX, scaleY] = [width / image.width, height / image.height];
  // Coordinates are centres of pixels.
  const drawn = promptMarks(prompt, ([x, y]) => [(x + 0.5) * scaleX, (y + 0.5) * scaleY]);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${STYLE}${drawn}</svg>`;
  const marks = { input: Buffer.from(svg) };
  return picture.composite([tint, marks]).png().toBuffer();
}

/** Makes an RGBA picture of a mask: the tint inside, the shade where there is no label, else nothing. */
function tinted(values: Uint8Array, labelled: Uint8Array | undefined): Buffer {
  const pixels = Buffer.alloc(values.length * 4);
  values.forEach((value, at) => {
    if (value !== 0) pixels.set(TINT, at * 4);
    else if (labelled?.[at] === 0) pixels.set(SHADE, at * 4);
  });
  return pixels;
}
