/** A label file, read whole or by window: what of it is inside, what has no label, and which values it holds. */
import { setImmediate } from 'node:timers/promises';
import { SamError } from '../core/errors.js';
import type { BandSource, BandWindow } from '../raster/band-source.js';
import { Raster } from '../raster/raster.js';
import type { Samples } from '../raster/tiff/samples.js';
import type { Window } from '../raster/windows.js';
import { insideOf } from './inside.js';
import type { ImageSize } from './picture.js';
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

/** An open label. */
export class Label {
  readonly width: number;
  readonly height: number;

  constructor(private readonly source: BandSource) {
    this.width = source.width;
    this.height = source.height;
  }

  /** Reads a window: 1 inside, 0 outside, and where there is no label. */
  async read(window: Window): Promise<Mask> {
    const { width, height } = window;
    const { colourBands } = this.source;
    const found = await this.source.read(window, colourBands);
    const samples = found.bands.length === 1 ? found.bands[0]! : anyOf(found.bands);
    const inside = await insideOf(samples, 1, { hasAlpha: false, valid: this.#labelled(found) });
    const { shown } = found;
    const values =
      shown === undefined ? inside.values : inside.values.map((value, at) => (shown[at] === 0 ? 0 : value));
    return { ...inside, values, width, height };
  }

  /** Reads the whole label. The event loop turns between its slices. */
  async readAll(): Promise<Mask> {
    const { width, height } = this;
    const values = new Uint8Array(width * height);
    let labelled: Uint8Array | undefined;
    for (const window of this.source.slices()) {
      const part = await this.read(window);
      values.set(part.values, window.y * width);
      if (part.labelled !== undefined) {
        labelled ??= new Uint8Array(width * height).fill(1);
        labelled.set(part.labelled, window.y * width);
      }
      await setImmediate();
    }
    return { values, width, height, ...(labelled && { labelled }) };
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

  /** Tells where there is a label: not where all bands have the value for no data, nor where an internal mask hides them. */
  #labelled({ bands, shown }: BandWindow): Uint8Array | undefined {
    const { nodata } = this.source;
    const masked = this.source instanceof Raster && this.source.hasMask ? shown : undefined;
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

/** Returns 1 where any of the bands is anything but 0. */
function anyOf(bands: readonly Samples[]): Uint8Array {
  return Uint8Array.from(bands[0]!, (_, at) => (bands.some((band) => band[at]! > 0 || band[at]! < 0) ? 1 : 0));
}

async function toColours([red, green, blue]: readonly Samples[]): Promise<Uint32Array> {
  const codes = new Uint32Array(red!.length);
  await inSlices(codes.length, (start, end) => {
    for (let at = start; at < end; at++) codes[at] = (red![at]! << 16) | (green![at]! << 8) | blue![at]!;
  });
  return codes;
}
