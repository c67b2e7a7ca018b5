/** A picture of a prompt: the image, the mask it was drawn from tinted, the points and the box. */
import sharp from 'sharp';
import { writeFileWhole } from '../core/files.js';
import { gridFrame, sampleGrid } from '../data/low-res.js';
import type { DecodedImage, Mask } from '../data/sample.js';
import { MODEL_SIDE } from '../frame.js';
import { promptMarks } from './marks.js';
import type { Prompt } from './prompt.js';

/** Colour of the mask, RGBA: cyan, 45 % opaque. */
const TINT = [0, 229, 255, 115] as const;
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
  const shown = sampleGrid(mask.values, frame, new Uint8Array(side * side));
  const tint = { input: tinted(shown, width, height, side), raw: { width, height, channels: 4 as const } };
  const [scaleX, scaleY] = [width / image.width, height / image.height];
  // Coordinates are centres of pixels.
  const drawn = promptMarks(prompt, ([x, y]) => [(x + 0.5) * scaleX, (y + 0.5) * scaleY]);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${STYLE}${drawn}</svg>`;
  const marks = { input: Buffer.from(svg) };
  return picture.composite([tint, marks]).png().toBuffer();
}

/** Makes an RGBA picture of a mask on its grid: the tint inside, nothing outside. */
function tinted(grid: Uint8Array, width: number, height: number, side: number): Buffer {
  const pixels = Buffer.alloc(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) if (grid[y * side + x] !== 0) pixels.set(TINT, (y * width + x) * 4);
  }
  return pixels;
}
