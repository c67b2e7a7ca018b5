import { describe, expect, it } from 'vitest';
import { FRAME, frameSize, outlinePath } from '../../lib/reports/mask-paths.js';
import { disc, speckles } from './support.js';

/** Subpaths as lists of corners in the frame. */
function corners(path: string): [number, number][][] {
  return path
    .split('z')
    .filter((one) => one !== '')
    .map((one) => {
      const numbers = [...one.matchAll(/-?\d+(\.\d+)?/g)].map((match) => Number(match[0]));
      let [x, y] = [0, 0];
      return Array.from({ length: numbers.length / 2 }, (_, index): [number, number] => {
        x += numbers[2 * index]!;
        y += numbers[2 * index + 1]!;
        return [x, y];
      });
    });
}

function area(ring: readonly [number, number][]): number {
  const cross = ring.map(([x, y], index) => {
    const [nextX, nextY] = ring[(index + 1) % ring.length]!;
    return x * nextY - nextX * y;
  });
  return Math.abs(cross.reduce((a, b) => a + b, 0)) / 2;
}

describe('outlines of masks', () => {
  it('fill the frame for a mask of ones, whatever the size of the image', () => {
    for (const [width, height] of [
      [1, 1],
      [40, 30],
      [3000, 1000],
    ] as const) {
      const frame = frameSize({ width, height });
      expect(Math.max(frame.width, frame.height)).toBe(FRAME);
      const [ring, ...others] = corners(outlinePath({ values: new Uint8Array(width * height).fill(1), width, height }));
      expect(others).toEqual([]);
      expect(area(ring!)).toBe(frame.width * frame.height);
    }
  });

  it('are empty for an empty mask', () => {
    expect(outlinePath({ values: new Uint8Array(12), width: 4, height: 3 })).toBe('');
  });

  it('keep the area of a disc, in some hundred characters', () => {
    const path = outlinePath({ values: disc(512, 384, 0.3), width: 512, height: 384 });
    expect(area(corners(path)[0]!)).toBeCloseTo(Math.PI * (0.3 * 512) ** 2, -3);
    expect(path.length).toBeLessThan(1500);
  });

  it('have holes', () => {
    const hole = disc(200, 200, 0.1);
    const values = disc(200, 200, 0.4).map((value, at) => (hole[at] === 1 ? 0 : value));
    expect(corners(outlinePath({ values, width: 200, height: 200 }))).toHaveLength(2);
  });

  it('of a mask of specks stay small, and cover about as much', () => {
    const path = outlinePath({ values: speckles(512 * 512), width: 512, height: 512 });
    expect(path.length).toBeGreaterThan(100);
    expect(path.length).toBeLessThanOrEqual(24_000);
  });
});
