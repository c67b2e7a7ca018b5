/** A raster as SAM sees it: three of its bands, 8 bits each, window by window. */
import { setImmediate } from 'node:timers/promises';
import { type BandChoice, chooseBands } from './band-choice.js';
import { type BandSource, type BandStretch, type BandWindow, isValid, mayLack } from './band-source.js';
import { findStretch, STRETCH_VERSION, toByte } from './stretch.js';
import type { Samples } from './tiff/samples.js';
import type { Window } from './windows.js';

/** A picture in red, green and blue. */
export interface RgbPicture {
  /** width*height*3 values, interleaved, 8 bits each. */
  readonly pixels: Uint8Array;
  /** Width, pixels. */
  readonly width: number;
  /** Height, pixels. */
  readonly height: number;
  /** width*height values, 0 where there is no picture (no data, or transparent); undefined: there is one everywhere. */
  readonly valid?: Uint8Array | undefined;
  /** What of the file gives doubt, in words that the user should see. */
  readonly doubt?: string;
}

/** A raster or picture, three of its bands in 8 bits, as a picture in red, green and blue. */
export class RgbSource {
  readonly width: number;
  readonly height: number;

  private constructor(
    readonly source: BandSource,
    private readonly bands: readonly [number, number, number],
    /** Stretch of each colour. */
    readonly stretch: readonly BandStretch[],
    /** What of the picture gives doubt, in words. */
    readonly doubt: string | undefined,
  ) {
    this.width = source.width;
    this.height = source.height;
  }

  /**
   * Chooses the bands and finds how they are stretched.
   *
   * @param stretch stretch of each colour, where it is known from an earlier opening.
   * @throws SamError as {@link chooseBands} and {@link findStretch}.
   */
  static async of(
    source: BandSource,
    choice: BandChoice | undefined,
    stretch?: readonly BandStretch[],
  ): Promise<RgbSource> {
    const bands = chooseBands(source, choice);
    const found = stretch === undefined ? await findStretch(source, bands) : { stretch, doubt: undefined };
    return new RgbSource(source, bands, found.stretch, found.doubt);
  }

  async read(window: Window): Promise<RgbPicture> {
    const { width, height } = window;
    const distinct = this.#distinct;
    const found = await this.source.read(window, distinct);
    const pixels = new Uint8Array(width * height * 3);
    this.bands.forEach((band, colour) => {
      fill(pixels, colour, found.bands[distinct.indexOf(band)]!, this.stretch[colour]!);
    });
    return { pixels, width, height, valid: this.#validOf(found) };
  }

  /** Reads no more of a window than where there is a picture, as {@link read} tells it. */
  async readValid(window: Window): Promise<RgbPicture['valid']> {
    if (!mayLack(this.source)) return undefined; // nothing is read
    return this.#validOf(await this.source.read(window, this.#distinct));
  }

  get #distinct(): number[] {
    return [...new Set(this.bands)];
  }

  #validOf({ bands, shown }: BandWindow): Uint8Array | undefined {
    const { nodata, isReal } = this.source;
    if (nodata === undefined && !isReal) return shown;
    const valid = new Uint8Array(bands[0]!.length);
    for (const band of bands) {
      for (let at = 0; at < valid.length; at++) if (shown?.[at] !== 0 && isValid(band[at]!, nodata)) valid[at] = 1;
    }
    return valid;
  }

  async close(): Promise<void> {
    await this.source.close();
  }

  /** Reads the whole picture. The event loop turns between its slices. */
  async readAll(): Promise<RgbPicture> {
    const { width, height } = this;
    const pixels = new Uint8Array(width * height * 3);
    let valid: Uint8Array | undefined;
    for (const window of this.source.slices()) {
      const part = await this.read(window);
      pixels.set(part.pixels, window.y * width * 3);
      if (part.valid?.includes(0)) {
        valid ??= new Uint8Array(width * height).fill(1);
        valid.set(part.valid, window.y * width);
      }
      await setImmediate();
    }
    const { doubt } = this;
    return { pixels, width, height, ...(valid && { valid }), ...(doubt === undefined ? {} : { doubt }) };
  }
}

/** Describes how a source is read as a picture. The embedding cache goes by it: other bands or another stretch, another embedding. */
export function readingOf(source: BandSource, choice: BandChoice | undefined): string {
  const stretch = source.asPhotograph === undefined ? STRETCH_VERSION : 'as a photograph';
  return `TIFF bands ${chooseBands(source, choice).join(',')} ${stretch}`;
}

function fill(pixels: Uint8Array, colour: number, samples: Samples, stretch: BandStretch): void {
  for (let index = 0, at = colour; index < samples.length; index++, at += 3) {
    pixels[at] = stretch === null ? samples[index]! : toByte(samples[index]!, stretch);
  }
}
