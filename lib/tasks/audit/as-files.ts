/** Rows of a manifest for samples of any source: what is no file of its own is written into the audit's folder. */
import { resolve } from 'node:path';
import sharp from 'sharp';
import { SamError } from '../../core/errors.js';
import { makeFileWhole, writeFileWhole } from '../../core/files.js';
import { writeMaskPng } from '../../core/mask-png.js';
import { decodeMask, heldImage, imageSize } from '../../data/decode.js';
import { type OpenSourceOptions, openSource } from '../../data/open-data.js';
import { isPlainFile } from '../../data/picture.js';
import type { Mask, Sample } from '../../data/sample.js';
import { sameSplit } from '../../data/splits.js';
import { GeoTiffWriter } from '../../raster/geotiff-writer.js';
import { auditPaths, type ManifestRow } from './folder.js';

/** Value of pixels without a label, in copies of labels: neither 0 nor 255. */
const NO_LABEL = 127;

/** Rows of a manifest, for which samples that are no plain files of their own are copied into the audit's folder. */
export class SampleCopies {
  readonly #paths: ReturnType<typeof auditPaths>;
  /** Copies made so far, by the path that errors name: the samples of an image share it. */
  readonly #images = new Map<string, string>();

  constructor(dir: string) {
    this.#paths = auditPaths(dir);
  }

  async rowOf(sample: Sample, split: string): Promise<ManifestRow> {
    return { name: sample.name, split, image: await this.#image(sample), mask: await this.#label(sample, split) };
  }

  async #image({ name, image }: Sample): Promise<string> {
    if (isPlainFile(image)) return resolve(image.path);
    const known = this.#images.get(image.path);
    if (known !== undefined) return known;
    const bytes = (await heldImage(image)).bytes!;
    const path = this.#paths.copiedImage(name, (await sharp(bytes).metadata()).format);
    await writeFileWhole(path, bytes);
    this.#images.set(image.path, path);
    return path;
  }

  async #label(sample: Sample, split: string): Promise<string> {
    const mask = sample.mask!;
    if (isPlainFile(mask) && mask.draw === undefined) return resolve(mask.path);
    const label = await decodeMask(sample, await imageSize(sample));
    const path = this.#paths.copiedLabel(split, sample.name, label.labelled === undefined ? 'png' : 'tif');
    await writeLabel(path, label);
    return path;
  }
}

/** Writes a label as a PNG, one that isn't everywhere as a TIFF, which has a value for no data. */
async function writeLabel(path: string, { values, labelled, width, height }: Mask): Promise<void> {
  const grey = values.map((value) => value * 255);
  if (labelled === undefined) return writeMaskPng(path, grey, width, height);
  await makeFileWhole(path, async (temporary) => {
    const file = await GeoTiffWriter.create(temporary, { width, height, nodata: NO_LABEL });
    try {
      await file.write(grey.map((value, at) => (labelled[at] === 0 ? NO_LABEL : value)));
      await file.finish();
    } finally {
      await file.close();
    }
  });
}

/**
 * Lists the labelled samples of the other splits, so that one manifest holds all that `train` needs. It leaves out samples whose
 * pictures are no files, since they would all have to be copied.
 */
export async function otherSplits(
  options: OpenSourceOptions & { split: string },
  files: SampleCopies,
  onWarning: ((line: string) => void) | undefined,
): Promise<ManifestRow[]> {
  const source = await openSource(options, { onWarning });
  const rows: ManifestRow[] = [];
  for (const split of await source.splits()) {
    // The audited one may go by another name: `val` finds `validation`.
    if (sameSplit(split, options.split)) continue;
    const samples = await source.readSplit(split, { masks: 'required', skipBad: true, onWarning }).catch(unlabelled);
    for (const sample of samples) {
      if (!isPlainFile(sample.image)) break;
      rows.push(await files.rowOf(sample, split));
    }
  }
  return rows;
}

/** Gives no samples for a split without a single label, and rethrows every other error. */
function unlabelled(error: unknown): Sample[] {
  if (error instanceof SamError && error.code === 'SAM_BAD_DATA') return [];
  throw error;
}
