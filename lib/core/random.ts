/**
 * Random numbers that depend on what they are for and on nothing else. Prompts are drawn from `(seed, epoch, image,
 * prompt)`, so batch size, order, threads and resuming change nothing.
 *
 * The generator is sfc32 (Chris Doty-Humphrey's "small fast counter", 128 bits of state); its state is the first 16
 * bytes, little endian, of SHA-256 over the UTF-8 text `seed NUL epoch NUL name NUL index`.
 */
import { createHash } from 'node:crypto';

/** A stream of random numbers. */
export interface Random {
  /** Draws a uniform number in [0, 1), a multiple of 2^-32. */
  next(): number;
  /** Draws a uniform integer in [0, n). */
  integer(n: number): number;
  /** Draws a uniform number in [a, b). */
  uniform(a: number, b: number): number;
}

/** An epoch of training, from 0 on, or validation, which is the same in every epoch, so that losses compare. */
export type Epoch = number | 'validation';

/** Returns the stream for one purpose: prompt `index` of the image `name` in one epoch. */
export function randomFor(seed: number, epoch: Epoch, name: string, index: number): Random {
  const number = epoch === 'validation' ? -1 : epoch;
  const digest = createHash('sha256').update(`${seed}\0${number}\0${name}\0${index}`).digest();
  return sfc32(digest.readInt32LE(0), digest.readInt32LE(4), digest.readInt32LE(8), digest.readInt32LE(12));
}

/**
 * Returns the stream of validation: whoever draws prompt `draw` of the image `name` from it (evaluate, predict, audit …) gets the
 * prompt that training's own validation sees.
 */
export function validationRandom(seed: number, name: string, draw = 0): Random {
  return randomFor(seed, 'validation', name, draw);
}

/** Returns the numbers 0 to n-1 in the order of one epoch (Fisher and Yates' shuffle). */
export function shuffled(n: number, seed: number, epoch: number): Uint32Array {
  // No image is named like this, so the order shares no stream with a prompt.
  const random = randomFor(seed, epoch, '\0order', 0);
  const order = Uint32Array.from({ length: n }, (_, index) => index);
  for (let last = n - 1; last > 0; last--) {
    const other = random.integer(last + 1);
    const kept = order[last]!;
    order[last] = order[other]!;
    order[other] = kept;
  }
  return order;
}

function sfc32(a: number, b: number, c: number, counter: number): Random {
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return (sum >>> 0) / 4294967296;
  };
  return {
    next,
    integer: (n) => Math.floor(next() * n),
    uniform: (from, to) => from + next() * (to - from),
  };
}
