/** What of a label is inside, from its samples: anything but 0, of whatever numeric type; of values between two ends the upper half. */
import type { Samples } from '../raster/tiff/samples.js';
import { hasVoid, lookAtNumbers, lookAtValues, PLAIN, type ValueFindings } from './label-values.js';

/** Most values that are told apart: more are no classes. */
const MOST_VALUES = 80;

/** A label's values, gathered part by part. */
export class LabelGatherer {
  /** Value a pixel: of bytes the brightest band, of other numbers 1 where any is but 0. */
  readonly #values: Uint8Array;
  /** Numbers that are no bytes, the greatest of all bands; undefined while all are bytes. */
  #numbers: Float32Array | undefined;
  readonly #counts = new Uint32Array(256);
  /** Values that are no bytes, but 0. */
  readonly #present = new Set<number>();
  #areBytes = true;

  /** @param pixels number of pixels of the label. */
  constructor(pixels: number) {
    this.#values = new Uint8Array(pixels);
  }

  /**
   * Adds a part.
   *
   * @param bands samples of each band.
   * @param from number of the part's first pixel.
   * @param seen value a pixel of the part: 0 where it is transparent or has no label; undefined: nowhere.
   */
  add(bands: readonly Samples[], from: number, seen?: Uint8Array): void {
    const values = this.#values.subarray(from, from + bands[0]!.length);
    for (const [index, band] of bands.entries()) {
      if (!(band instanceof Uint8Array)) this.#addNumbers(values, band, { from, seen });
      else if (index === 0) values.set(band);
      else brighten(values, band);
    }
    if (seen !== undefined) hide(values, seen);
    if (this.#areBytes) count(values, this.#counts);
  }

  /** Adds a part whose bands lie pixel by pixel; all of it is seen. */
  addPixels(samples: Samples, bandCount: number, from: number): void {
    if (bandCount === 1) {
      this.add([samples], from);
      return;
    }
    const values = this.#values.subarray(from, from + samples.length / bandCount);
    if (samples instanceof Uint8Array) {
      brightest(values, samples, bandCount);
      count(values, this.#counts);
      return;
    }
    const bands = Array.from({ length: bandCount }, () => new Uint16Array(values.length));
    for (let at = 0; at < samples.length; at++) bands[at % bandCount]![Math.floor(at / bandCount)] = samples[at]!;
    this.add(bands, from);
  }

  /** Tells what the values are, once all parts are there. */
  findings(width: number): ValueFindings {
    if (this.#areBytes) return lookAtValues(this.#values, this.#counts, width);
    if (hasVoid([...this.#present])) return { threshold: 0, doubts: ['void'] };
    return this.#present.size < MOST_VALUES ? PLAIN : lookAtNumbers(this.#numbers!, width);
  }

  /** Gives the pixels above a threshold: 1 inside, 0 outside. Nothing can be asked or added afterwards. */
  inside(threshold: number): Uint8Array {
    const numbers = threshold > 0 ? this.#numbers : undefined;
    if (numbers === undefined) cut(this.#values, this.#areBytes ? threshold : 0);
    else
      this.#values.forEach((value, at) => {
        this.#values[at] = value !== 0 && numbers[at]! > threshold ? 1 : 0;
      });
    return this.#values;
  }

  #addNumbers(
    values: Uint8Array,
    band: Exclude<Samples, Uint8Array>,
    { from, seen }: { from: number; seen: Uint8Array | undefined },
  ): void {
    this.#areBytes = false;
    this.#numbers ??= new Float32Array(this.#values.length);
    const numbers = this.#numbers.subarray(from, from + values.length);
    let before = 0;
    for (let at = 0; at < values.length; at++) {
      const value = band[at]!;
      // Not "=== 0": a real-valued label's NaN is outside.
      if (!(value > 0 || value < 0) || (seen !== undefined && seen[at] === 0)) continue;
      values[at] = 1;
      if (value > numbers[at]!) numbers[at] = value;
      if (value !== before && this.#present.size < MOST_VALUES) this.#present.add(value);
      before = value;
    }
  }
}

// Loops over pixels stand alone, for the compiler's sake: within the class they take twice as long.

function brightest(values: Uint8Array, samples: Uint8Array, bandCount: number): void {
  for (let pixel = 0, at = 0; pixel < values.length; pixel++, at += bandCount) {
    let most = samples[at]!;
    for (let band = 1; band < bandCount; band++) {
      const value = samples[at + band]!;
      if (value > most) most = value;
    }
    values[pixel] = most;
  }
}

function brighten(values: Uint8Array, band: Uint8Array): void {
  for (let at = 0; at < values.length; at++) if (band[at]! > values[at]!) values[at] = band[at]!;
}

function hide(values: Uint8Array, seen: Uint8Array): void {
  for (let at = 0; at < values.length; at++) if (seen[at] === 0) values[at] = 0;
}

function cut(values: Uint8Array, threshold: number): void {
  for (let at = 0; at < values.length; at++) values[at] = values[at]! > threshold ? 1 : 0;
}

/** Counts the pixels of each value, run by run: adding to one number again and again takes longer. */
function count(values: Uint8Array, counts: Uint32Array): void {
  for (let from = 0, at = 0; at < values.length; from = at) {
    const value = values[from]!;
    while (at < values.length && values[at] === value) at++;
    counts[value]! += at - from;
  }
}
