/**
 * Three ways to cut groups of samples into parts; a group itself is never cut. Each takes the groups' sizes and gives the part of each
 * group. They draw an order from the seed, and differ in what they are for:
 *
 * - {@link cutOff}: one part of some share, the rest is the other. A group is taken while that brings the part nearer to its share.
 * - {@link dealOut}: parts about equally large. A group goes to the part that is smallest so far.
 * - {@link shareOut}: parts of different shares, none empty. The largest groups come first, since small ones even out what is left; a
 *   group goes where most is missing.
 */
import { randomFor } from '../core/random.js';

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

/**
 * Cuts a part of some share off.
 *
 * @param sizes samples of each group; two groups or more.
 * @returns 1 for the groups that are cut off, at least one and not all; 0 for the rest.
 */
export function cutOff(sizes: readonly number[], share: number, seed: number): Uint8Array {
  const wanted = share * sum(sizes);
  const partOf = new Uint8Array(sizes.length);
  let [taken, count] = [0, 0];
  for (const group of inDrawnOrder(sizes, seed)) {
    const size = sizes[group]!;
    const nearer = Math.abs(count + size - wanted) < Math.abs(count - wanted);
    if (!nearer || taken === sizes.length - 1) continue;
    partOf[group] = 1;
    taken++;
    count += size;
  }
  // A share too small for any group: the smallest one, the first by name of several.
  if (taken === 0) partOf[sizes.indexOf(sizes.reduce((least, size) => Math.min(least, size)))] = 1;
  return partOf;
}

/** Deals groups out to parts about equally large; returns the part of each group, from 0 to `parts` - 1. */
export function dealOut(sizes: readonly number[], parts: number, seed: number): Uint32Array {
  const counts = new Array<number>(parts).fill(0);
  const partOf = new Uint32Array(sizes.length);
  for (const group of inDrawnOrder(sizes, seed)) {
    const part = counts.indexOf(Math.min(...counts));
    partOf[group] = part;
    counts[part]! += sizes[group]!;
  }
  return partOf;
}

/**
 * Shares groups out to parts of different shares. No part stays empty as long as there are as many groups as parts.
 *
 * @param shares share of each part, above 0; only their ratio counts.
 * @returns the part of each group, by its place in `shares`.
 */
export function shareOut(sizes: readonly number[], shares: readonly number[], seed: number): Uint8Array {
  const [samples, whole] = [sum(sizes), sum(shares)];
  const missing = shares.map((share) => (share / whole) * samples);
  const empty = new Set(shares.keys());
  const partOf = new Uint8Array(sizes.length);
  largestFirst(sizes, seed).forEach((group, place) => {
    const left = sizes.length - place;
    const open = left <= empty.size ? [...empty] : [...shares.keys()];
    const part = open.reduce((most, one) => (missing[one]! > missing[most]! ? one : most));
    partOf[group] = part;
    missing[part]! -= sizes[group]!;
    empty.delete(part);
  });
  return partOf;
}

function inDrawnOrder(sizes: readonly number[], seed: number): number[] {
  const ranks = ranksOf(sizes, seed, '\0validation');
  return [...sizes.keys()].sort((a, b) => ranks[a]! - ranks[b]!);
}

/** Orders groups by size, the largest first, those of one size in a drawn order. */
function largestFirst(sizes: readonly number[], seed: number): number[] {
  const ranks = ranksOf(sizes, seed, '\0split');
  return [...sizes.keys()].sort((a, b) => sizes[b]! - sizes[a]! || ranks[a]! - ranks[b]!);
}

/** Draws a number for each group. `name` is no image's, so that the order shares no stream with a prompt. */
function ranksOf(sizes: readonly number[], seed: number, name: string): number[] {
  const random = randomFor(seed, 0, name, 0);
  return sizes.map(() => random.next());
}
