import { describe, expect, it } from 'vitest';
import { boxShare } from '../../../lib/tasks/workbench/boxes.js';

/** A picture of 8 x 4 on a grid of 8 x 8, with these pixels inside. */
const mask = (...pixels: [x: number, y: number][]) => {
  const values = new Uint8Array(64);
  for (const [x, y] of pixels) values[y * 8 + x] = 1;
  return { values, size: 8, validWidth: 8, validHeight: 4, imageWidth: 800, imageHeight: 400 };
};

describe('boxShare', () => {
  it('is the share of the picture, without its padding, that the box around the label covers', () => {
    expect(boxShare(mask([1, 1], [4, 2]))).toBe((4 * 2) / (8 * 4));
    expect(boxShare(mask([0, 0], [7, 3]))).toBe(1);
    expect(boxShare(mask([3, 3]))).toBe(1 / 32);
  });

  it('is nothing of an empty label', () => {
    expect(boxShare(mask())).toBeNull();
  });
});
