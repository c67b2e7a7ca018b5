/** A label file, read whole or by window: what of it is inside, what has no label, and which values it holds. */
import { setImmediate } from 'node:timers/promises';
import { SamError } from '../core/errors.js';
import type { BandSource, BandWindow } from '../raster/band-source.js';
import { Raster } from '../raster/raster.js';
import type { Samples } from '../raster/tiff/samples.js';
import type { Window } from '../raster/windows.js';
import { LabelGatherer } from './inside.js';
import { hasVocVoid, type LabelDoubt, PLAIN, type ValueFindings } from './label-values.js';
import { type ImageSize, Picture } from './picture.js';
import type { Mask } from './sample.js';
import { inSlices } from './slices.js';

/** Values of a label's pixels; 0 is outside. */
export interface MaskValues extends ImageSize {
  /** Values themselves or, with `colours`, red, green and blue in one number. */
  readonly codes: Samples;
  readonly colours: boolean;
  /** Value a pixel: 1 where there is a label; undefined where all have one. */
  readonly labelled?: Uint8Array;
}

/** Most pixels of a label that is read by window and looked at as a whole before: 67 million, as many bytes. */
const MOST_LOOKED_AT = 2 ** 26;

/** An open label. */
export class Label {
  readonly width: number;
  readonly height: number;
  /** What is found of all values; undefined until a window is read. */
  #findings: Promise<ValueFindings> | undefined;

  constructor(private readonly source: BandSource) {
    this.width = source.width;
    this.height = source.height;
  }

  /** Whether the label's own orientation turns what is stored. */
  get isTurned(): boolean {
    return this.source.isTurned;
  }

  /** Reads a window: 1 inside, 0 outside, and where there is no label. */
  async read(window: Window): Promise<Mask> {
    const { width, height } = window;
    this.#findings ??= this.#look();
    const { threshold } = await this.#findings;
    const gathered = new LabelGatherer(width * height);
    const labelled = await this.#gather(window, gathered, 0);
    return { values: gathered.inside(threshold), width, height, ...(labelled && { labelled }) };
  }

  /** Reads the whole label. The event loop turns between its slices. */
  async readAll(): Promise<Mask> {
    const { width, height } = this;
    const gathered = new LabelGatherer(width * height);
    let labelled: Uint8Array | undefined;
    for (const window of this.source.slices()) {
      const part = await this.#gather(window, gathered, window.y * width);
      if (part !== undefined) {
        labelled ??= new Uint8Array(width * height).fill(1);
        labelled.set(part, window.y * width);
      }
      await setImmediate();
    }
    const { threshold, doubts: found } = gathered.findings(width);
    const doubts: LabelDoubt[] = this.source.isInk ? [...found, 'cmyk'] : [...found];
    if (this.#isVoc()) doubts.push('void');
    const more = { ...(labelled && { labelled }), ...(doubts.length > 0 && { doubts }) };
    return { values: gathered.inside(threshold), width, height, ...more };
  }

  #isVoc(): boolean {
    const { source } = this;
    return (
      source instanceof Picture &&
      source.bandCount === 3 &&
      source.colours instanceof Uint8Array &&
      hasVocVoid(source.colours)
    );
  }

  /** Adds a window's values, from pixel `from` on; returns where there is a label, undefined where everywhere. */
  async #gather(window: Window, gathered: LabelGatherer, from: number): Promise<Uint8Array | undefined> {
    const { source, width } = this;
    if (source instanceof Picture && !source.mayHide && window.width === width) {
      // The ordinary label, as it lies in memory.
      const { colours, bandCount } = source;
      const [start, length] = [window.y * width * bandCount, window.height * width * bandCount];
      gathered.addPixels(colours.subarray(start, start + length), bandCount, from);
      return undefined;
    }
    const found = await source.read(window, source.colourBands);
    const labelled = this.#labelled(found);
    const { shown } = found;
    const seen = shown && labelled ? shown.map((value, at) => value & labelled[at]!) : (shown ?? labelled);
    gathered.add(found.bands, from, seen);
    return labelled;
  }

  /** Looks at all values, so that windows are cut at the threshold that the whole is; of what is too large for that, all but 0 is inside. */
  async #look(): Promise<ValueFindings> {
    const { width, height } = this;
    if (width * height > MOST_LOOKED_AT) return PLAIN;
    const gathered = new LabelGatherer(width * height);
    for (const window of this.source.slices()) {
      await this.#gather(window, gathered, window.y * width);
      await setImmediate();
    }
    return gathered.findings(width);
  }

  /** Reads the values of all pixels: those of one band, or colours. */
  async readValues(): Promise<MaskValues> {
    const { width, height, source } = this;
    const { colourBands, path } = source;
    const whole = { x: 0, y: 0, width, height };
    const found = await source.read(whole, colourBands);
    const [first] = found.bands;
    const colours = found.bands.length >= 3;
    if (found.bands.length !== 1 && !(colours && first instanceof Uint8Array)) {
      throw new SamError(
        'SAM_BAD_DATA',
        `mask ${path} has ${found.bands.length} bands of ${first!.BYTES_PER_ELEMENT * 8} bits`,
        {
          fix: 'save masks of several values as grey, or as colours of 8 bits',
        },
      );
    }
    const codes = colours ? await toColours(found.bands) : first!.map((code) => (Number.isNaN(code) ? 0 : code));
    const labelled = this.#labelled(found);
    const hidden = (at: number) => found.shown?.[at] === 0 || labelled?.[at] === 0;
    await inSlices(codes.length, (start, end) => {
      for (let at = start; at < end; at++) if (hidden(at)) codes[at] = 0;
    });
    return { width, height, codes, colours, ...(labelled && { labelled }) };
  }

  close(): Promise<void> {
    return this.source.close();
  }

  /**
   * Tells where there is a label: not where all bands have the value for no data, nor where an internal mask hides them. A 0 that means no
   * data is the background, as any 0 is: programs that burn outlines into rasters say so of it.
   */
  #labelled({ bands, shown }: BandWindow): Uint8Array | undefined {
    const nodata = this.source.nodata === 0 ? undefined : this.source.nodata;
    const masked = this.source instanceof Raster && this.source.hidesLabels ? shown : undefined;
    if (nodata === undefined && masked === undefined) return undefined;
    const labelled = new Uint8Array(bands[0]!.length);
    for (let at = 0; at < labelled.length; at++) {
      const isMissing =
        masked?.[at] === 0 || (nodata !== undefined && bands.every((band) => Object.is(band[at], nodata)));
      labelled[at] = isMissing ? 0 : 1;
    }
    return labelled;
  }
}

async function toColours([red, green, blue]: readonly Samples[]): Promise<Uint32Array> {
  const codes = new Uint32Array(red!.length);
  await inSlices(codes.length, (start, end) => {
    for (let at = start; at < end; at++) codes[at] = (red![at]! << 16) | (green![at]! << 8) | blue![at]!;
  });
  return codes;
}
