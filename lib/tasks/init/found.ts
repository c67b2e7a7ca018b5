/** What `init` finds in a data set. */

/** Least, middle and greatest of some numbers. */
export interface Spread {
  /** Least. */
  readonly least: number;
  /** Median. */
  readonly median: number;
  /** Greatest. */
  readonly most: number;
}

/** Pictures of a data set, by the headers of some of them. */
export interface FoundPictures {
  /** Number of pictures looked at. */
  readonly looked: number;
  /** Widths, pixels. */
  readonly width: Spread;
  /** Heights, pixels. */
  readonly height: Spread;
  /** Numbers of bands that there are. */
  readonly bands: readonly number[];
  /** Names of the first picture's bands, in lower case; null for one without a name. */
  readonly bandNames: readonly (string | null)[];
}

/**
 * What the values of labels are. `one`: an object, or all of a kind. `ids`: each value an object of its own. `classes`: each value a kind of
 * thing. `outlines`: no pictures, but shapes, each a sample.
 */
export type LabelKind = 'one' | 'ids' | 'classes' | 'outlines';

/** Labels of a data set. */
export interface FoundLabels {
  /** What their values are. */
  readonly kind: LabelKind;
  /** Values but 0 of the labels looked at, colours as `rrggbb`; of ids the first ones. */
  readonly values: readonly string[];
  /** Number of labels without a pixel on the decoder's grid. */
  readonly empty: number;
  /** Median share of its picture that the box around a label covers, 0 to 1. */
  readonly box: number;
}

/** A rough mask that the pictures' bands allow, beside the labels. */
export interface FoundRoughMask {
  /** Spectral index. */
  readonly kind: 'ndwi' | 'mndwi' | 'ndvi';
  /** Mean IoU with the labels, each at its own threshold (otsu). */
  readonly meanIou: number;
  /** Number of pictures measured. */
  readonly images: number;
}

/** What `init` finds in a data set. */
export interface FoundData {
  /** The data set, as `train` takes it. */
  readonly data: string;
  /** Training split, with its number of samples. */
  readonly train: {
    /** Name of the split. */
    readonly split: string;
    /** Number of its samples. */
    readonly samples: number;
  };
  /** Validation split, with its number of samples. */
  readonly validation: {
    /** Name of the split; null where a share of the training split is cut off. */
    readonly split: string | null;
    /** Number of its samples. */
    readonly samples: number;
  };
  /** Names of the other splits. */
  readonly otherSplits: readonly string[];
  /** Pictures. */
  readonly pictures: FoundPictures;
  /** Labels. */
  readonly labels: FoundLabels;
  /** Rough masks that the bands allow, the best first. */
  readonly roughMasks: readonly FoundRoughMask[];
  /** What may not be as it was meant, a line each. */
  readonly doubts: readonly string[];
}
