/** A picture of a prompt: the image, the mask it was drawn from tinted, the points and the box. */
import sharp from 'sharp';
import { writeFileWhole } from '../core/files.js';
import { gridFrame, sampleGrid } from '../data/low-res.js';
import type { DecodedImage, Mask } from '../data/sample.js';
import { MODEL_SIDE } from '../frame.js';
import type { Prompt } from './prompt.js';

/** Cyan, 45 % of it. */
const TINT = [0, 229, 255, 115] as const;
const COLOURS = { positive: '#19c24a', negative: '#e5322d', box: '#ffd400' };

/** Writes a PNG whose long side is 1024 pixels. Positive points are green, negative ones red, the box is yellow. */
export async function writeOverlay(path: string, image: DecodedImage, mask: Mask, prompt: Prompt): Promise<void> {
  await writeFileWhole(path, await overlay(image, mask, prompt, MODEL_SIDE));
}

/** The same as the bytes of a PNG; `side`: its long side, pixels. */
export async function overlay(image: DecodedImage, mask: Mask, prompt: Prompt, side: number): Promise<Buffer> {
  const frame = gridFrame(mask, side);
  const { validWidth: width, validHeight: height } = frame;
  const raw = { width: image.width, height: image.height, channels: 3 } as const;
  const picture = sharp(image.pixels, { raw }).resize(width, height, { fit: 'fill' });
  const shown = sampleGrid(mask.values, frame, new Uint8Array(side * side));
  const tint = { input: tinted(shown, width, height, side), raw: { width, height, channels: 4 as const } };
  const marks = { input: Buffer.from(marksOf(prompt, width, height, width / image.width, height / image.height)) };
  return picture.composite([tint, marks]).png().toBuffer();
}

/** RGBA: the tint inside the mask, nothing outside. */
function tinted(grid: Uint8Array, width: number, height: number, side: number): Buffer {
  const pixels = Buffer.alloc(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) if (grid[y * side + x] !== 0) pixels.set(TINT, (y * width + x) * 4);
  }
  return pixels;
}

function marksOf(prompt: Prompt, width: number, height: number, scaleX: number, scaleY: number): string {
  // Coordinates are centres of pixels.
  const [toX, toY] = [(x: number) => (x + 0.5) * scaleX, (y: number) => (y + 0.5) * scaleY];
  const points = prompt.points.map(([x, y], index) => {
    const colour = prompt.labels[index] === 1 ? COLOURS.positive : COLOURS.negative;
    return `<circle cx="${toX(x)}" cy="${toY(y)}" r="9" fill="${colour}" stroke="white" stroke-width="3"/>`;
  });
  const [x0, y0, x1, y1] = prompt.box ?? [0, 0, 0, 0];
  const corner = `x="${toX(x0)}" y="${toY(y0)}" width="${(x1 - x0) * scaleX}" height="${(y1 - y0) * scaleY}"`;
  const box = prompt.box === null ? '' : `<rect ${corner} fill="none" stroke="${COLOURS.box}" stroke-width="3"/>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${box}${points.join('')}</svg>`;
}
