/** A window of a picture, and what of the picture lies in it. */

/** x and y of the top left pixel, and how many there are across and down. */
export interface Window {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

type Pixels = Uint8Array | Uint16Array | Float32Array;

/** A copy of the window's pixels. `width`: the picture's; `channels`: interleaved numbers of each pixel. */
export function cropped<Values extends Pixels>(values: Values, width: number, window: Window, channels = 1): Values {
  const length = window.width * channels;
  const part = emptyLike(values, length * window.height);
  for (let row = 0; row < window.height; row++) {
    const from = ((window.y + row) * width + window.x) * channels;
    part.set(values.subarray(from, from + length), row * length);
  }
  return part as Values;
}

function emptyLike(values: Pixels, length: number): Pixels {
  if (values instanceof Uint16Array) return new Uint16Array(length);
  return values instanceof Float32Array ? new Float32Array(length) : new Uint8Array(length);
}
