/** Pictures of the review page: a small photograph of each sample, and the outlines of label and prediction to lay over it. */
import sharp from 'sharp';
import { writeFileWhole } from '../../core/files.js';
import { decodeImage, decodeMask } from '../../data/decode.js';
import type { Sample } from '../../data/sample.js';
import { frameSize, outlinePath } from '../../reports/mask-paths.js';

/** Most pixels of the photograph's long side. */
const LONGEST = 1024;

export interface ReviewPicture {
  /** Width of the frame that the outlines are drawn in, which has the photograph's shape. */
  width: number;
  height: number;
  /** Outline of the label as an SVG path, for the even-odd rule; empty for an empty mask. That of the prediction likewise. */
  label: string;
  prediction: string;
}

/**
 * Writes the photograph as JPEG, and traces the outlines.
 *
 * @param prediction path of a mask of the label's size.
 */
export async function makePicture(sample: Sample, prediction: string, path: string): Promise<ReviewPicture> {
  const image = await decodeImage(sample);
  const raw = { width: image.width, height: image.height, channels: 3 } as const;
  const photograph = sharp(image.pixels, { raw }).resize(LONGEST, LONGEST, { fit: 'inside', withoutEnlargement: true });
  await writeFileWhole(path, await photograph.jpeg({ quality: 80, mozjpeg: true }).toBuffer());
  const label = await decodeMask(sample, image);
  const predicted = await decodeMask({ ...sample, mask: { path: prediction } }, image);
  return { ...frameSize(image), label: outlinePath(label), prediction: outlinePath(predicted) };
}
