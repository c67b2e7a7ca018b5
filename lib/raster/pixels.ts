/** A raster as SAM sees it: three of its bands, 8 bits each, window by window. */
import { setImmediate } from 'node:timers/promises';
import type { TypedArray } from 'geotiff';
import { type BandChoice, chooseBands } from './band-choice.js';
import { isValid, type Raster } from './raster.js';
import { type BandStretch, findStretch, STRETCH_VERSION, toByte } from './stretch.js';
import { cropped, type Window } from './windows.js';

/** A picture in red, green and blue. */
export interface RgbPicture {
  /** width*height*3 values, interleaved, 8 bits each. */
  readonly pixels: Uint8Array;
  /** Width, pixels. */
  readonly width: number;
  /** Height, pixels. */
  readonly height: number;
}

/** A window of a picture, and where it holds data. */
export interface RgbWindow extends RgbPicture {
  /** width*height values, 0 where none of the bands holds data; undefined where there is data everywhere. */
  readonly valid?: Uint8Array | undefined;
}

/** A picture that is read window by window. */
export interface RgbSource {
  readonly width: number;
  readonly height: number;
  read(window: Window): Promise<RgbWindow>;
  /** Reads no more of a window than where it holds data, as {@link read} tells it. */
  readValid(window: Window): Promise<RgbWindow['valid']>;
  close(): Promise<void>;
}

/** A raster, three of its bands stretched to 8 bits, as a picture. */
export class RasterPixels implements RgbSource {
  readonly width: number;
  readonly height: number;

  private constructor(
    readonly raster: Raster,
    private readonly bands: readonly [number, number, number],
    /** Stretch of each colour. */
    readonly stretch: readonly BandStretch[],
  ) {
    this.width = raster.width;
    this.height = raster.height;
  }

  /**
   * Chooses the raster's bands and finds how they are stretched.
   *
   * @param stretch stretch of each colour, where it is known from an earlier opening.
   * @throws SamError as {@link chooseBands} and {@link findStretch}.
   */
  static async of(
    raster: Raster,
    choice: BandChoice | undefined,
    stretch?: readonly BandStretch[],
  ): Promise<RasterPixels> {
    const bands = chooseBands(raster, choice);
    return new RasterPixels(raster, bands, stretch ?? (await findStretch(raster, bands)));
  }

  async read(window: Window): Promise<RgbWindow> {
    const { width, height } = window;
    const distinct = this.#distinct;
    const samples = await this.raster.read(window, distinct);
    const pixels = new Uint8Array(width * height * 3);
    this.bands.forEach((band, colour) => {
      fill(pixels, colour, samples[distinct.indexOf(band)]!, this.stretch[colour]!);
    });
    return { pixels, width, height, valid: validOf(samples, this.raster.nodata) };
  }

  async readValid(window: Window): Promise<RgbWindow['valid']> {
    const { nodata } = this.raster;
    const bands = this.#distinct;
    // Whole numbers all count: nothing is read.
    if (nodata === undefined && !bands.some((band) => this.raster.isReal(band))) return undefined;
    return validOf(await this.raster.read(window, bands), nodata);
  }

  get #distinct(): number[] {
    return [...new Set(this.bands)];
  }

  async close(): Promise<void> {
    await this.raster.close();
  }

  /** Reads the whole picture. The event loop turns between its slices. */
  async readAll(): Promise<RgbPicture> {
    const { width, height } = this;
    const pixels = new Uint8Array(width * height * 3);
    for (const window of this.raster.slices()) {
      const part = await this.read(window);
      pixels.set(part.pixels, window.y * width * 3);
      await setImmediate();
    }
    return { pixels, width, height };
  }
}

/** A picture in memory, read window by window like any other. */
export class MemoryPixels implements RgbSource {
  readonly width: number;
  readonly height: number;

  constructor(private readonly image: RgbPicture) {
    this.width = image.width;
    this.height = image.height;
  }

  async read(window: Window): Promise<RgbWindow> {
    const { width, height } = window;
    return { pixels: cropped(this.image.pixels, this.width, window, 3), width, height };
  }

  async readValid(): Promise<undefined> {
    return undefined;
  }

  async close(): Promise<void> {}
}

/** Describes how a raster is read as a picture. The embedding cache goes by it: other bands or another stretch, another embedding. */
export function readingOf(raster: Raster, choice: BandChoice | undefined): string {
  return `bands ${chooseBands(raster, choice).join(',')} ${STRETCH_VERSION}`;
}

function fill(pixels: Uint8Array, colour: number, samples: TypedArray, stretch: BandStretch): void {
  for (let index = 0, at = colour; index < samples.length; index++, at += 3) {
    pixels[at] = stretch === null ? samples[index]! : toByte(samples[index]!, stretch);
  }
}

function validOf(bands: readonly TypedArray[], nodata: number | undefined): Uint8Array | undefined {
  const real = bands.some((band) => band instanceof Float32Array || band instanceof Float64Array);
  if (nodata === undefined && !real) return undefined;
  const valid = new Uint8Array(bands[0]!.length);
  for (const band of bands) {
    for (let index = 0; index < valid.length; index++) if (isValid(band[index]!, nodata)) valid[index] = 1;
  }
  return valid;
}
