/** What the review page shows of a sample: a small photograph, and the outlines of label and prediction to lay over it. */
import sharp from 'sharp';
import { decodeImage, decodeMask } from '../../data/decode.js';
import { gridFrame, sampleGrid } from '../../data/low-res.js';
import type { Mask, Sample } from '../../data/sample.js';
import { writeFileWhole } from '../../files.js';
import { simplify } from '../../raster/outline.js';
import { type Ring, RingTracer } from '../../raster/rings.js';

/** Most pixels of the photograph's long side. */
const LONGEST = 1024;
/** Pixels by which an outline may be off: less than its line is wide. */
const TOLERANCE = 0.7;

export interface ReviewPicture {
  /** Pixels of the photograph on the page. */
  width: number;
  height: number;
  /** SVG paths in its pixels, for the even-odd rule. */
  label: string;
  prediction: string;
}

/** Writes the photograph as JPEG. `prediction`: path of a mask of the label's size. */
export async function makePicture(sample: Sample, prediction: string, path: string): Promise<ReviewPicture> {
  const image = await decodeImage(sample);
  const longest = Math.min(LONGEST, Math.max(image.width, image.height));
  const frame = gridFrame(image, longest);
  const { validWidth: width, validHeight: height } = frame;
  const raw = { width: image.width, height: image.height, channels: 3 } as const;
  const photograph = sharp(image.pixels, { raw }).resize(width, height, { fit: 'fill' });
  await writeFileWhole(path, await photograph.jpeg({ quality: 80, mozjpeg: true }).toBuffer());
  const outline = (mask: Mask) =>
    outlineOf(sampleGrid(mask.values, frame, new Uint8Array(longest * longest)), longest, height);
  const label = await decodeMask(sample, image);
  const predicted = await decodeMask({ ...sample, mask: { path: prediction } }, image);
  return { width, height, label: outline(label), prediction: outline(predicted) };
}

/** @param grid side * side, of which the first `height` rows are the picture. */
function outlineOf(grid: Uint8Array, side: number, height: number): string {
  const rings: Ring[] = [];
  const tracer = new RingTracer(side, (object) => {
    const { outer, holes } = simplify(object, TOLERANCE);
    rings.push(outer, ...holes);
  });
  for (let y = 0; y < height; y++) tracer.add(grid.subarray(y * side, (y + 1) * side));
  tracer.finish();
  return rings.map((ring) => `M${ring.map(([x, y]) => `${x} ${y}`).join('L')}Z`).join('');
}
