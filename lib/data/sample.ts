/** What every data source yields: one image with its mask. Nothing is decoded until it is asked for. */

/** Where pixels come from: a file on disk. Later sources (Parquet rows, rasters) add their own kinds. */
export interface FileReference {
  readonly path: string;
  /** The file's content, where it is in memory already; `path` is then only what errors name. */
  readonly bytes?: Uint8Array;
}

export interface Sample {
  /** The image's path within its split, without extension, `/` between folders: unique, and the order of samples. */
  readonly name: string;
  readonly image: FileReference;
  /** Absent for unlabelled images (`predict`, `embed`). */
  readonly mask?: FileReference;
}

/** An image as the encoder takes it: interleaved 8-bit RGB, EXIF orientation applied, alpha dropped. */
export interface DecodedImage {
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** A label at its own resolution: 1 inside, 0 outside. */
export interface Mask {
  readonly values: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Training and validation samples, each ordered by name. */
export interface DataSplits {
  readonly train: readonly Sample[];
  readonly validation: readonly Sample[];
}
