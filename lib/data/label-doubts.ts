/** Labels that plainly aren't what was meant: looked for while labels are checked, and said once for each kind, with the way out. */
import type { Hooks } from '../core/hooks.js';
import type { EmptyMask } from '../core/problems.js';
import type { LabelDoubt } from './label-values.js';
import { type GridOptions, type LowResMask, maskArea, toLowRes, touchedCells } from './low-res.js';
import type { Mask, Sample } from './sample.js';
import { inSlices } from './slices.js';

/** Share of its picture from which a label covers it. */
const WHOLE = 0.98;
/** Share of the grid's pixels that an object touches below which too few of them are kept. */
const FEW = 0.5;

/** What is said of a kind of doubt: what is seen, how it is taken, and the way out. */
const SAID: Readonly<Record<LabelDoubt, readonly [one: string, rest: string]>> = {
  between: [
    'has values between two ends, as a JPEG or an anti-aliased edge leaves them',
    'inside is what lies above half; save masks without loss and without smooth edges',
  ],
  shades: [
    "has many values that run into each other, as a photograph's or a probability's",
    'anything but 0 is inside; save masks as two values, or classes as one value each',
  ],
  void: [
    "has few values and one that elsewhere means 'no label', such as 255, -1 or the colour of Pascal VOC's borders",
    'it is inside, as anything but 0 is; choose the object with `class`, or save the masks as TIFF with that value as nodata (gdal_translate -a_nodata 255)',
  ],
  cmyk: ['is CMYK, in which black is no 0', 'more may be inside than was meant; save masks as grey or RGB'],
  orientation: [
    'belongs to a picture that its EXIF orientation turns without changing its size',
    'labels are taken as drawn on the turned picture; if they were drawn on the stored one, remove the orientation from the images',
  ],
};

/** What helps against objects that are thinner than a pixel of the grid. */
const FOR_THIN = 'cut the pictures into smaller ones';

/** Labels of one kind of doubt: how many, and the first of them. */
interface Seen {
  count: number;
  readonly example: string;
}

/** The doubts about the labels of a run. */
export class LabelDoubts {
  readonly #grid: GridOptions;
  readonly #seen = new Map<LabelDoubt | 'whole' | 'thin', Seen>();
  #labels = 0;
  #thinnest = { kept: 0, touched: 0, grid: '', path: '' };

  /** @param grid grid of the decoder, on which thin objects lose pixels. */
  constructor(grid: GridOptions) {
    this.#grid = grid;
  }

  /** Looks at a label. */
  async see(sample: Sample, label: Mask): Promise<void> {
    const path = sample.mask?.path ?? sample.name;
    this.#labels++;
    for (const doubt of label.doubts ?? []) this.#note(doubt, path);
    if ((await coveredShare(label)) >= WHOLE) this.#note('whole', path);
    const grid = toLowRes(label, this.#grid.maskSize, this.#grid.imageSize);
    const [kept, touched] = [maskArea(grid), await touchedCells(label, grid)];
    // What is lost altogether is told as an empty mask is.
    if (kept === 0 || kept >= FEW * touched) return;
    this.#note('thin', path);
    if (this.#thinnest.touched > 0 && kept / touched >= this.#thinnest.kept / this.#thinnest.touched) return;
    this.#thinnest = { kept, touched, grid: gridName(grid), path };
  }

  /** Warns of all that was seen, in one line for each kind. */
  settle({ onWarning }: Pick<Hooks, 'onWarning'>): void {
    if (onWarning === undefined) return;
    for (const [doubt, [one, rest]] of Object.entries(SAID)) {
      const seen = this.#seen.get(doubt as LabelDoubt);
      if (seen !== undefined) onWarning(`${this.#named(seen)} ${one}: ${rest}`);
    }
    const whole = this.#seen.get('whole');
    if (whole?.count === this.#labels) onWarning(wholeWarning(whole));
    const thin = this.#seen.get('thin');
    if (thin !== undefined) onWarning(this.#thinWarning(thin));
  }

  #note(doubt: LabelDoubt | 'whole' | 'thin', path: string): void {
    const seen = this.#seen.get(doubt);
    if (seen === undefined) this.#seen.set(doubt, { count: 1, example: path });
    else seen.count++;
  }

  #named({ count, example }: Seen): string {
    return count === 1 ? `mask ${example}` : `mask ${example}, and ${count - 1} more of ${this.#labels},`;
  }

  #thinWarning({ count }: Seen): string {
    const { kept, touched, grid, path } = this.#thinnest;
    const others = count === 1 ? '' : `, and ${count - 1} more of ${this.#labels} less than half`;
    return (
      `thin objects lose pixels on the decoder's grid: of ${path} it keeps ${kept} of the ${touched} that the object touches` +
      ` (${grid})${others}; ${FOR_THIN}`
    );
  }
}

function wholeWarning({ count, example }: Seen): string {
  const who = count === 1 ? `the only label, ${example}, covers` : `every label (${count}; ${example} is one) covers`;
  return `${who} nearly all of its picture: anything but 0 is inside; if the background has another value, choose the object with \`class\``;
}

async function coveredShare({ values, labelled }: Mask): Promise<number> {
  let [inside, all] = [0, 0];
  await inSlices(values.length, (start, end) => {
    for (let at = start; at < end; at++) {
      if (labelled !== undefined && labelled[at] === 0) continue;
      all++;
      if (values[at] !== 0) inside++;
    }
  });
  return all === 0 ? 0 : inside / all;
}

function gridName({ validWidth, validHeight }: LowResMask): string {
  return `${validWidth} x ${validHeight}`;
}

/** Tells why a label whose grid has no pixel inside can't be used: it is empty, or too thin for the grid. */
export async function emptyLabel(sample: Sample, label: Mask, grid: LowResMask): Promise<EmptyMask> {
  const path = sample.mask?.path ?? sample.name;
  const pixels = label.values.reduce((sum, value) => sum + value, 0);
  if (pixels === 0) {
    const unlabelled = label.labelled?.includes(1) === false;
    return { message: `${path}: ${unlabelled ? 'no pixel has a label' : 'the mask is empty'}`, empty: true };
  }
  const message =
    `${path}: its object, ${pixels} pixels of ${label.width} x ${label.height}, is lost on the decoder's grid of ${gridName(grid)}: ` +
    `it touches ${await touchedCells(label, grid)} of the grid's pixels, and the middle of none`;
  return { message, empty: true, remedy: `a lost object: ${FOR_THIN}, or draw the labels wider` };
}
