/** Samples, which every data source yields: one image with its mask. Nothing is decoded until it is asked for. */
import type { RgbPicture } from '../raster/pixels.js';
import type { LabelDoubt } from './label-values.js';

/** A place of an encoded picture: a file on disk or, with `bytes` or `read`, anything else. */
export interface FileReference {
  /** Path of the file. With `bytes` or `read` only what errors name, such as `train.parquet row 17 (image)`; unlike any other's. */
  readonly path: string;
  /** Content, where it is in memory already. */
  readonly bytes?: Uint8Array;
  /** Reads the content, anew each time. Throws what the user should see. */
  read?(): Promise<Uint8Array>;
}

/** A label: a picture of its own, or something that is drawn. */
export interface MaskReference extends FileReference {
  /** Makes the label for an image of this size, anew each time, where it is no picture: an outline, one value of a picture. */
  draw?(image: { readonly width: number; readonly height: number }): Promise<Mask>;
}

/** An image of a data set, with its label where it has one. Nothing is decoded until it is asked for. */
export interface Sample {
  /** Path of the image within its split, without extension, `/` between folders: unique, and the order of samples. */
  readonly name: string;
  /** Image. Samples of one image have the same path here, so that it is hashed and encoded once for all of them. */
  readonly image: FileReference;
  /** Label; absent for unlabelled images (`predict`, `embed`). */
  readonly mask?: MaskReference;
  /** Number of the view, where the sample is not the picture as it is, but flipped or turned: see `views.ts`. */
  readonly view?: number;
  /** Bands that become red, green and blue, as `--bands` names them: by number from 1 or by name, with commas. */
  readonly bands?: string;
  /** Place within the split, for sources that are read quickest in that order; see `inReadingOrder`. */
  readonly position?: number;
}

/** Samples in their order: an array, or a list that makes each one when it is asked for (`[...samples]` is always an array). */
export interface Samples extends Iterable<Sample> {
  /** Number of samples. */
  readonly length: number;
  /** Returns the sample at a place from 0; undefined beyond the end. */
  at(index: number): Sample | undefined;
}

/** Returns the places of the samples in the order in which their source is read quickest: as they lie, else as given. */
export function readingOrder(samples: Iterable<Pick<Sample, 'position'>> & { readonly length: number }): Uint32Array {
  const positions = new Float64Array(samples.length);
  const order = new Uint32Array(samples.length);
  let place = 0;
  for (const { position = 0 } of samples) {
    positions[place] = position;
    order[place] = place++;
  }
  return order.sort((a, b) => positions[a]! - positions[b]! || a - b);
}

/** Returns the samples in the order in which their source is read quickest, see {@link readingOrder}. */
export function inReadingOrder<S extends Pick<Sample, 'position'>>(samples: readonly S[]): S[] {
  return Array.from(readingOrder(samples), (place) => samples[place]!);
}

/** Returns the sample with these bands, unless it says others itself. */
export function withBands(sample: Sample, bands: string | undefined): Sample {
  return bands === undefined || sample.bands !== undefined ? sample : { ...sample, bands };
}

/** An image as the encoder takes it: EXIF orientation applied, alpha dropped. */
export type DecodedImage = RgbPicture;

/** A label at its own resolution: 1 inside, 0 outside. */
export interface Mask {
  /** Values row by row, 1 inside and 0 outside; 0 too where there is no label. */
  readonly values: Uint8Array;
  /** Value a pixel: 1 where there is a label, 0 where none (nodata), which counts in neither loss nor scores; undefined: everywhere. */
  readonly labelled?: Uint8Array;
  /** What the label may not be meant to be, such as a photograph; undefined where nothing looks like that. */
  readonly doubts?: readonly LabelDoubt[];
  /** Width, pixels. */
  readonly width: number;
  /** Height, pixels. */
  readonly height: number;
}

/** A data set of some kind, found but not read: the folder layout, Parquet files. */
export interface DataSource {
  /** Folder or file, as errors name it. */
  readonly root: string;
  /** Returns the names of the splits that are there, ordered. */
  splits(): Promise<string[]>;
  hasSplit(split: string): Promise<boolean>;
  /** Returns what errors call a split. */
  nameOf(split: string): string;
  /**
   * Reads the samples of a split, ordered by name.
   *
   * @throws SamError `SAM_BAD_DATA`: no such split, or what is wrong with it, all of it in one line.
   */
  readSplit(split: string, options: SplitReading): Promise<Samples>;
}

/**
 * Which masks are read. `required`: every image needs its mask and every mask its image. `optional`: a mask that is there is taken
 * along. `ignored`: each image is there once, however many masks it has.
 */
export type MaskNeed = 'required' | 'optional' | 'ignored';

export interface SplitReading {
  readonly masks: MaskNeed;
  /** Whether what has no partner is left out, with a warning, rather than refused. */
  readonly skipBad: boolean;
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** Training and validation samples, each ordered by name. */
export interface DataSplits {
  /** Samples to train on. */
  readonly train: Samples;
  /** Samples to validate on. */
  readonly validation: Samples;
}
