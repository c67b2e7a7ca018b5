/** The sizes that SAM's frames have, and how a picture fits into one: what `native/model/frame.h` says to C++. */

/** Side of the frame that the encoder sees, pixels. */
export const MODEL_SIDE = 1024;
/** Side of the image embedding. */
export const EMBEDDING_SIDE = 64;
/** Channels of the image embedding. */
export const EMBEDDING_CHANNELS = 256;
/** Numbers of one image's embedding. */
export const EMBEDDING_FLOATS = EMBEDDING_CHANNELS * EMBEDDING_SIDE ** 2;
/** Side of the decoder's grid: of the low-res masks, and of a mask that is a prompt. */
export const LOW_RES_SIDE = 256;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * The picture's size in a square frame: its long side is the frame's, the other one in proportion, at least 1.
 *
 * @param side Of the frame.
 * @param squashed The picture was made square first, so that it fills the frame.
 */
export function fitted({ width, height }: Size, side: number, squashed = false): Size {
  if (squashed) return { width: side, height: side };
  const long = Math.max(width, height);
  const sideOf = (length: number) => Math.max(1, Math.floor((length * side) / long + 0.5));
  return { width: sideOf(width), height: sideOf(height) };
}
